//! Search by meaning: an exact scan over the vectors that are served.
//!
//! Rows come in pages and only the best are kept, so that memory does not grow with the cache. The same text at several
//! places has one vector, and is one answer with several places; a licence stands in every file of a repository, so of
//! the places only the first are kept.

mod scan;

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};
use warmer_content::{ArtifactKey, Vector};
use warmer_store::{RepositoryId, SearchRow};

use scan::Scan;

/// Where a text is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) repository: RepositoryId,
    pub(crate) path: Arc<str>,
    pub(crate) artifact: ArtifactKey,
    /// The chunk's place in the artifact, from 0.
    pub(crate) chunk: u32,
}

/// Places of one text that are kept.
const PLACES_MAX: usize = 50;

/// Where one text is served: the first places, and how many more there are.
#[derive(Debug, Default)]
pub(crate) struct Places {
    pub(crate) first: Vec<Found>,
    pub(crate) more: u64,
}

/// The best answers so far.
pub(crate) struct Best {
    scan: Scan,
    path: Option<GlobMatcher>,
    limit: usize,
    /// Best first; equal vectors are the same text, and so the same answer.
    answers: BTreeMap<(Reverse<Score>, Bytes), Places>,
    scanned: u64,
}

/// The stored bytes of a vector, as a key.
type Bytes = Box<[u8]>;

/// The glob over paths does not read.
#[derive(Debug, thiserror::Error)]
#[error("--path {glob}: {why}")]
pub(crate) struct BadGlob {
    glob: String,
    why: String,
}

impl Best {
    /// Looks for the `limit` texts nearest to `query`, in paths that match `path`.
    pub(crate) fn new(query: &Vector, path: Option<&str>, limit: usize) -> Result<Self, BadGlob> {
        let matcher = |glob: &str| {
            let from_root = glob.trim_start_matches("./").trim_start_matches('/');
            let built = GlobBuilder::new(from_root).literal_separator(true).build();
            built
                .map(|glob| glob.compile_matcher())
                .map_err(|error| BadGlob { glob: glob.to_owned(), why: error.kind().to_string() })
        };
        let path = path.map(matcher).transpose()?;
        Ok(Self { scan: Scan::new(query), path, limit, answers: BTreeMap::new(), scanned: 0 })
    }

    /// Takes a page of rows.
    pub(crate) fn take(&mut self, rows: Vec<SearchRow>) {
        for row in rows {
            if self.path.as_ref().is_none_or(|glob| glob.is_match(&*row.path)) {
                self.scanned += 1;
                self.offer(row);
            }
        }
    }

    fn offer(&mut self, row: SearchRow) {
        let score = Reverse(Score(self.scan.score(row.vector.as_bytes())));
        let full = self.answers.len() >= self.limit;
        if full && self.answers.last_key_value().is_some_and(|((worst, _), _)| score > *worst) {
            return;
        }
        let SearchRow { repository, path, artifact, chunk, vector } = row;
        let places = self.answers.entry((score, vector.as_bytes().into())).or_default();
        if places.first.len() < PLACES_MAX {
            places.first.push(Found { repository, path, artifact, chunk });
        } else {
            places.more += 1;
        }
        if self.answers.len() > self.limit {
            self.answers.pop_last();
        }
    }

    /// Vectors compared so far.
    pub(crate) fn scanned(&self) -> u64 {
        self.scanned
    }

    /// The answers, best first: the score (the cosine to the query) and where the text is.
    pub(crate) fn answers(self) -> Vec<(f32, Places)> {
        self.answers.into_iter().map(|((Reverse(score), _), places)| (score.0, places)).collect()
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
    use warmer_content::Digest;

    use super::*;

    fn row(path: &str, vector: &[f32]) -> SearchRow {
        SearchRow {
            repository: RepositoryId(1),
            path: path.into(),
            artifact: ArtifactKey(Digest::of(path.as_bytes())),
            chunk: 0,
            vector: Vector::normalized(vector),
        }
    }

    fn found(rows: Vec<SearchRow>, path: Option<&str>, limit: usize) -> Vec<(String, Vec<String>)> {
        let mut best = Best::new(&Vector::normalized(&[1.0, 0.0]), path, limit).unwrap();
        rows.into_iter().for_each(|row| best.take(vec![row]));
        let places = |found: Places| found.first.into_iter().map(|found| found.path.to_string()).collect();
        best.answers().into_iter().map(|(score, found)| (format!("{score:.2}"), places(found))).collect()
    }

    #[test]
    fn the_nearest_come_first_and_no_more_than_asked_for() {
        let rows = vec![row("far", &[0.0, 1.0]), row("near", &[1.0, 0.1]), row("nearer", &[1.0, 0.0])];
        let expected = [("1.00".to_owned(), vec!["nearer".to_owned()]), ("1.00".to_owned(), vec!["near".to_owned()])];
        assert_eq!(found(rows, None, 2), expected);
    }

    #[test]
    fn the_same_text_at_several_places_is_one_answer() {
        let rows = vec![row("a", &[1.0, 0.0]), row("b", &[0.5, 0.5]), row("c", &[1.0, 0.0]), row("d", &[0.0, 1.0])];
        let expected =
            [("1.00".to_owned(), vec!["a".to_owned(), "c".to_owned()]), ("0.71".to_owned(), vec!["b".to_owned()])];
        assert_eq!(found(rows, None, 2), expected);
    }

    #[test]
    fn of_many_places_the_first_are_kept_and_the_others_counted() {
        let mut best = Best::new(&Vector::normalized(&[1.0, 0.0]), None, 1).unwrap();
        best.take((0..PLACES_MAX + 7).map(|number| row(&format!("{number:02}"), &[1.0, 0.0])).collect());
        let [(_, places)] = &best.answers()[..] else { panic!("one text is one answer") };
        assert_eq!((places.first.len(), places.more), (PLACES_MAX, 7));
        assert_eq!(&*places.first[0].path, "00");
    }

    #[test]
    fn a_glob_over_paths_stops_at_directories() {
        let rows = vec![row("src/a.rs", &[1.0, 0.0]), row("src/x/b.rs", &[1.0, 0.2]), row("c.py", &[1.0, 0.3])];
        let paths =
            |glob| found(rows.clone(), Some(glob), 9).into_iter().flat_map(|(_, paths)| paths).collect::<Vec<_>>();
        for same in ["src/*.rs", "/src/*.rs", "./src/*.rs"] {
            assert_eq!(paths(same), ["src/a.rs"]);
        }
        assert_eq!(paths("**/*.rs"), ["src/a.rs", "src/x/b.rs"]);
    }

    #[test]
    fn a_glob_that_does_not_read_is_named() {
        let error = Best::new(&Vector::normalized(&[1.0]), Some("a["), 1).map(|_| ()).unwrap_err();
        assert!(error.to_string().starts_with("--path a[: "), "{error}");
    }
}
