//! What is asked of a search.

use warmer_store::RepositoryId;

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
    /// The most answers.
    pub limit: usize,
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
}

impl Search {
    /// The ten best answers in all that may be seen.
    #[must_use]
    pub fn of(query: impl Into<String>) -> Self {
        let names = FilterNames { path: "path", language: "language" };
        Self { query: query.into(), repositories: None, path: None, language: None, limit: 10, names }
    }
}
