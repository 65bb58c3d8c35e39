//! The best answers so far.
//!
//! Rows come in pages and only the best are kept, so that memory does not grow with the cache. A text that occurs
//! several times is one answer; a licence stands in every file of a repository, so of the occurrences only the first
//! are kept. Two texts are the same when their keys are: a model does not distinguish all texts (`MAX_SIZE` and
//! `max_size`, say), so equal vectors do not mean equal texts.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;
use std::sync::Arc;

use warmer_content::{ArtifactKey, TextKey, Vector};
use warmer_store::{RepositoryId, SearchRow};

use super::paths::{BadPattern, Fit, Paths};
use super::scan::Scan;

/// Where a text is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// Whose entry.
    pub repository: RepositoryId,
    /// The entry's path.
    pub path: Arc<str>,
    /// The entry's artifact.
    pub artifact: ArtifactKey,
    /// The chunk's index in the artifact, from 0.
    pub chunk: u32,
}

/// Occurrences of one text that are kept.
const OCCURRENCES_MAX: usize = 50;

/// Where one text is served: the first 50 occurrences, and how many more there are.
#[derive(Debug, Default)]
pub struct Occurrences {
    /// In the order in which the rows came: by repository, path and chunk.
    pub first: Vec<Occurrence>,
    /// How many more there are.
    pub more: u64,
}

/// The best answers so far.
pub struct Best {
    scan: Scan,
    paths: Option<Paths>,
    limit: usize,
    /// Best first; the key is the text's.
    answers: BTreeMap<(Reverse<Score>, TextKey), Occurrences>,
    scanned: u64,
}

impl Best {
    /// Looks for the `limit` texts nearest to `query`, in the path or the paths that `path` means.
    #[must_use]
    pub fn new(query: &Vector, path: Option<&str>, limit: usize) -> Self {
        let paths = path.map(Paths::new);
        Self { scan: Scan::new(query), paths, limit, answers: BTreeMap::new(), scanned: 0 }
    }

    /// Takes a page of rows.
    pub fn take(&mut self, rows: Vec<SearchRow>) {
        for row in rows {
            match self.paths.as_mut().map_or(Fit::In, |paths| paths.judge(&row.path)) {
                Fit::Out => continue,
                Fit::In => {}
                Fit::Alone => {
                    self.answers.clear();
                    self.scanned = 0;
                }
            }
            self.scanned += 1;
            self.offer(row);
        }
    }

    fn offer(&mut self, row: SearchRow) {
        let score = Reverse(Score(self.scan.score(row.vector.as_bytes())));
        let full = self.answers.len() >= self.limit;
        if full && self.answers.last_key_value().is_some_and(|((worst, _), _)| score > *worst) {
            return;
        }
        let SearchRow { repository, path, artifact, chunk, text, vector: _ } = row;
        let occurrences = self.answers.entry((score, text)).or_default();
        if occurrences.first.len() < OCCURRENCES_MAX {
            occurrences.first.push(Occurrence { repository, path, artifact, chunk });
        } else {
            occurrences.more += 1;
        }
        if self.answers.len() > self.limit {
            self.answers.pop_last();
        }
    }

    /// Chunks that the filter let through, and whose vectors were compared.
    #[must_use]
    pub fn scanned(&self) -> u64 {
        self.scanned
    }

    /// The answers, best first: the score (the cosine to the query) and where the text is.
    ///
    /// # Errors
    /// When the filter names no path and does not read as a glob.
    pub fn answers(self) -> Result<Vec<(f32, Occurrences)>, BadPattern> {
        self.paths.map_or(Ok(()), Paths::end)?;
        Ok(self.answers.into_iter().map(|((Reverse(score), _), occurrences)| (score.0, occurrences)).collect())
    }
}

/// A score with a total order.
#[derive(Clone, Copy, Debug)]
struct Score(f32);

impl Ord for Score {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Score {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Score {}

#[cfg(test)]
mod tests {
    use warmer_content::{Digest, text_key};

    use super::*;

    /// A chunk with a text of its own, unless `text` says which.
    fn row_of(path: &str, text: &str, vector: &[f32]) -> SearchRow {
        SearchRow {
            repository: RepositoryId(1),
            path: path.into(),
            artifact: ArtifactKey(Digest::of(path.as_bytes())),
            chunk: 0,
            text: text_key(text),
            vector: Vector::normalized(vector),
        }
    }

