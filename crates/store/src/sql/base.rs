//! A store as the shared steps see it: how to read and write, and what each database does in its own way.

use std::collections::BTreeMap;
use std::future::Future;
use std::ops::DerefMut;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use warmer_content::{TextKey, Vector};

use super::schema::{APPLIED, Schema, Step};
use super::transient::{Transient, retrying};
use super::{Connection, Fault, Row as _, Value};
use crate::cache::PutCounts;
use crate::connections::Connections;
use crate::error::{StoreError, StoreErrorKind};
use crate::job::{Claim, ClaimId, InstanceId, JobId};
use crate::queue::{ClaimFilter, Rescued};
use crate::session::Session;
use crate::upkeep::Counters;
use crate::{Extracted, Put};

/// When to give up on a repository.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Attempts that end in an error before the repository is dead.
    pub(crate) attempts_max: u32,
    /// Child processes that may die of a job before its repository is in quarantine.
    pub(crate) child_deaths_max: u32,
}

/// What is counted while the store is open.
#[derive(Debug, Default)]
pub(crate) struct AtomicCounters {
    stale_finishes: AtomicU64,
    unreadable_artifacts: AtomicU64,
}

impl AtomicCounters {
    pub(crate) fn stale_finish(&self) {
        self.stale_finishes.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn unreadable_artifact(&self) {
        self.unreadable_artifacts.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn counters(&self) -> Counters {
        Counters {
            stale_finishes: self.stale_finishes.load(Ordering::Relaxed),
            unreadable_artifacts: self.unreadable_artifacts.load(Ordering::Relaxed),
        }
    }
}

/// A transaction that writes. Dropped, it is rolled back.
pub(crate) trait Writing: DerefMut + Send {
    fn commit(self) -> impl Future<Output = sqlx::Result<()>> + Send;

    fn rollback(self) -> impl Future<Output = sqlx::Result<()>> + Send;
}

/// A store.
pub(crate) trait Base: Send + Sync {
    type Connection: Connection;
    type Reading: DerefMut<Target = Self::Connection> + Send;
    type Writing: Writing<Target = Self::Connection>;

    fn limits(&self) -> Limits;

    /// The machine of this process, as its instance names it.
    fn host(&self) -> &str;

    fn atomic_counters(&self) -> &AtomicCounters;

    fn connections(&self) -> Connections;

    /// What a person calls it; without a secret.
    fn name(&self) -> String;

    /// Every error leaves the store here, as one sentence that names the store.
    fn door<T>(&self, result: Result<T, Fault>) -> Result<T, StoreError>;

    /// What came in between, where the same call is likely to do when it is made again.
    fn transient(fault: &Fault) -> Option<Transient>;

    /// What kind of database it is, as the conventions of traces call it.
    fn system(&self) -> &'static str;

    /// As [`crate::Store::is_shared`].
    fn is_shared(&self) -> bool;

    /// Opened for reading only: what a probe shows is not relied upon later.
    fn is_reader(&self) -> bool;

    fn read(&self) -> impl Future<Output = Result<Self::Reading, Fault>> + Send;

    /// For one statement that looks at everything there is, however long that takes.
    fn scan(&self) -> impl Future<Output = Result<Self::Reading, Fault>> + Send {
        self.read()
    }

    /// For statements that are given up after so long each, and that hold up nobody who writes.
    fn brief(&self, within: Duration) -> impl Future<Output = Result<Self::Reading, Fault>> + Send;

    /// A transaction that writes.
    fn write(&self) -> impl Future<Output = Result<Self::Writing, Fault>> + Send;

    /// For one statement that writes: a transaction only where one is needed for that.
    fn single(&self) -> impl Future<Output = Result<Self::Writing, Fault>> + Send;

    /// A transaction that relies on what is stored: no step of a collection runs beside it.
    fn rely(&self) -> impl Future<Output = Result<Self::Writing, Fault>> + Send;

    /// A step of a collection: no transaction that relies on what is stored runs beside it.
    fn sweep(&self) -> impl Future<Output = Result<Self::Writing, Fault>> + Send;

    /// One writing statement; the number of rows it changed.
    fn once(&self, sql: &'static str, values: &[Value<'_>]) -> impl Future<Output = Result<u64, Fault>> + Send {
        async move {
            let mut held = self.single().await?;
            let rows = held.run(sql, values).await?;
            held.commit().await?;
            Ok(rows)
        }
    }

    /// Takes a job under this fence, which is new.
    fn claim(
        &self,
        id: ClaimId,
        instance: InstanceId,
        filter: &ClaimFilter,
    ) -> impl Future<Output = Result<Option<Claim>, Fault>> + Send;

    fn put(&self, put: Put<'_>) -> impl Future<Output = Result<PutCounts, Fault>> + Send;

    /// Inserts those of these vectors that are not there, under the embedding with this number; how many those are.
    fn insert_vectors(
        tx: &mut Self::Connection,
        embedding: i64,
        vectors: &BTreeMap<TextKey, &Vector>,
    ) -> impl Future<Output = sqlx::Result<u64>> + Send;

    /// As [`crate::Cache::put_symbols`], of a store that is no reader.
    fn put_symbols(&self, symbols: Extracted<'_>) -> impl Future<Output = Result<(), Fault>> + Send;

    /// What only the database itself can see of its own health.
    fn check_pages(&self) -> impl Future<Output = Result<(), Fault>> + Send;

    fn session(&self, instance: InstanceId) -> impl Future<Output = Result<Box<dyn Session>, Fault>> + Send;

    /// Slots that are held now, as far as this process can see.
    fn slots_held(&self) -> impl Future<Output = Result<u64, Fault>> + Send;

    /// As [`crate::Store::notification`].
    fn notification(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    /// Sends one to other processes.
    fn notify(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    fn rescue(&self, suspect: InstanceId) -> impl Future<Output = Result<Option<Rescued>, Fault>> + Send;

    /// The migrations that make this version's schema, in order.
    fn steps(&self) -> &'static [Step];

    /// Whether another database has come to the place of the one that was opened, of which no connection tells.
    fn is_replaced(&self) -> bool {
        false
    }

    /// As [`crate::Store::examine`].
    fn examine(&self) -> impl Future<Output = Result<String, Fault>> + Send;

    fn close(&self) -> impl Future<Output = ()> + Send;

    /// As [`crate::Store::close_at_exit`].
    fn close_at_exit(&self) -> impl Future<Output = ()> + Send {
        self.close()
    }
}

#[async_trait::async_trait]
impl<B: Base> crate::Store for B {
    fn counters(&self) -> Counters {
        self.atomic_counters().counters()
    }

    fn connections(&self) -> Connections {
        Base::connections(self)
    }

    fn is_shared(&self) -> bool {
        Base::is_shared(self)
    }

    async fn session(&self, instance: InstanceId) -> Result<Box<dyn Session>, StoreError> {
        self.door(Base::session(self, instance).await)
    }

    async fn rescue(&self, suspect: InstanceId) -> Result<Option<Rescued>, StoreError> {
        let rescued = retrying!(self, Base::rescue(self, suspect))?;
        if rescued.is_some() {
            self.notify().await;
        }
        Ok(rescued)
    }

    async fn notification(&self) {
        Base::notification(self).await;
    }

    async fn examine(&self) -> Result<String, StoreError> {
        retrying!(self, Base::examine(self))
    }

    async fn still_fits(&self) -> Result<(), StoreError> {
        retrying!(self, still_fits(self))
    }

    async fn close(&self) {
        Base::close(self).await;
    }

    async fn close_at_exit(&self) {
        Base::close_at_exit(self).await;
    }
}

async fn still_fits<B: Base>(store: &B) -> Result<(), Fault> {
    let name = store.name();
    if store.is_replaced() {
        let message = format!("{name} is no longer the file that was opened: open it again");
        return Err(StoreError::new(StoreErrorKind::Gone, message).into());
    }
    let rows = store.read().await?.all(APPLIED, &[]).await?;
    let applied: sqlx::Result<Vec<_>> =
        rows.iter().map(|row| Ok((row.int("version")?, row.bytes("checksum")?.to_vec()))).collect();
    let version = store.steps().last().map_or(0, |(version, ..)| *version);
    Ok(Schema::of(&applied?, store.steps()).check(version, &name)?)
}

/// A wait of the database's clock.
pub(crate) fn wait(micros: Option<i64>) -> Option<Duration> {
    micros.map(|micros| Duration::from_micros(super::count(micros)))
}

/// The rows of jobs.
pub(crate) fn ids(jobs: &[JobId]) -> Vec<i64> {
    jobs.iter().map(|job| job.0).collect()
}
