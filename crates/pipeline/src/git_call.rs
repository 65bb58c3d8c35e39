//! A call of git, as it is counted: what was asked for, how long it took, and what came of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use warmer_git::GitError;

use crate::request::NoAnswer;

/// What git is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum GitOperation {
    /// What refs a remote has.
    ListRefs,
    /// A commit, into the mirror.
    Fetch,
    /// The files that differ, in the mirror.
    ListFiles,
}

impl GitOperation {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ListRefs, Self::Fetch, Self::ListFiles];

    /// As metrics spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ListRefs => "list_refs",
            Self::Fetch => "fetch",
            Self::ListFiles => "list_files",
        }
    }
}

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum GitOutcome {
    /// What was asked for.
    Ok,
    /// git says why it could not.
    Failed,
    /// It did not answer in time, and was ended.
    TimedOut,
    /// It took more memory than it may, and was ended.
    OutOfMemory,
    /// Whoever did it died of something else.
    Died,
}

impl GitOutcome {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Ok, Self::Failed, Self::TimedOut, Self::OutOfMemory, Self::Died];

    /// As metrics spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::TimedOut => "timeout",
            Self::OutOfMemory => "out_of_memory",
            Self::Died => "died",
        }
    }

    /// Whether the process that did it was ended for it.
    #[must_use]
    pub fn is_killed(self) -> bool {
        matches!(self, Self::TimedOut | Self::OutOfMemory)
    }

    /// Of what git said, if it said anything.
    pub(crate) fn of<T>(answer: &Result<Result<T, GitError>, NoAnswer>) -> Self {
        match answer {
            Ok(Ok(_)) => Self::Ok,
            Ok(Err(_)) => Self::Failed,
            Err(none) => Self::of_none(none),
        }
    }

    /// Of an answer that did not come.
    pub(crate) fn of_none(none: &NoAnswer) -> Self {
        match none {
            NoAnswer::OutOfMemory => Self::OutOfMemory,
            NoAnswer::Gone(_) => Self::Died,
        }
    }
}

/// One call that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitCall {
    /// What was asked for.
    pub operation: GitOperation,
    /// What came of it.
    pub outcome: GitOutcome,
    /// Until the answer, or until nobody waited for it any more.
    pub took: Duration,
}
