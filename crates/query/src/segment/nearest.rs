//! The chunks whose vectors are nearest to a query's: looked for among small vectors of one byte a dimension, and
//! judged by the stored ones.
//!
//! A small vector is the stored one in 255 steps, of which the largest number has 127. Of the nearest by these, more
//! than asked for are compared by the stored vectors, so the score of an answer does not depend on the steps.

use half::f16;
use half::slice::HalfFloatSliceExt as _;
use warmer_content::Vector;

use super::reader::Segment;

/// Sums kept apart so that the compiler may add them in parallel: 16 floats are two AVX or four SSE registers.
const LANES: usize = 16;
/// The largest number of a small vector.
const STEPS: f32 = 127.0;
/// How many times more than asked for are compared by their stored vectors. With 384 dimensions the steps move a cosine
/// by some 0.0006: what is that near to the last one is among twice as many.
const SPARE: usize = 2;

/// A query's vector, ready to be compared.
#[derive(Clone, Debug)]
pub(crate) struct Probe {
    exact: Vec<f32>,
    small: Vec<i16>,
    scale: f32,
}

impl Probe {
    /// Of this vector.
    pub(crate) fn new(query: &Vector) -> Self {
        let exact = query.to_f32();
        let scale = scale_of(&exact);
        let small = exact.iter().map(|value| (value / scale).round() as i16).collect();
        Self { exact, small, scale }
    }

    /// The cosine to a vector in its stored form; `None` where it has other dimensions. Stored vectors have length 1,
    /// so it is the dot product.
    pub(crate) fn cosine(&self, stored: &[u8]) -> Option<f32> {
        let (pairs, rest) = stored.as_chunks::<2>();
        if pairs.len() != self.exact.len() || !rest.is_empty() {
            return None;
        }
        let mut halves = [f16::ZERO; LANES];
        let mut values = [0.0_f32; LANES];
        let mut sums = [0.0_f32; LANES];
        for (query, pairs) in self.exact.chunks(LANES).zip(pairs.chunks(LANES)) {
            for (half, pair) in halves.iter_mut().zip(pairs) {
                *half = f16::from_le_bytes(*pair);
            }
            halves[..pairs.len()].convert_to_f32_slice(&mut values[..pairs.len()]);
            for (sum, (a, b)) in sums.iter_mut().zip(query.iter().zip(&values)) {
                *sum += a * b;
            }
        }
        Some(sums.iter().sum())
    }

    fn near(&self, small: &[u8], scale: f32) -> f32 {
        dot(&self.small, small) as f32 * scale * self.scale
    }
}

/// The dot product; at most 127 * 127 for each of the dimensions, of which 130,000 would fit. 100,000 of 384
/// dimensions take 1.3 ms where the processor has AVX2, and 3.7 with what every x86-64 processor has.
fn dot(query: &[i16], small: &[u8]) -> i32 {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        #[expect(
            unsafe_code,
            reason = "a function for some processors alone is called where the processor is one of them"
        )]
        // SAFETY: the processor has AVX2, which is all that the function needs beyond what each has.
        return unsafe { dot_avx2(query, small) };
    }
    plain_dot(query, small)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn dot_avx2(query: &[i16], small: &[u8]) -> i32 {
    plain_dot(query, small)
}

#[inline(always)]
fn plain_dot(query: &[i16], small: &[u8]) -> i32 {
    query.iter().zip(small).map(|(a, b)| i32::from(*a) * i32::from(b.cast_signed())).sum()
}

fn scale_of(values: &[f32]) -> f32 {
    let largest = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    if largest > 0.0 { largest / STEPS } else { 1.0 }
}

/// Appends the small form of a stored vector; gives what a step of it is worth.
pub(super) fn quantised(stored: &[u8], to: &mut Vec<u8>) -> f32 {
    let values: Vec<f32> = stored.as_chunks::<2>().0.iter().map(|bytes| f16::from_le_bytes(*bytes).to_f32()).collect();
    let scale = scale_of(&values);
    to.extend(values.iter().map(|value| ((value / scale).round() as i8).cast_unsigned()));
    scale
}

impl Segment {
    /// The `wanted` chunks whose vectors are nearest to the query's, of the files that pass, with the cosine; the
    /// nearest first, the first of several that are as near.
    pub(crate) fn nearest(&self, probe: &Probe, wanted: usize, pass: &mut dyn FnMut(u32) -> bool) -> Vec<(u32, f32)> {
        let Some(rows) = self.small_vectors(probe.small.len()) else { return vec![] };
        let mut best = Best::new(wanted.saturating_mul(SPARE));
        for file in 0..self.file_count() {
            let chunks = self.chunks_of(file);
            if chunks.is_empty() || !pass(file) {
                continue;
            }
            for chunk in chunks {
                let Some(row) = rows.row(chunk) else { break };
                let near = probe.near(row, rows.scale(chunk));
                if near > best.least && !self.lacks_vector(chunk) {
                    best.offer(near, chunk);
                }
            }
        }
        let cosine = |chunk| Some((chunk, probe.cosine(self.vector(chunk)?)?));
        let mut found: Vec<_> = best.kept().filter_map(cosine).collect();
        found.sort_by(|(one, a), (other, b)| b.total_cmp(a).then(one.cmp(other)));
        found.truncate(wanted);
        found
    }
}

