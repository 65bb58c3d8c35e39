//! Endings: how the pipeline's work on a job came to its end.
//!
//! What the queue's row becomes for each is in `settlement.rs`; as what the history has it,
//! [`warmer_store::AttemptOutcome`].

use std::time::Duration;

use serde::{Deserialize, Serialize};
use warmer_store::{StoreError, StoreErrorKind};

/// How the work on a job came to its end; the Claimer settles everything but `Published`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// Nothing had changed.
    Fresh,
    /// Published: the queue's row is finished already.
    Published(PublishedFiles),
    /// A fill: the vectors that it was to make are stored.
    Filled,
    /// No slot was free: the job goes back as heavy.
    Deferred,
    /// The remote has a temporary error.
    Retry(String),
    /// What is served may be gone at its source: it is served on, marked stale, and asked for again.
    Gone(String),
    /// Its git work did not stop and was ended: it counts against the repository.
    Stuck(String),
    /// Another process on this machine uses the mirror.
    Busy(String),
    /// The host asked for patience: nobody asks it again before this time is over, or the usual one where it named
    /// none.
    Later(String, Option<Duration>),
    /// This instance lacks what it takes, and another may have it; inside is how it ends where no live instance is left
    /// that does.
    Refused(Box<Self>),
    /// It can never succeed as it stands.
    Dead(String),
    /// The job is fine but this process is not: no model, no disk, a damaged database.
    Unfit(String),
    /// A fill that goes on elsewhere, or later: the provider here cannot embed.
    Held {
        /// What it said.
        why: String,
        /// This instance makes no vectors for so long.
        lasts: Duration,
        /// It can embed nothing in this process; else not now.
        unfit: bool,
    },
    /// The child process that ran the job, and nothing else, died; the text says how.
    Crashed(String),
    /// A part was lost; the text says where, as far as it is known.
    Lost(String),
    /// Cancelled: by a person, a shutdown, or a claim that is no longer ours.
    Cancelled(String),
}

impl Ending {
    /// [`Self::Refused`], and no live instance is left that could: so it ends.
    #[must_use]
    pub fn refused(otherwise: Self) -> Self {
        Self::Refused(Box::new(otherwise))
    }

    /// The same, with more to say of why it went wrong.
    pub(crate) fn and(self, more: &str) -> Self {
        let and = |why| format!("{why}; {more}");
        match self {
            Self::Refused(otherwise) => Self::refused(otherwise.and(more)),
            Self::Retry(why) => Self::Retry(and(why)),
            Self::Gone(why) => Self::Gone(and(why)),
            Self::Stuck(why) => Self::Stuck(and(why)),
            Self::Later(why, after) => Self::Later(and(why), after),
            Self::Dead(why) => Self::Dead(and(why)),
            other => other,
        }
    }

    /// Why, where something went wrong.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Fresh | Self::Published(_) | Self::Filled | Self::Deferred => None,
            Self::Refused(otherwise) => otherwise.why(),
            Self::Retry(why)
            | Self::Gone(why)
            | Self::Stuck(why)
            | Self::Busy(why)
            | Self::Later(why, _)
            | Self::Dead(why)
            | Self::Unfit(why)
            | Self::Held { why, .. }
            | Self::Crashed(why)
            | Self::Lost(why)
            | Self::Cancelled(why) => Some(why),
        }
    }
}

impl From<&StoreError> for Ending {
    /// A full disk or a damaged file is this process' matter; anything else may pass.
    fn from(error: &StoreError) -> Self {
        match error.kind() {
            StoreErrorKind::Busy | StoreErrorKind::Gone => Self::Lost(error.to_string()),
            _ => Self::Unfit(error.to_string()),
        }
    }
}

/// What a publication changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedFiles {
    /// Entries whose artifact is new or another.
    pub indexed: u64,
    /// Entries that are gone.
    pub removed: u64,
}
