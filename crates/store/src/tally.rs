//! The tally: the figures of the whole queue, counted by one instance for all and kept in one row.
//!
//! A queue of a million jobs takes a second to count, and everybody wants to know: each instance for its metrics, each
//! person with a `status`. So one counts, and all read a row that is never older than the interval and a count.

use std::time::Duration;

use async_trait::async_trait;

use crate::error::StoreError;
use crate::orders::AskedMark;
use crate::status::Status;

/// How often the queue is counted.
pub const TALLY_EVERY: Duration = Duration::from_secs(15);
/// A tally that is older was left by instances that are gone: three in a row were missed.
pub const TALLY_FRESH: Duration = Duration::from_secs(60);
/// Rows that are counted at each look, though there is a tally.
pub const LOOK_ROWS_MAX: u64 = 10_000;

/// The figures of the whole queue, as an instance counted them.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    /// What was counted; without the list of instances, and what the fleet runs by.
    pub figures: Status,
    /// How long ago the count began, by the database's clock.
    pub age: Duration,
}

/// What an instance hears where it says what it does.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// `None`: nobody has counted yet.
    pub tally: Option<Tally>,
    /// Whether something else is asked than before.
    pub asked: AskedMark,
}

/// The figures of the whole queue.
#[async_trait]
pub trait Tallies: Send + Sync {
    /// Counts them and writes them for all, unless somebody began to less than `every` ago: of many that try at once
    /// one does. `false`: another did, or took over from this one, whose figures were too late and were dropped. An
    /// instance that dies meanwhile holds up nobody: the next one begins when its own would have been due.
    ///
    /// # Errors
    /// Also when a statement took longer than `within`.
    async fn count_queue(&self, every: Duration, within: Duration) -> Result<bool, StoreError>;

    /// The last count; `None`: there is none yet.
    async fn tally(&self) -> Result<Option<Tally>, StoreError>;
}
