//! The inner loop: the cosine between the query and a stored vector. 100,000 vectors of 384 dimensions take 17-24 ms on
//! one core of a busy two-core machine (release mode): one thread is enough.

use half::f16;
use half::slice::HalfFloatSliceExt as _;
use warmer_content::Vector;

/// Sums kept apart so that the compiler may add them in parallel: 16 floats are two AVX or four SSE registers.
const LANES: usize = 16;

/// A query, and room to unpack the vector it is compared with. Stored vectors have length 1, so the dot product is the
/// cosine.
pub(super) struct Scan {
    query: Vec<f32>,
    halves: Vec<f16>,
    row: Vec<f32>,
}

impl Scan {
    pub(super) fn new(query: &Vector) -> Self {
        let query = query.to_f32();
        Self { halves: vec![f16::ZERO; query.len()], row: vec![0.0; query.len()], query }
    }

    /// The cosine to a vector in its stored form; -1, the farthest, where it has other dimensions.
    pub(super) fn score(&mut self, stored: &[u8]) -> f32 {
        let (pairs, rest) = stored.as_chunks::<2>();
        if pairs.len() != self.query.len() || !rest.is_empty() {
            return -1.0;
        }
        for (half, bytes) in self.halves.iter_mut().zip(pairs) {
            *half = f16::from_le_bytes(*bytes);
        }
        self.halves.convert_to_f32_slice(&mut self.row);
        dot(&self.query, &self.row)
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0f32; LANES];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A vector of this many dimensions that looks like none other.
    fn vector(seed: u32, dimensions: u32) -> Vector {
        let values = (0..dimensions).map(|index| ((index * 7919 + seed * 104_729) % 1000) as f32 / 500.0 - 1.0);
        Vector::normalized(&values.collect::<Vec<_>>())
    }

    #[test]
    fn the_score_is_the_cosine_for_any_number_of_dimensions() {
        for dimensions in [1, 15, 16, 17, 384] {
            let (a, b) = (vector(1, dimensions), vector(2, dimensions));
            let difference = Scan::new(&a).score(b.as_bytes()) - a.cosine(&b);
            assert!(difference.abs() < 2e-3, "{dimensions} dimensions: {difference}");
        }
    }

    #[test]
    fn a_vector_of_another_model_is_the_farthest() {
        assert!((Scan::new(&vector(1, 384)).score(vector(1, 383).as_bytes()) + 1.0).abs() < f32::EPSILON);
    }
}
