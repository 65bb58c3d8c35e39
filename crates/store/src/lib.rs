//! The queue and the cache: the only memory, and the only crate that knows a database.
//!
//! ```text
//! enqueue ──▶ queued ──claim──▶ running ──publish──▶ gone, an attempt `warmed` in the history
//!               ▲                  │
//!               └──── settle ──────┘   retry, stuck, unfit, lost, deferred, refused: queued again
//!                                      fresh, dead: gone; cancelled: gone, or queued again
//!                                      crashed (its process died): queued again, before all others; for the third
//!                                      time in a child process of its own: gone, its repository in quarantine
//! ```
//!
//! Eight traits, one per question that is asked: [`Catalogue`] (which repositories are there), [`Queue`] (what is to be
//! done, and who does it), [`Cache`] (what is known already), [`Fills`] (which vectors are missing), [`Upkeep`] (whose
//! turn it is), [`Orders`] (what is asked of all instances), [`FleetFigures`] (what each of them does) and [`Tallies`]
//! (the figures of the whole queue, counted once for all). [`Store`] is all of them. [`Sqlite`] keeps them in one file
//! for one machine, [`Postgres`] in a database that any number of instances share; what both do alike is in `sql`, and
//! the suite in `conformance` says, sentence by sentence, what any database must do.
//!
//! Rows are the truth. Every write that ends an attempt is fenced by its random `claim_id`: a finish whose claim was
//! lost changes nothing and is counted. Time is the database's clock only; what callers pass are durations.

#![warn(missing_docs)]
#![cfg_attr(
    test,
    expect(
        clippy::disallowed_methods,
        clippy::disallowed_types,
        reason = "tests have threads, programs and an environment of their own"
    )
)]

mod cache;
mod calendar;
mod catalogue;
mod connections;
mod envelope;
mod error;
mod fill;
mod fleet;
mod generation;
mod instance_figures;
mod job;
mod open;
mod orders;
mod policy;
mod postgres;
mod publication;
mod queue;
mod repository;
mod session;
mod settings;
mod shard;
mod sql;
mod sqlite;
mod status;
mod tally;
mod text_enum;
mod trouble;
mod upkeep;

#[cfg(test)]
mod conformance;

pub use cache::{BlobKey, Cache, Entry, Extracted, Known, Outcome, Put, PutCounts, Shown, StagedEntry, Totals};
pub use calendar::{Cron, Window};
pub use catalogue::Catalogue;
pub use connections::Connections;
pub use error::{StoreError, StoreErrorKind};
pub use fill::{After, Coverage, FillRequest, Filled, Fills, Lacking, Page, Unwanted};
pub use fleet::{
    Agreement, Configuration, Difference, Fleet, MODEL_KEYS, Membership, NO_MODEL, differences, model_name,
};
pub use generation::{Dropped, Generation, GenerationState};
pub use instance_figures::{
    FIGURES_MAX, FleetFigures, InstanceFigures, JobFigures, KindFigures, Reported, StageFigures,
};
pub use job::{
    Attempt, AttemptFilter, AttemptOutcome, CRASHES_SHARED_MAX, Claim, ClaimId, Fill, HistoryFilter, InstanceId, Job,
    JobFilter, JobId, JobKind, JobState, Lane,
};
pub use open::open;
pub use orders::{Asked, AskedMark, EndedWithin, Orders, Standing, Tune, TuneId, Tuned};
pub use policy::{Policy, Refresh};
pub use postgres::{Postgres, PostgresOptions, ServerPlace};
pub use publication::{Publication, Published, PublishedTexts};
pub use queue::{
    Cancel, ClaimFilter, Enqueue, Enqueued, Queue, Refusal, Rescued, Running, Scheduled, Settled, Settlement,
    SlotToken, Takes,
};
pub use repository::{Repository, RepositoryId, RepositoryState, Retry, Served, ServedState};
pub use session::{Heartbeat, Session};
pub use settings::{DatabaseSettings, GcSettings};
pub use shard::{SHARD_TEXTS, Shard};
pub use sqlite::{Options, Role, Sqlite};
pub use status::{EndedCounts, InstanceStatus, Schedule, Status};
pub use tally::{Heard, LOOK_ROWS_MAX, TALLY_EVERY, TALLY_FRESH, Tallies, Tally};
pub use trouble::{TROUBLES_MAX, Trouble, TroubleKind};
pub use upkeep::{Collect, Collected, Counters, Share, TurnId, Upkeep, Verified};

/// What the pipeline holds as `Arc<dyn Store>`.
#[async_trait::async_trait]
pub trait Store: Queue + Cache + Fills + Catalogue + Upkeep + Orders + FleetFigures + Tallies {
    /// What went wrong without being an error, since this process opened the store.
    fn counters(&self) -> Counters;

    /// Connections to the database, now.
    fn connections(&self) -> Connections;

    /// Whether other processes may claim from this queue at the same time.
    fn is_shared(&self) -> bool;

    /// The session of a registered instance: one at a time. Another of the same instance ends it.
    async fn session(&self, instance: InstanceId) -> Result<Box<dyn Session>, StoreError>;

    /// Puts back the jobs of an instance that died, and says which it was; `None`: it lives, or may. In PostgreSQL it
    /// is dead when its lock is free, its row stale, and the server up for long enough that it would have come back;
    /// in SQLite only opening the pipeline anew finds the dead.
    async fn rescue(&self, suspect: InstanceId) -> Result<Option<Rescued>, StoreError>;

    /// Returns when another process may have put something in the queue, and may be dropped at any time. Only a hint:
    /// the rows are the truth. Connects when it is first awaited, and again by itself; in SQLite it never returns.
    async fn notification(&self);

    /// The database's name and version, for a person ("PostgreSQL 15.18, schema warmer"), after a look at what the
    /// pipeline needs of it beyond its tables.
    ///
    /// # Errors
    /// In PostgreSQL, when the lock connection cannot be had as it must be: a pooler stands in between, say.
    async fn examine(&self) -> Result<String, StoreError>;

    /// Whether this is still what was opened: the same file, with this version's schema. For who keeps it open for
    /// days, and would otherwise answer from a file that was put aside, or misread what another version wrote.
    ///
    /// # Errors
    /// When it is not, or does not answer: opened again, it says what it is now.
    async fn still_fits(&self) -> Result<(), StoreError>;

    /// Waits for what is under way and closes the connections; later calls fail as *gone*.
    async fn close(&self);

    /// The same for a process that ends now. In SQLite a short log in which nothing but the queue changed is left to
    /// the next process, and one connection to the end of this: what the file alone has is the cache as it is.
    async fn close_at_exit(&self);
}