/// The best so far; what cannot be among them is below `least`.
struct Best {
    limit: usize,
    least: f32,
    /// Twice as many as there may be, before the worse half is thrown away: cheaper than to sort each in.
    kept: Vec<(f32, u32)>,
}

impl Best {
    fn new(limit: usize) -> Self {
        Self { limit, least: f32::NEG_INFINITY, kept: Vec::with_capacity(2 * limit.min(1 << 16)) }
    }

    fn offer(&mut self, near: f32, chunk: u32) {
        self.kept.push((near, chunk));
        if self.kept.len() >= 2 * self.limit.max(1) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if self.limit == 0 {
            self.kept.clear();
        } else if self.kept.len() > self.limit {
            let (_, last, _) = self
                .kept
                .select_nth_unstable_by(self.limit - 1, |(a, one), (b, other)| b.total_cmp(a).then(one.cmp(other)));
            self.least = last.0;
            self.kept.truncate(self.limit);
        }
    }

    fn kept(mut self) -> impl Iterator<Item = u32> {
        self.cut();
        self.kept.into_iter().map(|(_, chunk)| chunk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::testing;

    /// A vector that looks like none other.
    fn vector(seed: u32, dimensions: u32) -> Vector {
        let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
        let values = (0..dimensions).map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as f32 / u32::MAX as f32 - 0.5
        });
        Vector::normalized(&values.collect::<Vec<_>>())
    }

    #[test]
    fn the_score_is_the_cosine_for_any_number_of_dimensions() {
        for dimensions in [1, 15, 16, 17, 384] {
            let (a, b) = (vector(1, dimensions), vector(2, dimensions));
            let difference = Probe::new(&a).cosine(b.as_bytes()).unwrap() - a.cosine(&b);
            assert!(difference.abs() < 2e-3, "{dimensions} dimensions: {difference}");
        }
        assert_eq!(Probe::new(&vector(1, 384)).cosine(vector(1, 383).as_bytes()), None);
    }

    #[test]
    fn the_dot_product_is_the_same_on_every_processor() {
        for dimensions in [0, 1, 7, 31, 32, 33, 384, 1_027] {
            let query: Vec<i16> = (0..dimensions).map(|number| (number * 37 % 255) as i16 - 127).collect();
            let small: Vec<u8> = (0..dimensions).map(|number| (number * 101 % 256) as u8).collect();
            let expected: i32 = query.iter().zip(&small).map(|(a, b)| i32::from(*a) * i32::from(*b as i8)).sum();
            assert_eq!([dot(&query, &small), plain_dot(&query, &small)], [expected; 2], "{dimensions}");
        }
        let (query, small) = (vec![-127; 65_536], vec![127; 65_536]);
        assert_eq!(dot(&query, &small), -127 * 127 * 65_536, "nothing overflows");
    }

    #[test]
    fn the_nearest_are_those_that_a_comparison_of_all_stored_vectors_finds() {
        for dimensions in [1, 17, 64, 384] {
            let vectors: Vec<_> = (0..500).map(|seed| vector(seed, dimensions)).collect();
            let segment = testing::of_vectors(&vectors);
            let query = vector(7_777, dimensions);
            let probe = Probe::new(&query);
            let exact = |chunk: u32| probe.cosine(vectors[chunk as usize].as_bytes()).unwrap();
            let mut all: Vec<_> = (0..500).map(|chunk| (chunk, exact(chunk))).collect();
            all.sort_by(|(one, a), (other, b)| b.total_cmp(a).then(one.cmp(other)));
            assert_eq!(segment.nearest(&probe, 20, &mut |_| true), all[..20], "{dimensions} dimensions");
            let even = segment.nearest(&probe, 500, &mut |file| file % 2 == 0);
            all.retain(|(chunk, _)| chunk % 2 == 0);
            assert_eq!(even, all, "of the files that pass");
        }
    }

    #[test]
    fn a_query_of_another_model_is_near_to_nothing() {
        let segment = testing::of_vectors(&[vector(1, 16), vector(2, 16)]);
        assert_eq!(segment.nearest(&Probe::new(&vector(1, 15)), 9, &mut |_| true), []);
        assert_eq!(segment.nearest(&Probe::new(&vector(1, 16)), 0, &mut |_| true), []);
    }
}
