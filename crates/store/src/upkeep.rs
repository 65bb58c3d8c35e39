//! Upkeep: collection, verification, and what is counted on the way. By the clock one instance does it for all: it is
//! its turn.

use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use crate::error::StoreError;
use crate::job::InstanceId;

/// How to collect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collect {
    /// Only say what would be done.
    pub dry_run: bool,
    /// How long something stays marked before it is deleted. Longer than any job takes.
    pub mark_age: Duration,
    /// How long the history and instances that ended are kept.
    pub history_age: Duration,
}

impl Default for Collect {
    fn default() -> Self {
        const DAY: Duration = Duration::from_hours(24);
        Self { dry_run: false, mark_age: DAY, history_age: 30 * DAY }
    }
}

/// What a collection did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Marked for deletion, but in use again: unmarked.
    pub unmarked: u64,
    /// Newly marked for deletion.
    pub artifacts_marked: u64,
    /// Newly marked for deletion.
    pub vectors_marked: u64,
    /// Deleted.
    pub artifacts_deleted: u64,
    /// Deleted.
    pub vectors_deleted: u64,
    /// What the deleted artifacts and vectors held, in bytes. The file is reused, not shortened.
    pub bytes_deleted: u64,
    /// Deleted for pointing nowhere, or for a recipe or rules that nobody uses.
    pub blobs_deleted: u64,
    /// Generations that nobody made, showed or brought back for a term: dropped, with what was served under them.
    pub generations_dropped: u64,
    /// Staged rows of claims that no longer run, deleted.
    pub staged_deleted: u64,
    /// Attempts of the history, deleted by age.
    pub attempts_deleted: u64,
}

/// What a verification found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Looked at.
    pub artifacts: u64,
    /// Did not read, or their chunks are not those of the table; deleted.
    pub artifacts_damaged: u64,
    /// In a deep look: did not read; deleted, and made anew when they are asked for.
    pub symbols_damaged: u64,
    /// Looked at.
    pub vectors: u64,
    /// Too short, or in a deep look not of length 1; deleted, and made anew by fills.
    pub vectors_damaged: u64,
    /// Chunks of served entries without a vector under the embedding that published them, but for texts that cannot be
    /// embedded; fills make them.
    pub vectors_missing: u64,
    /// Served entries whose artifact is not there (any more); the next full warm makes them.
    pub entries_broken: u64,
}

/// What a share of a verification found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Read.
    pub artifacts: u64,
    /// Did not read, or their chunks are not those of the table; deleted.
    pub artifacts_damaged: u64,
    /// Did not read; deleted, and made anew when they are asked for.
    pub symbols_damaged: u64,
    /// Read.
    pub vectors: u64,
    /// Not of length 1; deleted, and made anew by fills.
    pub vectors_damaged: u64,
    /// Repositories that serve a deleted artifact: each is in the queue to be checked as a whole, which makes it anew.
    pub repositories: u64,
}

/// The fence of a turn: random, new each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TurnId(pub Uuid);

/// What one instance does for all.
#[async_trait]
pub trait Upkeep: Send + Sync {
    /// Takes the turn, where it is due: an interval after the last one ended well, or the database was made. `None`:
    /// it is not, or another instance has it that lives. What an instance had that died, or had itself, it takes up.
    async fn take_turn(&self, instance: InstanceId, every: Duration) -> Result<Option<TurnId>, StoreError>;

    /// Ends the turn; one that did not end well is due at once, for anybody. False: it was another's by then.
    async fn end_turn(&self, turn: TurnId, well: bool) -> Result<bool, StoreError>;

    /// Reads one of `shares` parts of all artifacts and vectors, behind what was read before, round and round, and
    /// deletes what cannot be used, as [`crate::Cache::verify`] does; who serves an artifact of those is checked as a
    /// whole. `None`: the turn is another's; what was found until then was deleted.
    async fn verify_share(&self, turn: TurnId, shares: u32) -> Result<Option<Share>, StoreError>;
}

/// What went wrong without being an error, since the store was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Settlements and publications whose claim was lost.
    pub stale_finishes: u64,
    /// Artifacts that did not read and were treated as a miss.
    pub unreadable_artifacts: u64,
}
