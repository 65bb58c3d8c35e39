//! Why a question has no answer.

use std::path::PathBuf;

use warmer_content::EmbeddingId;
use warmer_embedding::{EmbedError, ModelError};
use warmer_store::StoreError;

use crate::paths::BadPattern;
use crate::text::printable;

/// Why a question has no answer. Each is one sentence that may be shown to whoever asked.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The model or its runtime cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The runtime library is not there; the sentence says where it was looked for.
    #[error("{0}")]
    NoRuntime(String),
    /// The query cannot be embedded.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The model is not the one whose vectors are searched.
    #[error(
        "the model in {} is not the one that made the cache: name that one by `[model] before_path` (and \
         `before_length_max`), or warm again with this one all that is served", .directory.display()
    )]
    OtherModel {
        /// Where it lies.
        directory: PathBuf,
        /// What it makes.
        embedding: EmbeddingId,
    },
    /// The model is to take the place of the one whose vectors are searched.
    #[error(
        "the vectors of the model in {} are being made ({percent} % are there), and searches use the model of before \
         until all are: name it by `[model] before_path` to find by meaning meanwhile", .directory.display()
    )]
    BuildingModel {
        /// Where it lies.
        directory: PathBuf,
        /// Of a hundred texts that are served, those that have its vector.
        percent: u64,
    },
    /// A filter over paths that is neither a path nor a pattern.
    #[error("{name} {pattern}: {error}", pattern = printable(&.error.pattern))]
    BadPattern {
        /// What whoever asked calls the filter.
        name: String,
        /// What is wrong with it.
        error: BadPattern,
    },
    /// Not one digit is given.
    #[error("the ID of a generation is empty: give the first digits of one that `warmer generations list` has")]
    UnnamedGeneration,
    /// No generation's digits begin so.
    #[error("there is no generation {}; there are {ids}", printable(.text))]
    NoGeneration {
        /// As it was given.
        text: String,
        /// All there are.
        ids: String,
    },
    /// Those of several do.
    #[error("{} may be any of {ids}: give more digits", printable(.text))]
    ManyGenerations {
        /// As it was given.
        text: String,
        /// Which.
        ids: String,
    },
    /// No language is called so.
    #[error("there is no language {}; it is one of {known}", printable(.name))]
    NoLanguage {
        /// As it was given.
        name: String,
        /// All there are.
        known: String,
    },
    /// It is not followed, or outside the scope.
    #[error("there is no such repository in the cache")]
    NoRepository,
    /// It has no entry of this path.
    #[error("{} is no path of {repository}", printable(.path))]
    NoPath {
        /// As it was given.
        path: String,
        /// The repository's remote and ref.
        repository: String,
    },
    /// The cache is damaged there.
    #[error("the artifact of {} cannot be read: `warmer warm --full` repairs it", printable(.path))]
    Unreadable {
        /// The entry's path.
        path: String,
    },
    /// There is neither such a job nor an attempt of one, or it is outside the scope.
    #[error("there is no job {0}, nor an attempt of it in the history")]
    NoJob(i64),
    /// There was such a job, and nothing of it is kept.
    #[error(
        "job {0} ended and nothing of it is kept: most likely it found nothing new, for of such checks only the latest \
         of each repository is kept and those of the last ten minutes (`warmer jobs list --all` shows them); else it \
         was taken out before it ran, or is older than gc.history"
    )]
    JobGone(i64),
    /// A thread that worked on it panicked.
    #[error("the query could not be worked on: {0}")]
    Panicked(String),
}
