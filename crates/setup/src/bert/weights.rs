//! The tensors of `model.safetensors`, handed out as 32-bit floats.

use anyhow::{Context, Result, ensure};
use safetensors::{Dtype, SafeTensors};

/// A tensor of 32-bit floats, row by row, as little-endian bytes: the form in which both file formats hold it.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// Its extent along each axis, the slowest first.
    pub dimensions: Vec<usize>,
    /// The elements, as 32-bit floats with the low byte first.
    pub data: Vec<u8>,
}

impl Matrix {
    /// Rows become columns. A checkpoint stores a linear layer as [out, in], `MatMul` wants [in, out].
    pub fn transposed(self) -> Self {
        const WIDTH: usize = size_of::<f32>();
        let [rows, columns] = self.dimensions[..] else { return self };
        let mut data = Vec::with_capacity(self.data.len());
        for column in 0..columns {
            for row in 0..rows {
                let at = (row * columns + column) * WIDTH;
                data.extend_from_slice(&self.data[at..at + WIDTH]);
            }
        }
        Self { dimensions: vec![columns, rows], data }
    }
}

/// The tensors of one checkpoint by name.
pub struct Weights<'data> {
    tensors: SafeTensors<'data>,
    prefix: &'static str,
}

impl<'data> Weights<'data> {
    /// Reads the header of `model.safetensors`. Names may carry the prefix `bert.`, as checkpoints with a head do.
    pub fn parse(bytes: &'data [u8]) -> Result<Self> {
        let tensors = SafeTensors::deserialize(bytes).context("model.safetensors is truncated or damaged")?;
        let prefixed = tensors.names().iter().any(|name| name.starts_with("bert.embeddings."));
        Ok(Self { tensors, prefix: if prefixed { "bert." } else { "" } })
    }

    /// The tensor of this name, which must have these dimensions and hold 32-bit floats, as the default model's do.
    pub fn matrix(&self, name: &str, dimensions: &[usize]) -> Result<Matrix> {
        let name = format!("{}{name}", self.prefix);
        let view = self.tensors.tensor(&name).with_context(|| format!("model.safetensors has no tensor `{name}`"))?;
        ensure!(
            view.shape() == dimensions,
            "tensor `{name}` in model.safetensors is {:?}, config.json says {dimensions:?}",
            view.shape()
        );
        let dtype = view.dtype();
        ensure!(dtype == Dtype::F32, "tensor `{name}` in model.safetensors is {dtype:?}, only F32 can be exported");
        Ok(Matrix { dimensions: dimensions.to_vec(), data: view.data().to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::tensor::TensorView;

    fn bytes(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    fn file(name: &str, dtype: Dtype, data: &[u8]) -> Vec<u8> {
        let view = TensorView::new(dtype, vec![2, 3], data).unwrap();
        safetensors::serialize([(name, view)], None).unwrap()
    }

    #[test]
    fn a_tensor_of_32_bit_floats_is_taken_as_it_is() {
        let values = bytes(&[0.0, 1.0, -2.5, 0.125, 640.0, -0.0078125]);
        let file = file("w", Dtype::F32, &values);
        assert_eq!(Weights::parse(&file).unwrap().matrix("w", &[2, 3]).unwrap().data, values);
    }

    #[test]
    fn the_prefix_of_a_checkpoint_with_a_head_is_found() {
        let file = file("bert.embeddings.x", Dtype::F32, &bytes(&[1.0; 6]));
        assert!(Weights::parse(&file).unwrap().matrix("embeddings.x", &[2, 3]).is_ok());
    }

    #[test]
    fn a_missing_misshapen_or_other_tensor_is_named() {
        let floats = file("w", Dtype::F32, &bytes(&[1.0; 6]));
        let weights = Weights::parse(&floats).unwrap();
        assert_eq!(weights.matrix("v", &[2, 3]).unwrap_err().to_string(), "model.safetensors has no tensor `v`");
        assert!(weights.matrix("w", &[3, 2]).unwrap_err().to_string().contains("is [2, 3], config.json says [3, 2]"));
        for (dtype, data) in [(Dtype::I8, [1; 6].as_slice()), (Dtype::F16, [0; 12].as_slice())] {
            let other = file("w", dtype, data);
            let error = Weights::parse(&other).unwrap().matrix("w", &[2, 3]).unwrap_err().to_string();
            assert!(error.contains(&format!("is {dtype:?}, only F32 can be exported")), "{error}");
        }
        assert!(Weights::parse(&floats[..20]).is_err());
    }

    #[test]
    fn transposing_turns_rows_into_columns() {
        let matrix = Matrix { dimensions: vec![2, 3], data: bytes(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) }.transposed();
        assert_eq!(matrix, Matrix { dimensions: vec![3, 2], data: bytes(&[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]) });
    }
}
