//! The store in PostgreSQL (14 or newer), for any number of instances that share one queue and one cache.
//!
//! ```text
//! connection  a connection of the pool: plain, or inside a transaction where a pooler stands in between
//! claim       one statement: the first job that is free, locked past whoever else is claiming
//! put         bulk writes: one array for each column, sorted by key, so that no two writers wait in a circle
//! session     the lock connection: liveness, slots, the heartbeat
//! slots       N numbered advisory locks, and the row that says who took each last
//! rescue      the jobs of an instance that died
//! listener    notifications of other processes that there may be something in the queue
//! ```
//!
//! All tables are in a schema of their own. Every call is one statement or one short transaction, committed
//! synchronously (only heartbeats are not). Transactions lock the job's row first, then the repository's; what they
//! store they store in the order of its key; one that still met others in a way that only a restart resolves (a
//! deadlock, a lost race for a unique row) is made again.

mod answer;
mod base;
mod claim;
mod connection;
mod driver;
mod fault;
mod fitness;
mod listener;
mod migrate;
mod open;
mod options;
mod put;
mod rescue;
mod session;
mod slots;
mod statements;

#[cfg(test)]
mod tests;

use sqlx::PgPool;

use crate::sql::AtomicCounters;
pub(crate) use options::place;
pub use options::{PostgresOptions, ServerPlace};
use session::LockSession;

/// The store in a PostgreSQL database.
#[derive(Debug)]
pub struct Postgres {
    pool: PgPool,
    reader: bool,
    settings: options::Settings,
    counters: AtomicCounters,
    listener: listener::Listener,
}
