//! PostgreSQL as a store: a pool, and transactions that lock what they rely on.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::timeout;
use warmer_content::{TextKey, Vector};

use super::connection::{Held, Limit, ServerConnection};
use super::listener::NOTIFY;
use super::session::LockSession;
use super::{Postgres, claim, fault, migrate, put, rescue};
use crate::cache::{Extracted, Put, PutCounts};
use crate::connections::Connections;
use crate::error::{StoreError, StoreErrorKind};
use crate::job::{Claim, ClaimId, InstanceId};
use crate::queue::{ClaimFilter, Rescued};
use crate::session::Session;
use crate::sql::{AtomicCounters, Base, Connection as _, Fault, Limits, Row as _, Step, Transient, count, values};

/// Who relies on what is stored shares a lock that each step of a collection wants for itself. Waiters come in turn.
const RELY: &str = "SELECT pg_advisory_xact_lock_shared(CAST($1 AS INTEGER), 1)";
const SWEEP: &str = "SELECT pg_advisory_xact_lock(CAST($1 AS INTEGER), 1)";
/// How long an end in order is waited for. A server that is silent gives none.
const CLOSE_MAX: Duration = Duration::from_secs(5);

impl Postgres {
    /// A transaction, also for a reader.
    async fn begin(&self) -> Result<Held, Fault> {
        Ok(Held::within(&self.pool, &self.settings, None).await?)
    }

    async fn begin_under(&self, lock: &'static str) -> Result<Held, Fault> {
        let mut tx = self.write().await?;
        tx.all(lock, values![i64::from(self.settings.upkeep())]).await?;
        Ok(tx)
    }

    fn check_writable(&self) -> Result<(), Fault> {
        if !self.reader {
            return Ok(());
        }
        let message = format!("{} is open for reading only: this command cannot change it", self.settings.name);
        Err(StoreError::new(StoreErrorKind::ReadOnly, message).into())
    }
}

impl Base for Postgres {
    type Connection = ServerConnection;
    type Reading = Held;
    type Writing = Held;

    fn limits(&self) -> Limits {
        self.settings.limits()
    }

    fn host(&self) -> &str {
        &self.settings.options.host
    }

    fn atomic_counters(&self) -> &AtomicCounters {
        &self.counters
    }

    fn connections(&self) -> Connections {
        Connections::of(&self.pool)
    }

    fn name(&self) -> String {
        self.settings.name.clone()
    }

    fn door<T>(&self, result: Result<T, Fault>) -> Result<T, StoreError> {
        result.map_err(|fault| fault::at(&self.settings.name, fault))
    }

    fn transient(fault: &Fault) -> Option<Transient> {
        fault::transient(fault)
    }

    fn system(&self) -> &'static str {
        "postgresql"
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn is_reader(&self) -> bool {
        self.reader
    }

    async fn read(&self) -> Result<Held, Fault> {
        if self.settings.is_pooled() { self.begin().await } else { Ok(Held::plain(&self.pool, &self.settings).await?) }
    }

    async fn scan(&self) -> Result<Held, Fault> {
        let mut held = Held::within(&self.pool, &self.settings, Some(Limit::NONE)).await?;
        held.wait_on();
        Ok(held)
    }

    async fn brief(&self, within: Duration) -> Result<Held, Fault> {
        Ok(Held::within(&self.pool, &self.settings, Some(Limit::of(within))).await?)
    }

    async fn write(&self) -> Result<Held, Fault> {
        self.check_writable()?;
        self.begin().await
    }

    async fn single(&self) -> Result<Held, Fault> {
        self.check_writable()?;
        self.read().await
    }

    async fn rely(&self) -> Result<Held, Fault> {
        self.begin_under(RELY).await
    }

    async fn sweep(&self) -> Result<Held, Fault> {
        self.begin_under(SWEEP).await
    }

    async fn claim(&self, id: ClaimId, instance: InstanceId, filter: &ClaimFilter) -> Result<Option<Claim>, Fault> {
        claim::claim(self, id, instance, filter).await
    }

    async fn put(&self, put: Put<'_>) -> Result<PutCounts, Fault> {
        put::put(self, put).await
    }

    async fn insert_vectors(
        tx: &mut ServerConnection,
        embedding: i64,
        vectors: &BTreeMap<TextKey, &Vector>,
    ) -> sqlx::Result<u64> {
        put::vectors(tx, embedding, vectors).await
    }

    async fn put_symbols(&self, symbols: Extracted<'_>) -> Result<(), Fault> {
        put::put_symbols(self, symbols).await
    }

    /// The server looks after its own pages.
    async fn check_pages(&self) -> Result<(), Fault> {
        Ok(())
    }

    async fn session(&self, instance: InstanceId) -> Result<Box<dyn Session>, Fault> {
        Ok(Box::new(LockSession::open(&self.settings, instance).await?))
    }

    /// The locks are the truth; the rows of the slots only say who took them last.
    async fn slots_held(&self) -> Result<u64, Fault> {
        const HELD: &str = "
            SELECT count(*) AS held FROM pg_locks
            WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid = CAST($1 AS OID)
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        // An OID is the same 32 bits without a sign.
        let class = i64::from(self.settings.slots().cast_unsigned());
        Ok(count(self.read().await?.one(HELD, values![class]).await?.int("held")?))
    }

    async fn notification(&self) {
        self.listener.notification().await;
    }

    async fn notify(&self) {
        if let Err(fault) = self.once(NOTIFY, &[]).await {
            tracing::debug!(?fault, "notifying other instances failed; they find the rows when they poll");
        }
    }

    async fn rescue(&self, suspect: InstanceId) -> Result<Option<Rescued>, Fault> {
        rescue::rescue(self, suspect).await
    }

    fn steps(&self) -> &'static [Step] {
        migrate::MIGRATIONS
    }

    async fn examine(&self) -> Result<String, Fault> {
        const NAME: &str = "SELECT split_part(current_setting('server_version'), ' ', 1) AS version";
        let row = self.read().await?.one(NAME, &[]).await?;
        LockSession::try_out(&self.settings).await?;
        Ok(format!("PostgreSQL {}, schema {}", row.text("version")?, self.settings.options.schema))
    }

    async fn close(&self) {
        let closed = async { tokio::join!(self.listener.close(), self.pool.close()) };
        if timeout(CLOSE_MAX, closed).await.is_err() {
            let name = &self.settings.name;
            tracing::warn!("{name} does not answer; its connections are closed when this process exits");
        }
    }
}
