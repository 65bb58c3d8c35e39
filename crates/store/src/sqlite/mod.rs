//! The store in one SQLite file, for one machine: one process is the pipeline, any number read, some write briefly.
//!
//! One connection writes, behind an in-process queue, so that writers of this process never meet on SQLite's lock;
//! between processes `BEGIN IMMEDIATE` and a busy timeout decide. Others read beside it (WAL), but only while it is
//! busy: a warm that finds nothing new needs one connection, and opening another costs as much as all its statements.
//! `synchronous = NORMAL` everywhere: a killed process loses nothing; a power cut may lose the last commits but
//! damages nothing, and a lost publication is only done again.

mod base;
mod claim;
mod deadline;
mod driver;
mod fault;
mod migrate;
mod network;
mod open;
mod put;
mod session;
mod slots;
mod statements;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{SqliteConnection, SqlitePool, Transaction};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::timeout;

use crate::error::{StoreError, StoreErrorKind};
use crate::sql::{AtomicCounters, Fault, Limits, Writing};
use deadline::Deadline;
pub use open::{Options, Role};
use slots::Slots;

/// To open the first connection beside the writer's takes as long: the schema is read, and every statement compiled
/// again.
const OPENING: Duration = Duration::from_millis(3);

/// The store in one SQLite file.
#[derive(Debug)]
pub struct Sqlite {
    path: Arc<Path>,
    /// Which file that was when it was opened.
    identity: Option<(u64, u64)>,
    /// Opened as they are needed.
    readers: SqlitePool,
    /// `None` in the reader's role.
    writer: Option<Writer>,
    limits: Limits,
    host: Arc<str>,
    slots: Slots,
    counters: AtomicCounters,
    /// Whether this process changed what is cached, and not only what is queued.
    changed: AtomicBool,
    /// Held by the pipeline until the store is dropped; after the connections, which are declared before it.
    _lock: Option<File>,
}

/// The right to write. A clone is the same right.
#[derive(Clone, Debug)]
struct Writer {
    /// One connection.
    pool: SqlitePool,
    /// Whose turn it is: waiting here is fair, waiting on SQLite's lock is not.
    turn: Arc<Mutex<()>>,
}

/// A connection to read with.
#[derive(Debug)]
pub(crate) struct Reading {
    /// Before the connection, so that who comes next has none.
    _deadline: Option<Deadline>,
    connection: PoolConnection<sqlx::Sqlite>,
    /// Of the writer's connection; after it, so that who comes next finds it back in its place.
    _turn: Option<OwnedMutexGuard<()>>,
}

impl Reading {
    /// What it is asked is given up then.
    async fn until(mut connection: PoolConnection<sqlx::Sqlite>, end: Instant) -> Result<Self, Fault> {
        let deadline = Deadline::set(&mut connection, end).await?;
        Ok(Self { _deadline: Some(deadline), connection, _turn: None })
    }
}

impl Deref for Reading {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.connection
    }
}

impl DerefMut for Reading {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}

/// The right to write while it is held. A transaction that is dropped is rolled back.
#[derive(Debug)]
pub(crate) struct Write {
    held: Held,
    _turn: OwnedMutexGuard<()>,
}

#[derive(Debug)]
enum Held {
    Transaction(Transaction<'static, sqlx::Sqlite>),
    /// For one statement, which is a transaction of its own: `BEGIN` and `COMMIT` would cost twice as much again.
    Statement(PoolConnection<sqlx::Sqlite>),
}

impl Writing for Write {
    async fn commit(self) -> sqlx::Result<()> {
        match self.held {
            Held::Transaction(transaction) => transaction.commit().await,
            Held::Statement(_) => Ok(()),
        }
    }

    async fn rollback(self) -> sqlx::Result<()> {
        match self.held {
            Held::Transaction(transaction) => transaction.rollback().await,
            Held::Statement(_) => Ok(()),
        }
    }
}

impl Deref for Write {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        match &self.held {
            Held::Transaction(transaction) => transaction,
            Held::Statement(connection) => connection,
        }
    }
}

impl DerefMut for Write {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        match &mut self.held {
            Held::Transaction(transaction) => transaction,
            Held::Statement(connection) => connection,
        }
    }
}

impl Writer {
    /// Begins a transaction that holds SQLite's write lock from its first moment, so that what it reads stays true.
    async fn begin(&self) -> Result<Write, Fault> {
        let turn = self.turn.clone().lock_owned().await;
        Ok(Write { held: Held::Transaction(self.pool.begin_with("BEGIN IMMEDIATE").await?), _turn: turn })
    }

    /// The connection for one statement.
    async fn statement(&self) -> Result<Write, Fault> {
        let turn = self.turn.clone().lock_owned().await;
        Ok(Write { held: Held::Statement(self.pool.acquire().await?), _turn: turn })
    }

    /// The connection to read with, unless somebody has it for longer than that.
    async fn idle(&self, patience: Duration) -> Result<Option<Reading>, Fault> {
        let Ok(turn) = timeout(patience, self.turn.clone().lock_owned()).await else { return Ok(None) };
        Ok(Some(Reading { _deadline: None, connection: self.pool.acquire().await?, _turn: Some(turn) }))
    }
}

impl Sqlite {
    async fn reading(&self) -> Result<Reading, Fault> {
        let patience = if self.readers.size() == 0 { OPENING } else { Duration::ZERO };
        if let Some(writer) = &self.writer
            && let Some(idle) = writer.idle(patience).await?
        {
            return Ok(idle);
        }
        Ok(Reading { _deadline: None, connection: self.readers.acquire().await?, _turn: None })
    }
}

impl Sqlite {
    fn writer(&self) -> Result<&Writer, Fault> {
        self.writer.as_ref().ok_or_else(|| {
            let file = self.path.display();
            let message = format!("{file} is open for reading only: this command cannot change it");
            StoreError::new(StoreErrorKind::ReadOnly, message).into()
        })
    }
}
