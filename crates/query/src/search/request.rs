//! What is asked of a search.

use warmer_store::RepositoryId;

use crate::rank::{Sides, Signals};

/// What is looked for, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// Words or code.
    pub query: String,
    /// Only in these repositories.
    pub repositories: Option<Vec<RepositoryId>>,
    /// Only in this path, or in those that match as a glob from the root on.
    pub path: Option<String>,
    /// Only in this language, by its name.
    pub language: Option<String>,
    /// Only in files of these kinds, none of which is put behind then.
    pub sides: Sides,
    /// The most hits.
    pub limit: usize,
    /// Lines in front of and behind each range that are shown too.
    pub context: u32,
    /// Every chunk is a hit of its own, however many of a file there are.
    pub all_chunks: bool,
    /// Which signals put them in order.
    pub signals: Signals,
    /// What whoever asks calls the filters; for sentences.
    pub names: FilterNames,
}

/// What the filters are called where the question was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterNames {
    /// The one over paths.
    pub path: &'static str,
    /// The one over languages.
    pub language: &'static str,
    /// Those over kinds of files: code, docs and tests.
    pub sides: [&'static str; 3],
}

impl Search {
    /// The ten best hits in all that may be seen.
    #[must_use]
    pub fn of(query: impl Into<String>) -> Self {
        let names = FilterNames { path: "path", language: "language", sides: ["code", "docs", "tests"] };
        Self {
            query: query.into(),
            repositories: None,
            path: None,
            language: None,
            sides: Sides::default(),
            limit: 10,
            context: 0,
            all_chunks: false,
            signals: Signals::ALL,
            names,
        }
    }

    /// Whether not every file may be a hit.
    pub(super) fn is_filtered(&self) -> bool {
        self.path.is_some() || self.language.is_some() || self.sides.is_any()
    }
}
