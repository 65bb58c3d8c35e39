//! Pooling: how the vectors of a text's tokens become the one vector of the text.

/// The poolings this program does. Texts are never padded, so every token counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pooling {
    /// The mean over all tokens.
    Mean,
    /// The first token's vector.
    Cls,
    /// The largest value of each dimension.
    Max,
}

impl Pooling {
    /// The name that is part of the `embedding_id`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Cls => "cls",
            Self::Max => "max",
        }
    }

    /// `rows` holds one vector of `width` numbers per token, one behind the other; there is at least one.
    pub(crate) fn pool(self, rows: &[f32], width: usize) -> Vec<f32> {
        let mut pooled = rows[..width].to_vec();
        for row in rows[width..].chunks_exact(width) {
            for (value, other) in pooled.iter_mut().zip(row) {
                match self {
                    Self::Cls => {}
                    Self::Max => *value = value.max(*other),
                    Self::Mean => *value += other,
                }
            }
        }
        if self == Self::Mean {
            let tokens = (rows.len() / width) as f32;
            pooled.iter_mut().for_each(|sum| *sum /= tokens);
        }
        pooled
    }
}

/// Scales `values` to length 1; all zeroes stay zeroes.
pub(crate) fn normalize(values: &mut [f32]) {
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        values.iter_mut().for_each(|value| *value /= length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: [f32; 6] = [1.0, -4.0, 3.0, 0.0, 2.0, 1.0];

    #[test]
    fn each_pooling_makes_one_row_of_three() {
        assert_eq!(Pooling::Mean.pool(&ROWS, 2), [2.0, -1.0]);
        assert_eq!(Pooling::Cls.pool(&ROWS, 2), [1.0, -4.0]);
        assert_eq!(Pooling::Max.pool(&ROWS, 2), [3.0, 1.0]);
    }

    #[test]
    fn a_normalized_vector_has_length_one_and_zeroes_stay() {
        let mut values = [3.0, 4.0];
        normalize(&mut values);
        assert_eq!(values, [0.6, 0.8]);
        let mut zeroes = [0.0; 2];
        normalize(&mut zeroes);
        assert_eq!(zeroes, [0.0; 2]);
    }
}
