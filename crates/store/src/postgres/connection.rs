//! A connection, how far its statements may rely on one another, and for how long it may be silent.
//!
//! The server ends what takes too long. Where the server itself is gone without a word (its host, or the way to it) a
//! connection would be read for ever, as there is nothing to send again: this side gives it up.

use std::io;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, PgPool};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::answer::{answered, silent};
use super::migrate;
use super::options::Settings;
use crate::sql::Writing;

/// How long a connection that is given back may take to show that it is whole.
const GIVE_BACK_MAX: Duration = Duration::from_secs(5);

/// A connection as the port sees it.
#[derive(Debug)]
pub(crate) struct ServerConnection {
    on: On,
    /// Statements are prepared by name and kept; a pooler in transaction mode would lose them.
    pub(super) prepared: bool,
    /// A transaction was begun.
    within: bool,
    /// How long an answer is waited for; `None` where whoever asks decides.
    answer_max: Option<Duration>,
}

#[derive(Debug)]
enum On {
    Pool(PoolConnection<sqlx::Postgres>),
    Own(PgConnection),
    /// It did not answer in time, or was closed.
    Nothing,
}

impl ServerConnection {
    pub(super) fn own(connection: PgConnection) -> Self {
        Self { on: On::Own(connection), prepared: true, within: false, answer_max: None }
    }

    /// Ends a connection of its own in order; what belongs to the pool goes back to it.
    pub(super) async fn close(mut self) {
        match std::mem::replace(&mut self.on, On::Nothing) {
            On::Own(connection) => {
                if let Err(error) = connection.close().await {
                    tracing::debug!(%error, "closing a connection failed");
                }
            }
            on => self.on = on,
        }
    }

    pub(super) fn connection(&mut self) -> sqlx::Result<&mut PgConnection> {
        match &mut self.on {
            On::Pool(connection) => Ok(connection),
            On::Own(connection) => Ok(connection),
            On::Nothing => Err(silent()),
        }
    }

    pub(super) fn answer_max(&self) -> Option<Duration> {
        self.answer_max
    }

    /// Takes in how a question ended. A connection that was silent never goes back to the pool, which makes another in
    /// its place from now on; nor is it asked again, or told to end: nothing would be heard, and a full socket waits.
    pub(super) fn take_in<T>(&mut self, answer: sqlx::Result<T>) -> sqlx::Result<T> {
        if let Err(sqlx::Error::Io(error)) = &answer
            && error.kind() == io::ErrorKind::TimedOut
            && let On::Pool(connection) = std::mem::replace(&mut self.on, On::Nothing)
        {
            drop(connection.detach());
        }
        answer
    }

    async fn send(&mut self, statement: String) -> sqlx::Result<()> {
        let answer_max = self.answer_max;
        let statement = sqlx::raw_sql(AssertSqlSafe(statement));
        let answer = answered(answer_max, self.connection()?.execute(statement)).await;
        self.take_in(answer).map(drop)
    }
}

/// A transaction that is dropped is rolled back. One whose statement was dropped half way has an answer to come.
impl Drop for ServerConnection {
    fn drop(&mut self) {
        let On::Pool(mut connection) = std::mem::replace(&mut self.on, On::Nothing) else { return };
        // Without a runtime there is nobody to do it.
        let Ok(runtime) = Handle::try_current() else { return drop(connection.detach()) };
        let within = self.within;
        runtime.spawn(timeout(GIVE_BACK_MAX, async move {
            if within && let Err(error) = connection.execute("ROLLBACK").await {
                tracing::debug!(%error, "rolling back a transaction failed");
            }
            connection.return_to_pool().await;
        }));
    }
}

/// Milliseconds that a statement may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit(u128);

impl Limit {
    /// As long as it takes.
    pub(super) const NONE: Self = Self(0);

    /// For PostgreSQL, 0 would be none.
    pub(super) fn of(time: Duration) -> Self {
        Self(time.as_millis().max(1))
    }
}

/// A connection of the pool while it is in use.
#[derive(Debug)]
pub(crate) struct Held(ServerConnection);

impl Held {
    /// For statements of which each stands for itself.
    pub(super) async fn plain(pool: &PgPool, settings: &Settings) -> sqlx::Result<Self> {
        let (prepared, answer_max) = (!settings.is_pooled(), Some(settings.options.answer_max));
        Ok(Self(ServerConnection { on: On::Pool(pool.acquire().await?), prepared, within: false, answer_max }))
    }

    /// A transaction. A connection of our own has its settings since it was opened. `limit`: another for each of its
    /// statements than all have.
    pub(super) async fn within(pool: &PgPool, settings: &Settings, limit: Option<Limit>) -> sqlx::Result<Self> {
        let mut held = Self::plain(pool, settings).await?;
        held.0.within = true;
        let mut begin = if settings.is_pooled() { migrate::begin(settings) } else { "BEGIN".to_owned() };
        if let Some(Limit(millis)) = limit {
            begin += &format!("; SET LOCAL statement_timeout TO {millis}");
        }
        held.0.send(begin).await?;
        Ok(held)
    }

    /// From now on an answer may take as long as it takes.
    pub(super) fn wait_on(&mut self) {
        self.0.answer_max = None;
    }

    async fn end(mut self, how: &str) -> sqlx::Result<()> {
        if !self.0.within {
            return Ok(());
        }
        self.0.send(how.to_owned()).await?;
        self.0.within = false;
        Ok(())
    }
}

impl Deref for Held {
    type Target = ServerConnection;

    fn deref(&self) -> &ServerConnection {
        &self.0
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut ServerConnection {
        &mut self.0
    }
}

impl Writing for Held {
    async fn commit(self) -> sqlx::Result<()> {
        self.end("COMMIT").await
    }

    async fn rollback(self) -> sqlx::Result<()> {
        self.end("ROLLBACK").await
    }
}
