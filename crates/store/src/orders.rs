//! Orders: what a person asks of all running instances by way of the database. A number that says "read your own
//! configuration again", and sizes of pools for a while: nothing else can be asked so, whoever writes there.

use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use crate::error::StoreError;
use crate::job::InstanceId;

/// What is asked now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// How often a reload was asked for.
    pub reloads: u64,
    /// Sizes of pools that are in force by the database's clock; a later one of a stage counts.
    pub tunes: Vec<Tune>,
}

/// Another than before where another reload, or another size of a pool, was asked for since. That a size ends sooner
/// than it was to does not show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AskedMark {
    /// How often a reload was asked for.
    pub reloads: u64,
    /// Sizes that are known, be they in force or over.
    pub tunes: u64,
    /// Microseconds since the epoch: when the last size was asked for; `None`: none is known any more.
    pub tuned_at: Option<i64>,
}

/// Names a size of a pool that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TuneId(pub Uuid);

impl TuneId {
    /// A new one.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

/// A size of a pool for a while. Whoever reads it judges each word of it: any writer of the database may have left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tune {
    /// Which.
    pub id: TuneId,
    /// The stage's name.
    pub stage: String,
    /// Workers; never negative, however large.
    pub workers: u32,
    /// The host of the instances that are meant, or the whole id of one; empty is all.
    pub instance: String,
    /// Who asked, for people.
    pub set_by: String,
    /// How much longer.
    pub left: Duration,
}

/// How an instance does while pools are tuned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Workers of the pool.
    pub workers: u32,
    /// Bytes of memory that it takes, with the processes that work for it.
    pub memory: u64,
    /// How long the database took for a small question.
    pub latency: Duration,
}

/// What became of a tune in one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tuned {
    /// Which instance.
    pub instance: InstanceId,
    /// Its machine, for people.
    pub host: String,
    /// Before.
    pub before: Standing,
    /// When it last looked.
    pub now: Standing,
    /// Bytes of memory that it may take; `None`: it does not know.
    pub memory_max: Option<u64>,
}

/// Attempts that ended within a time: refreshes, and fills.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndedWithin {
    /// Refreshes that ended warmed or fresh.
    pub completed: u64,
    /// Refreshes that ended by an error or a crash.
    pub failed: u64,
    /// Fills that came to their end.
    pub filled: u64,
}

/// What is asked of all running instances.
#[async_trait]
pub trait Orders: Send + Sync {
    /// Asks every running instance to read its own configuration again; how often that was asked for by now.
    async fn ask_reload(&self) -> Result<u64, StoreError>;

    /// What is asked now. One statement.
    async fn asked(&self) -> Result<Asked, StoreError>;

    /// Asks for a size of a pool, from now on for [`Tune::left`].
    async fn tune(&self, tune: &Tune) -> Result<(), StoreError>;

    /// Ends all sizes that were asked for; how many.
    async fn end_tunes(&self) -> Result<u64, StoreError>;

    /// Says how an instance did before a tune, and how it does. Nothing where the tune is not known any more.
    async fn note_tuned(&self, tune: TuneId, tuned: &Tuned) -> Result<(), StoreError>;

    /// What became of a tune, by host and instance.
    async fn tuned(&self, tune: TuneId) -> Result<Vec<Tuned>, StoreError>;

    /// What ended within the last while. Checks that found nothing new are known for ten minutes.
    async fn ended_within(&self, time: Duration) -> Result<EndedWithin, StoreError>;
}
