//! Words: BM25F over the four fields of a chunk, with the statistics of all repositories that were asked.

use super::corpus::{Corpus, Part, Place};
use super::signals::{FIELD_WEIGHTS, LENGTH, SATURATION};
use crate::segment::{Counts, FIELDS};

/// What each chunk's words are worth.
pub(super) struct WordScores {
    /// By part, by chunk; empty where no word of the question stands in the part.
    scores: Vec<Vec<f32>>,
    /// How much each word of the question says, in their order: most where nobody has it.
    pub(super) telling: Vec<f32>,
    /// What all of them say together.
    whole: f32,
}

impl WordScores {
    /// Of a question's words.
    pub(super) fn of(corpus: &Corpus<'_>, words: &[String]) -> Self {
        let telling: Vec<_> = words.iter().map(|word| telling(corpus, word)).collect();
        let scores = corpus.parts.iter().map(|part| of_part(corpus, part, words, &telling)).collect();
        let whole = telling.iter().sum();
        Self { scores, telling, whole }
    }

    /// What a chunk's words are worth, 1 being what all words of the question say together; 0 where it has none.
    pub(super) fn get(&self, place: Place) -> f32 {
        let part = self.scores.get(place.part as usize);
        let score = part.and_then(|part| part.get(place.chunk as usize)).copied().unwrap_or_default();
        if score > 0.0 { score / self.whole } else { 0.0 }
    }
}

/// The inverse document frequency: what fewer chunks have tells more (Lucene's form, which is never below 0).
fn telling(corpus: &Corpus<'_>, word: &str) -> f32 {
    let with: u64 = corpus.parts.iter().map(|part| part.served_with(word)).sum();
    let (with, all) = (with as f64, corpus.chunks as f64);
    (1.0 + (all - with + 0.5).max(0.0) / (with + 0.5)).ln() as f32
}

fn of_part(corpus: &Corpus<'_>, part: &Part<'_>, words: &[String], telling: &[f32]) -> Vec<f32> {
    let mut scores = vec![];
    for (word, telling) in words.iter().zip(telling) {
        let Some(postings) = part.segment.postings(word) else { continue };
        scores.resize(part.segment.chunk_count() as usize, 0.0);
        for (chunk, counts) in postings {
            let frequency = frequency(counts, part.segment.lengths(chunk), &corpus.lengths);
            scores[chunk as usize] += telling * frequency * (SATURATION + 1.0) / (frequency + SATURATION);
        }
    }
    scores
}

/// How often a word stands in a chunk: weighted by field, and by how long each is beside others of its kind.
fn frequency(counts: Counts, lengths: [u32; FIELDS], means: &[f32; FIELDS]) -> f32 {
    let mut sum = 0.0;
    for field in 0..FIELDS {
        if counts[field] > 0 {
            let length = lengths[field] as f32 / means[field].max(1.0);
            sum += FIELD_WEIGHTS[field] * f32::from(counts[field]) / (1.0 - LENGTH + LENGTH * length);
        }
    }
    sum
}