    fn row(path: &str, vector: &[f32]) -> SearchRow {
        row_of(path, path, vector)
    }

    fn found(rows: Vec<SearchRow>, path: Option<&str>, limit: usize) -> Vec<(String, Vec<String>)> {
        let mut best = Best::new(&Vector::normalized(&[1.0, 0.0]), path, limit);
        rows.into_iter().for_each(|row| best.take(vec![row]));
        let paths = |found: Occurrences| found.first.into_iter().map(|found| found.path.to_string()).collect();
        let answers = best.answers().unwrap();
        answers.into_iter().map(|(score, found)| (format!("{score:.2}"), paths(found))).collect()
    }

    fn paths(rows: &[SearchRow], filter: &str) -> Vec<String> {
        found(rows.to_vec(), Some(filter), 9).into_iter().flat_map(|(_, paths)| paths).collect()
    }

    #[test]
    fn the_nearest_come_first_and_no_more_than_asked_for() {
        let rows = vec![row("far", &[0.0, 1.0]), row("near", &[1.0, 0.1]), row("nearer", &[1.0, 0.0])];
        let expected = [("1.00".to_owned(), vec!["nearer".to_owned()]), ("1.00".to_owned(), vec!["near".to_owned()])];
        assert_eq!(found(rows, None, 2), expected);
    }

    #[test]
    fn a_text_that_occurs_several_times_is_one_answer() {
        let same = |path| row_of(path, "same", &[1.0, 0.0]);
        let rows = vec![same("a"), row("b", &[0.5, 0.5]), same("c"), row("d", &[0.0, 1.0])];
        let expected =
            [("1.00".to_owned(), vec!["a".to_owned(), "c".to_owned()]), ("0.71".to_owned(), vec!["b".to_owned()])];
        assert_eq!(found(rows, None, 2), expected);
    }

    #[test]
    fn texts_that_only_the_model_takes_for_the_same_are_answers_of_their_own() {
        let rows = vec![row("MAX_SIZE", &[1.0, 0.0]), row("max_size", &[1.0, 0.0])];
        assert_eq!(found(rows, None, 9).len(), 2);
    }

    #[test]
    fn of_many_occurrences_the_first_are_kept_and_the_others_counted() {
        let mut best = Best::new(&Vector::normalized(&[1.0, 0.0]), None, 1);
        let rows = (0..OCCURRENCES_MAX + 7).map(|number| row_of(&format!("{number:02}"), "same", &[1.0, 0.0]));
        best.take(rows.collect());
        let [(_, found)] = &best.answers().unwrap()[..] else { panic!("one text is one answer") };
        assert_eq!((found.first.len(), found.more), (OCCURRENCES_MAX, 7));
        assert_eq!(&*found.first[0].path, "00");
    }

    #[test]
    fn a_glob_over_paths_stops_at_directories() {
        let rows = [row("src/a.rs", &[1.0, 0.0]), row("src/x/b.rs", &[1.0, 0.2]), row("c.py", &[1.0, 0.3])];
        for same in ["src/*.rs", "/src/*.rs", "./src/*.rs"] {
            assert_eq!(paths(&rows, same), ["src/a.rs"]);
        }
        assert_eq!(paths(&rows, "**/*.rs"), ["src/a.rs", "src/x/b.rs"]);
    }

    #[test]
    fn a_path_that_looks_like_a_glob_is_found_as_it_is_printed() {
        let names = ["app/i/page.py", "app/[id]/page.py", "a[", "b\u{1b}.py"];
        let rows = names.map(|path| row(path, &[1.0, 0.0]));
        assert_eq!(paths(&rows, "app/[id]/page.py"), ["app/[id]/page.py"], "and not what it would match as a glob");
        assert_eq!(paths(&rows, "app/[i]/page.py"), ["app/i/page.py"], "where nothing is named so it is a glob");
        assert_eq!(
            (paths(&rows, "a["), paths(&rows, "b\\u{1b}.py")),
            (vec![names[2].to_owned()], vec![names[3].to_owned()])
        );
    }

    #[test]
    fn a_filter_that_is_neither_a_path_nor_a_glob_is_named() {
        let error = Best::new(&Vector::normalized(&[1.0]), Some("a["), 1).answers().unwrap_err();
        assert!(error.to_string().starts_with("no file has this name, and it is no valid glob: "), "{error}");
    }
}
