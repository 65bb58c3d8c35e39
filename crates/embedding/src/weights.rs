//! The weights of a graph, read once for all sessions of it.
//!
//! A session by itself keeps its weights, and packs its matrices for the kernels: 110 MiB for the default model. What
//! it is given here it uses where it lies, and what one session has packed the others find: eight take 369 MiB then,
//! not 878.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use ort::session::builder::{PrepackedWeights, SessionBuilder};
use ort::value::{DynValue, Tensor};
use prost::Message;
use prost::bytes::Bytes;

/// Smaller weights are not worth a look-up: biases, constants of shapes.
const BYTES_MIN: usize = 16 << 10;

/// Weights that sessions share. It outlives them: each keeps what it uses.
pub(crate) struct Weights {
    tensors: Vec<(String, Arc<DynValue>)>,
    packed: PrepackedWeights,
}

impl Weights {
    /// The weights of the graph in this file; what is in other files, or not of 32-bit floats, is left to each session.
    pub(crate) fn read(graph: &Path) -> Result<Self, String> {
        let bytes = fs::read(graph).map_err(|why| why.to_string())?;
        let model = Model::decode(Bytes::from(bytes)).map_err(|why| why.to_string())?;
        let tensors = model.graph.unwrap_or_default().initializer.into_iter().filter(Initializer::is_shared);
        let tensors = tensors.map(Initializer::named).collect::<ort::Result<_>>().map_err(|why| why.to_string())?;
        Ok(Self { tensors, packed: PrepackedWeights::new() })
    }

    /// A session that is made so uses them.
    pub(crate) fn give(&self, mut builder: SessionBuilder) -> ort::Result<SessionBuilder> {
        for (name, tensor) in &self.tensors {
            builder = builder.with_initializer(name, tensor.clone())?;
        }
        Ok(builder.with_prepacked_weights(&self.packed)?)
    }
}

/// As much of a model's file as is needed: <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>.
#[derive(Message)]
struct Model {
    #[prost(message, optional, tag = "7")]
    graph: Option<Graph>,
}

#[derive(Message)]
struct Graph {
    #[prost(message, repeated, tag = "5")]
    initializer: Vec<Initializer>,
}

/// `TensorProto`.
#[derive(Message)]
struct Initializer {
    #[prost(int64, repeated, tag = "1")]
    dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(string, tag = "8")]
    name: String,
    #[prost(bytes = "bytes", tag = "9")]
    raw_data: Bytes,
}

impl Initializer {
    fn is_shared(&self) -> bool {
        const FLOAT: i32 = 1;
        let numbers = self.dims.iter().try_fold(1_i64, |product, dim| product.checked_mul(*dim));
        let whole = numbers.and_then(|numbers| usize::try_from(numbers).ok()?.checked_mul(size_of::<f32>()));
        self.data_type == FLOAT && self.raw_data.len() >= BYTES_MIN && whole == Some(self.raw_data.len())
    }

    fn named(self) -> ort::Result<(String, Arc<DynValue>)> {
        let (numbers, _) = self.raw_data.as_chunks();
        let numbers: Vec<f32> = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let tensor = Tensor::from_array((self.dims, numbers))?;
        Ok((self.name, Arc::new(tensor.into_dyn())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_tensors_of_floats_are_shared_where_they_are_whole() {
        let tensor = |dims: &[i64], data_type, bytes: usize| {
            let (dims, raw_data) = (dims.to_vec(), Bytes::from(vec![0; bytes]));
            Initializer { dims, data_type, name: "w".to_owned(), raw_data }.is_shared()
        };
        assert!(tensor(&[64, 64], 1, 16 << 10));
        assert!(!tensor(&[64, 63], 1, 16 << 10), "of another size than it says");
        assert!(!tensor(&[64, 32], 7, 16 << 10), "64-bit integers");
        assert!(!tensor(&[64, 64], 1, 0), "in another file");
        assert!(!tensor(&[8, 8], 1, 256), "too small");
        assert!(!tensor(&[i64::MAX, i64::MAX], 1, 16 << 10));
    }
}
