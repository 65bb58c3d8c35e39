//! A repository: a remote and one ref to follow, and what is served of it.

use std::time::SystemTime;

use warmer_content::{Recipe, RulesDigest};

use crate::policy::Policy;
use crate::text_enum::text_enum;

/// The row of a repository; never used again once removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryId(pub i64);

text_enum! {
    /// Whether a repository is warmed by itself. A job that a person or a new ref forced runs in any of them.
    RepositoryState {
        /// Warmed when due.
        Active => "active",
        /// Not warmed until a person says so; its cache is served on.
        Paused => "paused",
        /// Its attempts failed once too often, or cannot succeed. The schedule tries it on, more and more seldom; a job
        /// that ends well makes it active again.
        Dead => "dead",
        /// Child processes that ran its job and nothing else died, once too often: only a forced job runs.
        Quarantined => "quarantined",
    }
}

/// What the entries of a repository show, and by which means they were made.
///
/// A check is *fresh* only if all of it equals what the remote and the configuration say now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// The ref's full name, for example `refs/heads/main`.
    pub reference: String,
    /// What the ref pointed at; differs from `commit` for an annotated tag.
    pub ref_oid: String,
    /// The commit whose files are the entries.
    pub commit: String,
    /// How they were chunked and embedded.
    pub recipe: Recipe,
    /// What of the commit is indexed.
    pub rules: RulesDigest,
}

/// Files that were skipped for a reason that may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// A day has gone by since, and it was not done three times yet.
    pub due: bool,
    /// The patience with which they were skipped, in the unit of [`crate::Publication::patience`]: whoever has more
    /// tries at once.
    pub patience: u64,
}

/// What is served under one chunking, as who publishes next under it finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedState {
    /// The last publication under this chunking.
    pub served: Served,
    /// As [`Repository::retry`].
    pub retry: Option<Retry>,
}

/// A remote and one ref to follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// Its row.
    pub id: RepositoryId,
    /// URL or absolute local path; never with a user's name or password in it.
    pub remote: String,
    /// The ref as it was asked for; `None` follows the remote's HEAD.
    pub reference: Option<String>,
    /// Whether it is warmed by itself.
    pub state: RepositoryState,
    /// What is shown of it; `None` until the first publication. Its embedding is one that it is found by, even where
    /// another published it last.
    pub served: Option<Served>,
    /// When the publication was that made what is served visible.
    pub published_at: Option<SystemTime>,
    /// When the entries were last known to be current.
    pub served_at: Option<SystemTime>,
    /// Since when the remote or the ref is gone; what was served is served on.
    pub stale_since: Option<SystemTime>,
    /// Why the last attempt failed; `None` after one that ended well.
    pub last_error: Option<String>,
    /// Since when its attempts fail, one after the other; `None` after one that ended well.
    pub failing_since: Option<SystemTime>,
    /// How it is kept warm.
    pub policy: Policy,
    /// The time of the served commit, as it says itself.
    pub committed_at: Option<SystemTime>,
    /// Jobs in a row that failed for good; 0 after one that ended well.
    pub failures: u32,
    /// Whether files are to be tried again that were skipped for a reason that may pass; `None` where there are none.
    pub retry: Option<Retry>,
    /// When it was added, in microseconds exactly: no other repository of this row in another database was then.
    pub created_at: SystemTime,
    /// The number of the publication that made what is served; 0 until the first.
    pub publication: u64,
}

impl Repository {
    /// One that was just added: active, and nothing is known of it yet. For who counts or tests without a row.
    #[must_use]
    pub fn new(id: RepositoryId, remote: &str, reference: Option<&str>) -> Self {
        Self {
            id,
            remote: remote.to_owned(),
            reference: reference.map(str::to_owned),
            state: RepositoryState::Active,
            served: None,
            published_at: None,
            served_at: None,
            stale_since: None,
            last_error: None,
            failing_since: None,
            policy: Policy::default(),
            committed_at: None,
            failures: 0,
            retry: None,
            created_at: SystemTime::UNIX_EPOCH,
            publication: 0,
        }
    }
}
