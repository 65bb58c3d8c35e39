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
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use sqlx::pool::PoolConnection;
use sqlx::{SqlitePool, Transaction};

use crate::error::{StoreError, StoreErrorKind};
use crate::queue::SlotToken;
use crate::upkeep::Counters;
use fault::Fault;
pub use open::{Options, Role};

/// The store in one SQLite file.
#[derive(Debug)]
pub struct Sqlite {
    path: Arc<Path>,
    /// `None` in the reader's role.
    writer: Option<SqlitePool>,
    reader: SqlitePool,
    attempts_max: u32,
    crashes_max: u32,
    slots: Mutex<HashSet<SlotToken>>,
    stale_finishes: AtomicU64,
    unreadable_artifacts: AtomicU64,
    /// Held by the pipeline until the store is dropped; after the connections, which are declared before it.
    _lock: Option<File>,
}

impl Sqlite {
    async fn read(&self) -> Result<PoolConnection<sqlx::Sqlite>, Fault> {
        Ok(self.reader.acquire().await?)
    }

    /// Begins a transaction that holds SQLite's write lock from its first moment, so that what it reads stays true.
    async fn write(&self) -> Result<Transaction<'static, sqlx::Sqlite>, Fault> {
        let Some(writer) = &self.writer else {
            return Err(StoreError::new(
                StoreErrorKind::ReadOnly,
                format!("{} is open for reading only: this command cannot change it", self.path.display()),
            )
            .into());
        };
        Ok(writer.begin_with("BEGIN IMMEDIATE").await?)
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
        // Readers first: the last connection to close folds the log into the file and removes it.
        self.reader.close().await;
        if let Some(writer) = &self.writer {
            writer.close().await;
        }
    }
}
