//! The store in one SQLite file, for one machine: one process is the pipeline, any number read, some write briefly.
//!
//! One connection writes, behind an in-process queue, so that writers of this process never meet on SQLite's lock;
//! between processes `BEGIN IMMEDIATE` and a busy timeout decide. Four connections read beside it (WAL).
//! `synchronous = NORMAL` everywhere: a killed process loses nothing; a power cut may lose the last commits but
//! damages nothing, and a lost publication is only done again.

mod attempt;
mod cache;
mod catalogue;
mod claim;
mod collect;
mod enqueue;
mod fault;
mod listing;
mod migrate;
mod network;
mod open;
mod probe;
mod publish;
mod put;
mod queue;
mod rows;
mod search;
mod settle;
mod verify;

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fs::File;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use sqlx::pool::PoolConnection;
use sqlx::{SqliteConnection, SqlitePool, Transaction};
use tokio::sync::OwnedMutexGuard;

use crate::error::{StoreError, StoreErrorKind};
use crate::queue::SlotToken;
use crate::upkeep::Counters;
use fault::Fault;
pub use open::{Options, Role};

/// The store in one SQLite file.
#[derive(Debug)]
pub struct Sqlite {
    path: Arc<Path>,
    /// One connection serves a warm that finds nothing new: opening another costs as much as all its statements.
    pool: SqlitePool,
    /// Whose turn it is to write: waiting here is fair, waiting on SQLite's lock is not. `None` in the reader's role.
    turn: Option<Arc<tokio::sync::Mutex<()>>>,
    attempts_max: u32,
    crashes_max: u32,
    slots: Mutex<HashSet<SlotToken>>,
    stale_finishes: AtomicU64,
    unreadable_artifacts: AtomicU64,
    /// Held by the pipeline until the store is dropped; after the connections, which are declared before it.
    _lock: Option<File>,
}

/// A transaction that writes. Dropped, it is rolled back.
struct Write {
    transaction: Transaction<'static, sqlx::Sqlite>,
    _turn: OwnedMutexGuard<()>,
}

impl Write {
    async fn commit(self) -> Result<(), sqlx::Error> {
        self.transaction.commit().await
    }

    async fn rollback(self) -> Result<(), sqlx::Error> {
        self.transaction.rollback().await
    }
}

impl Deref for Write {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.transaction
    }
}

impl DerefMut for Write {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.transaction
    }
}

impl Sqlite {
    async fn read(&self) -> Result<PoolConnection<sqlx::Sqlite>, Fault> {
        Ok(self.pool.acquire().await?)
    }

    /// Begins a transaction that holds SQLite's write lock from its first moment, so that what it reads stays true.
    async fn write(&self) -> Result<Write, Fault> {
        let Some(turn) = &self.turn else {
            return Err(StoreError::new(
                StoreErrorKind::ReadOnly,
                format!("{} is open for reading only: this command cannot change it", self.path.display()),
            )
            .into());
        };
        let turn = turn.clone().lock_owned().await;
        Ok(Write { transaction: self.pool.begin_with("BEGIN IMMEDIATE").await?, _turn: turn })
    }

    /// Every error leaves the store here, as a sentence that names the file.
    fn door<T>(&self, result: Result<T, Fault>) -> Result<T, StoreError> {
        result.map_err(|fault| fault.at(&self.path))
    }

    fn count_stale_finish(&self) {
        self.stale_finishes.fetch_add(1, Ordering::Relaxed);
    }
}

#[async_trait::async_trait]
impl crate::Store for Sqlite {
    fn counters(&self) -> Counters {
        Counters {
            stale_finishes: self.stale_finishes.load(Ordering::Relaxed),
            unreadable_artifacts: self.unreadable_artifacts.load(Ordering::Relaxed),
        }
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}
