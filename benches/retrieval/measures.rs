//! How good ten hits are, and how sure that is.

use std::collections::BTreeSet;

use super::labels::Place;

/// How many hits are looked at.
pub const HITS: usize = 10;

/// What a search says: a place in the list.
#[derive(Clone, Debug, Default)]
pub struct Hit {
    /// The lines that it shows.
    pub shown: Vec<Place>,
    /// Other files with the same text.
    pub copies: Vec<String>,
    /// How many tokens a reader reads of it.
    pub tokens: u64,
}

/// The measures of one question.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// NDCG@10 of files.
    pub ndcg: f64,
    /// How many of the right files are among the hits: 0 to 1.
    pub recall: f64,
    /// 1 / the place of the first of them; 0 for a miss.
    pub reciprocal: f64,
    /// The tokens up to and with the first hit that shows right lines; endless for a miss.
    pub tokens: f64,
}

impl Measured {
    /// Compares hits, the best first, with the right places.
    #[must_use]
    pub fn of(hits: &[Hit], answers: &[Place]) -> Self {
        let right: BTreeSet<&str> = answers.iter().map(|place| &*place.path).collect();
        let mut found = BTreeSet::new();
        let (mut gain, mut reciprocal, mut places) = (0.0, 0.0, 0);
        for (place, hit) in hits.iter().take(HITS).enumerate() {
            let new = hit.files().filter(|file| right.contains(file)).filter(|file| found.insert(*file)).count();
            if new > 0 {
                gain += discount(place);
                places += 1;
                // Copies share a place: the best list there can be is so much shorter.
                reciprocal = if reciprocal > 0.0 { reciprocal } else { 1.0 / (place as f64 + 1.0) };
            }
        }
        let best: f64 = (0..(right.len() - found.len() + places).min(HITS)).map(discount).sum();
        let recall = found.len() as f64 / right.len() as f64;
        Self { ndcg: gain / best, recall, reciprocal, tokens: tokens_to_the_first(hits, answers) }
    }
}

impl Hit {
    fn files(&self) -> impl Iterator<Item = &str> {
        let shown: BTreeSet<_> = self.shown.iter().map(|place| &*place.path).collect();
        shown.into_iter().chain(self.copies.iter().map(String::as_str))
    }

    /// Whether it shows a line of the right ones, or a copy of them.
    fn shows(&self, answer: &Place) -> bool {
        let overlaps = |shown: &Place| shown.start_line <= answer.end_line && answer.start_line <= shown.end_line;
        let here = |shown: &Place| shown.path == answer.path && overlaps(shown);
        self.copies.contains(&answer.path) || self.shown.iter().any(here)
    }
}

fn discount(place: usize) -> f64 {
    1.0 / (place as f64 + 2.0).log2()
}

fn tokens_to_the_first(hits: &[Hit], answers: &[Place]) -> f64 {
    let first = hits.iter().take(HITS).position(|hit| answers.iter().any(|answer| hit.shows(answer)));
    first.map_or(f64::INFINITY, |first| hits[..=first].iter().map(|hit| hit.tokens as f64).sum())
}

/// The mean of some values, and its standard error.
#[must_use]
pub fn mean(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (count - 1.0).max(1.0) / count).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: &str, start_line: u32, end_line: u32) -> Place {
        Place { path: path.to_owned(), start_line, end_line }
    }

    fn hit(path: &str, start_line: u32, end_line: u32) -> Hit {
        Hit { shown: vec![place(path, start_line, end_line)], copies: vec![], tokens: 100 }
    }

    #[test]
    fn the_right_file_in_front_is_1_and_less_further_down() {
        let answers = [place("a", 1, 9)];
        let first = Measured::of(&[hit("a", 5, 20), hit("b", 1, 2)], &answers);
        assert_eq!(first, Measured { ndcg: 1.0, recall: 1.0, reciprocal: 1.0, tokens: 100.0 });
        let third = Measured::of(&[hit("b", 1, 2), hit("c", 1, 2), hit("a", 9, 9)], &answers);
        assert_eq!(third, Measured { ndcg: 0.5, recall: 1.0, reciprocal: 1.0 / 3.0, tokens: 300.0 });
        let nowhere = Measured::of(&[hit("b", 1, 2)], &answers);
        assert_eq!(nowhere, Measured { ndcg: 0.0, recall: 0.0, reciprocal: 0.0, tokens: f64::INFINITY });
    }

    #[test]
    fn a_file_counts_once_but_its_hits_take_their_places() {
        let answers = [place("a", 1, 9), place("b", 1, 9)];
        let doubled = Measured::of(&[hit("a", 1, 2), hit("a", 3, 4), hit("b", 1, 2)], &answers);
        assert!((doubled.ndcg - 1.5 / (1.0 + 1.0 / 3_f64.log2())).abs() < 1e-12, "{doubled:?}");
        assert_eq!(doubled.recall, 1.0);
    }

    #[test]
    fn the_right_file_without_its_lines_is_found_but_not_yet_read() {
        let answers = [place("a", 10, 20)];
        let measured = Measured::of(&[hit("a", 1, 9), hit("a", 20, 30)], &answers);
        assert_eq!((measured.ndcg, measured.tokens), (1.0, 200.0));
    }

    #[test]
    fn copies_of_a_text_share_a_place() {
        let answers = [place("a", 1, 9), place("b", 1, 9)];
        let both = Hit { copies: vec!["b".to_owned()], ..hit("a", 1, 9) };
        let measured = Measured::of(&[both], &answers);
        assert_eq!((measured.ndcg, measured.recall, measured.tokens), (1.0, 1.0, 100.0));
    }

    #[test]
    fn the_error_of_a_mean_is_that_of_its_sample() {
        let (mean, error) = mean(&[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(mean, 2.5);
        assert!((error - (5.0_f64 / 3.0 / 4.0).sqrt()).abs() < 1e-12);
    }
}
