//! The sections of the stages: each has a pool and a bounded mailbox in front of it.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use warmer_settings::{AboveZero, Price, Size, Time, Workers};
use warmer_supervision::Limits;

/// `[fetcher]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FetcherSettings {
    /// Workers of the pool; 0 is what suits the machine, see [`Machine`](crate::Machine).
    #[serde(with = "Workers")]
    pub workers: usize,
    /// Messages that may wait for a worker.
    #[serde(with = "AboveZero::<usize>")]
    pub mailbox: usize,
    /// Bytes of all messages; of no matter here, they are small.
    #[serde(with = "Size")]
    pub mailbox_size: u64,
    /// Asking a remote for its ref, and fetching from it, each.
    #[serde(with = "Time")]
    pub deadline: Duration,
}

impl Default for FetcherSettings {
    fn default() -> Self {
        Self { workers: 0, mailbox: 4, mailbox_size: 1 << 20, deadline: Duration::from_mins(10) }
    }
}

impl FetcherSettings {
    /// The pool and its mailbox.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits { workers: known(self.workers, || FETCHERS), mailbox: self.mailbox, mailbox_bytes: self.mailbox_size }
    }
}

/// `[hasher]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HasherSettings {
    /// Workers of the pool; 0 is what suits the machine.
    #[serde(with = "Workers")]
    pub workers: usize,
    /// Messages that may wait for a worker.
    #[serde(with = "AboveZero::<usize>")]
    pub mailbox: usize,
    /// Bytes of all messages.
    #[serde(with = "Size")]
    pub mailbox_size: u64,
    /// Reading one file, and chunking it, each.
    #[serde(with = "Time")]
    pub file_deadline: Duration,
}

impl Default for HasherSettings {
    fn default() -> Self {
        Self { workers: 0, mailbox: 8, mailbox_size: 32 << 20, file_deadline: Duration::from_secs(30) }
    }
}

impl HasherSettings {
    /// The pool and its mailbox.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits { workers: known(self.workers, cores), mailbox: self.mailbox, mailbox_bytes: self.mailbox_size }
    }
}

/// `[fill]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FillSettings {
    /// Fills claimed and not settled, at most; of more than one the last is kept for what was just published.
    #[serde(with = "AboveZero::<usize>")]
    pub concurrency: usize,
}

impl Default for FillSettings {
    fn default() -> Self {
        Self { concurrency: 2 }
    }
}

impl FillSettings {
    /// The Filler pool and its mailbox: a worker for each fill, and no bytes to speak of.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits { workers: self.concurrency, mailbox: self.concurrency, mailbox_bytes: 1 << 20 }
    }
}

/// `[embedder]`
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmbedderSettings {
    /// Workers of the pool, each with a model session; 0 is what suits the machine.
    #[serde(with = "Workers")]
    pub workers: usize,
    /// Threads inside one session.
    #[serde(with = "AboveZero::<usize>")]
    pub threads: usize,
    /// Messages that may wait for a worker.
    #[serde(with = "AboveZero::<usize>")]
    pub mailbox: usize,
    /// Bytes of all messages.
    #[serde(with = "Size")]
    pub mailbox_size: u64,
    /// Embedding one text, the session's opening included.
    #[serde(with = "Time")]
    pub text_deadline: Duration,
    /// How many recent vectors are remembered until a Storer has surely committed them.
    pub recent: usize,
    /// What a million tokens cost, in whatever currency; `None` where nobody said so.
    #[serde(with = "Price")]
    pub price_per_million_tokens: Option<f64>,
}

impl Default for EmbedderSettings {
    fn default() -> Self {
        Self {
            workers: 0,
            threads: 1,
            mailbox: 16,
            mailbox_size: 32 << 20,
            text_deadline: Duration::from_mins(1),
            recent: 4096,
            price_per_million_tokens: None,
        }
    }
}

impl EmbedderSettings {
    /// The pool and its mailbox.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits { workers: known(self.workers, cores), mailbox: self.mailbox, mailbox_bytes: self.mailbox_size }
    }
}

/// `[storer]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StorerSettings {
    /// Workers of the pool; 0 is what suits the machine.
    #[serde(with = "Workers")]
    pub workers: usize,
    /// Messages that may wait for a worker.
    #[serde(with = "AboveZero::<usize>")]
    pub mailbox: usize,
    /// Bytes of all messages.
    #[serde(with = "Size")]
    pub mailbox_size: u64,
}

impl Default for StorerSettings {
    fn default() -> Self {
        Self { workers: 0, mailbox: 8, mailbox_size: 32 << 20 }
    }
}

impl StorerSettings {
    /// The pool and its mailbox.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits { workers: known(self.workers, || STORERS), mailbox: self.mailbox, mailbox_bytes: self.mailbox_size }
    }
}

/// Fetchers where nobody looked at the machine: one for each job of the default `claimer.concurrency`.
const FETCHERS: usize = 4;
/// Storers there: one writes while the other waits for its commit.
const STORERS: usize = 2;

fn known(workers: usize, else_so_many: impl FnOnce() -> usize) -> usize {
    if workers > 0 { workers } else { else_so_many() }
}

/// Cores that this process may use: as the scheduler's affinity and the quota of its cgroup (v1 and v2) say.
pub(crate) fn cores() -> usize {
    available_parallelism().map_or(1, NonZeroUsize::get)
}
