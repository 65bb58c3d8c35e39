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

    /// The row of a text that was read in windows, of the row of each and the number of tokens that it was pooled from.
    /// There is at least one; that of one window stays as it is.
    ///
    /// Of the mean it is the mean over all tokens, and of the maximum the maximum. First tokens stand for a window
    /// each, so each counts as much as any other, however long its row is.
    pub(crate) fn join(self, mut windows: Vec<(Vec<f32>, usize)>) -> Vec<f32> {
        if let [(row, _)] = &mut windows[..] {
            return std::mem::take(row);
        }
        let count = windows.len() as f32;
        let tokens = windows.iter().map(|(_, tokens)| *tokens as f32).sum::<f32>();
        let weighed = windows.into_iter().map(|(mut row, of_row)| {
            let share = match self {
                Self::Max => return row,
                Self::Mean => of_row as f32 / tokens,
                Self::Cls => {
                    normalize(&mut row);
                    1.0 / count
                }
            };
            row.iter_mut().for_each(|value| *value *= share);
            row
        });
        let joined = weighed.reduce(|mut joined, row| {
            for (value, other) in joined.iter_mut().zip(row) {
                *value = if self == Self::Max { value.max(other) } else { *value + other };
            }
            joined
        });
        joined.unwrap_or_default()
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

    fn near(found: &[f32], wanted: &[f32]) -> bool {
        found.len() == wanted.len() && found.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() < 1e-6)
    }

    #[test]
    fn windows_are_joined_as_if_all_tokens_had_been_read_at_once() {
        for pooling in [Pooling::Mean, Pooling::Max] {
            let window = |rows: &[f32]| (pooling.pool(rows, 2), rows.len() / 2);
            let joined = pooling.join(vec![window(&ROWS[..4]), window(&ROWS[4..])]);
            assert!(near(&joined, &pooling.pool(&ROWS, 2)), "{pooling:?}: {joined:?}");
        }
    }

    #[test]
    fn first_tokens_of_windows_count_alike() {
        let joined = Pooling::Cls.join(vec![(vec![30.0, 40.0], 2), (vec![0.0, -0.1], 1)]);
        assert!(near(&joined, &[0.3, -0.1]), "{joined:?}: the mean of two rows of length one");
    }

    #[test]
    fn the_row_of_one_window_stays_as_it_is() {
        for pooling in [Pooling::Mean, Pooling::Cls, Pooling::Max] {
            assert_eq!(pooling.join(vec![(vec![0.1, 7.3], 3)]), [0.1, 7.3]);
        }
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
