//! What the configuration decides about the pipeline. Every figure comes from outside; there are no defaults here.

use std::time::Duration;

use warmer_supervision::{Deadline, Limits, RestartLimits};

/// The whole pipeline's limits.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The Claimer and the claims it owns.
    pub claimer: ClaimerSettings,
    /// Workers and mailbox of the Fetcher pool; `mailbox_bytes` is of no matter there, its messages are small.
    pub fetcher: Limits,
    /// Workers and mailbox of the Hasher pool.
    pub hasher: Limits,
    /// Workers and mailbox of the Embedder pool; one model session for each worker.
    pub embedder: Limits,
    /// Workers and mailbox of the Storer pool.
    pub storer: Limits,
    /// How long each kind of work may take.
    pub deadlines: Deadlines,
    /// How many recent vectors the Embedder remembers until a Storer has surely committed them.
    pub recent_texts: usize,
    /// When a worker, the line and the tree give up.
    pub restarts: Restarts,
    /// How due repositories are looked for; `None` leaves that to others.
    pub schedule: Option<Schedule>,
    /// Above this many threads that would not stop, the process exits.
    pub abandoned_max: usize,
    /// Work stops by itself when the locks can no longer be trusted.
    pub self_fencing: bool,
}

/// The Scheduler's share of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// How often it looks, about.
    pub every: Duration,
    /// Repositories in one listing query.
    pub list_batch: u32,
    /// Between two such queries.
    pub list_pause: Duration,
}

/// The Claimer's share of the settings.
#[derive(Clone, Debug)]
pub struct ClaimerSettings {
    /// Jobs claimed and not settled, at most.
    pub concurrency: usize,
    /// Attempts that brought nothing new before a repository is declared dead.
    pub attempts_max: u32,
    /// The first delay after a temporary error; doubled with each attempt, with jitter.
    pub retry_first: Duration,
    /// The longest delay after a temporary error.
    pub retry_most: Duration,
    /// Permits to do heavy work at the same time, cluster-wide; 0 switches them off.
    pub slots: u32,
    /// How long heavy jobs wait for a slot before that is told.
    pub slot_wait_max: Duration,
    /// A job none of whose parts finished for this long is cancelled.
    pub stall: Duration,
    /// How often the queue is looked at when nothing else wakes the Claimer.
    pub poll: Duration,
}

/// How long each kind of work may take before it is stopped.
#[derive(Clone, Debug)]
pub struct Deadlines {
    /// Asking a remote for its ref, and fetching from it, each.
    pub fetch: Deadline,
    /// Reading one file, and chunking it, each.
    pub file: Deadline,
    /// Embedding one text, the session's opening included.
    pub text: Deadline,
}

/// Restart intensities, from the leaves to the root (W-8).
#[derive(Clone, Debug)]
pub struct Restarts {
    /// Of the workers of one pool.
    pub workers: RestartLimits,
    /// Of the pools of the line.
    pub line: RestartLimits,
    /// Of the children of the root; beyond it the process exits non-zero.
    pub root: RestartLimits,
}
