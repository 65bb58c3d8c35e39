//! SQLite as a store: one writer, so that every transaction has the file to itself.

use std::collections::BTreeMap;
use std::mem::ManuallyDrop;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sqlx::SqliteConnection;
use warmer_content::{TextKey, Vector};

use super::fault::{self, damaged};
use super::session::SqliteSession;
use super::slots;
use super::{Reading, Sqlite, Write, claim, migrate, open, put};
use crate::cache::{Extracted, Put, PutCounts};
use crate::connections::Connections;
use crate::error::{StoreError, StoreErrorKind};
use crate::job::{Claim, ClaimId, InstanceId};
use crate::queue::{ClaimFilter, Rescued};
use crate::session::Session;
use crate::sql::{AtomicCounters, Base, Connection as _, Fault, Limits, Row as _, Step, Transient};

/// What a log may have that is left to the next process, which reads all of it to begin with: of a warm that finds
/// nothing new, 30.8 ms with a log of 117 KiB, 32.9 with 829 KiB, 34.1 where it is made anew, all on a disk that is
/// waited for in half a millisecond. To fold it into the file and make it anew waits for the disk four times.
const LOG_LEFT_MAX: u64 = 512 << 10;

impl Base for Sqlite {
    type Connection = SqliteConnection;
    type Reading = Reading;
    type Writing = Write;

    fn limits(&self) -> Limits {
        self.limits
    }

    fn host(&self) -> &str {
        &self.host
    }

    fn atomic_counters(&self) -> &AtomicCounters {
        &self.counters
    }

    fn connections(&self) -> Connections {
        let writer = self.writer.as_ref().map(|writer| Connections::of(&writer.pool));
        Connections::of(&self.readers).and(writer.unwrap_or_default())
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn door<T>(&self, result: Result<T, Fault>) -> Result<T, StoreError> {
        result.map_err(|fault| fault::at(&self.path, fault))
    }

    fn transient(_: &Fault) -> Option<Transient> {
        None
    }

    fn system(&self) -> &'static str {
        "sqlite"
    }

    /// Only the process that has the pipeline's lock claims.
    fn is_shared(&self) -> bool {
        false
    }

    fn is_reader(&self) -> bool {
        self.writer.is_none()
    }

    async fn read(&self) -> Result<Reading, Fault> {
        self.reading().await
    }

    async fn brief(&self, within: Duration) -> Result<Reading, Fault> {
        Reading::until(self.readers.acquire().await?, Instant::now() + within).await
    }

    async fn write(&self) -> Result<Write, Fault> {
        self.writer()?.begin().await
    }

    async fn single(&self) -> Result<Write, Fault> {
        self.writer()?.statement().await
    }

    async fn rely(&self) -> Result<Write, Fault> {
        self.changed.store(true, Ordering::Relaxed);
        self.write().await
    }

    async fn sweep(&self) -> Result<Write, Fault> {
        self.changed.store(true, Ordering::Relaxed);
        self.write().await
    }

    async fn claim(&self, id: ClaimId, instance: InstanceId, filter: &ClaimFilter) -> Result<Option<Claim>, Fault> {
        claim::claim(self, id, instance, filter).await
    }

    async fn put(&self, put: Put<'_>) -> Result<PutCounts, Fault> {
        put::put(self, put).await
    }

    async fn insert_vectors(
        tx: &mut SqliteConnection,
        embedding: i64,
        vectors: &BTreeMap<TextKey, &Vector>,
    ) -> sqlx::Result<u64> {
        put::vectors(tx, embedding, vectors).await
    }

    async fn put_symbols(&self, symbols: Extracted<'_>) -> Result<(), Fault> {
        put::put_symbols(self, symbols).await
    }

    async fn check_pages(&self) -> Result<(), Fault> {
        let found = self.read().await?.one("PRAGMA quick_check(1)", &[]).await?;
        if found.text("quick_check")? == "ok" {
            return Ok(());
        }
        Err(StoreError::new(StoreErrorKind::Damaged, damaged(&self.path)).into())
    }

    async fn session(&self, instance: InstanceId) -> Result<Box<dyn Session>, Fault> {
        let (path, writer) = (self.path.clone(), self.writer()?.clone());
        Ok(Box::new(SqliteSession::new(path, writer, self.slots.clone(), instance)))
    }

    async fn slots_held(&self) -> Result<u64, Fault> {
        Ok(slots::held(&self.slots))
    }

    /// Opening the pipeline found all the dead there were, and while it is open nobody else can claim.
    async fn rescue(&self, _: InstanceId) -> Result<Option<Rescued>, Fault> {
        Ok(None)
    }

    fn steps(&self) -> &'static [Step] {
        migrate::MIGRATIONS
    }

    /// A file that was removed or moved away is read on as if nothing had happened.
    fn is_replaced(&self) -> bool {
        open::identity(&self.path) != self.identity
    }

    async fn examine(&self) -> Result<String, Fault> {
        let row = self.read().await?.one("SELECT sqlite_version() AS version", &[]).await?;
        Ok(format!("SQLite {}", row.text("version")?))
    }

    async fn close(&self) {
        self.readers.close().await;
        if let Some(writer) = &self.writer {
            writer.pool.close().await;
        }
    }

    async fn close_at_exit(&self) {
        if let Some(writer) = &self.writer
            && !self.changed.load(Ordering::Relaxed)
            && open::log_bytes(&self.path) <= LOG_LEFT_MAX
            && let Ok(connection) = writer.pool.acquire().await
        {
            // The last connection that closes folds the log into the file and removes it. This ends with the process.
            let _ = ManuallyDrop::new(connection.detach());
        }
        Base::close(self).await;
    }
}
