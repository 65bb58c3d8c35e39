//! The listener: a connection that waits for notifications that there may be something in the queue.
//!
//! Notifications are lost while nobody listens; whoever waits here looks at the rows from time to time by itself.

use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::sync::Mutex;

/// Where notifications are sent; they carry nothing.
const CHANNEL: &str = "warmer";
pub(super) const NOTIFY: &str = "SELECT pg_notify('warmer', '')";

/// Between two attempts to connect.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Listener {
    /// Of one connection, made when it is first needed.
    pool: PgPool,
    listening: Mutex<Listening>,
}

#[derive(Default)]
struct Listening {
    listener: Option<PgListener>,
    /// The connection broke: something may have been said meanwhile.
    missed: bool,
}

impl std::fmt::Debug for Listening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listening").field("listens", &self.listener.is_some()).finish_non_exhaustive()
    }
}

impl Listener {
    /// Connects to nothing yet. The way must be a direct one: a pooler in transaction mode would lose what it listens
    /// to.
    pub(super) fn new(direct: &PgConnectOptions, connect_timeout: Duration) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(connect_timeout)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(direct.clone().application_name("warmer-listener"));
        Self { pool, listening: Mutex::default() }
    }

    /// Returns at a notification, or when one may have been missed. Nothing is lost when it is dropped: what arrived
    /// waits for the next call.
    pub(super) async fn notification(&self) {
        let mut listening = self.listening.lock().await;
        loop {
            match listening.next(&self.pool).await {
                Ok(()) => return,
                Err(sqlx::Error::PoolClosed) => {
                    drop(listening);
                    return std::future::pending().await;
                }
                Err(error) => {
                    tracing::debug!(%error, "PostgreSQL closed the connection for notifications; reconnecting");
                }
            }
            listening.missed = true;
            // A connection that broke is made again at once; one that cannot be made, later.
            if listening.listener.take().is_none() {
                tokio::time::sleep(AGAIN_AFTER).await;
            }
        }
    }

    pub(super) async fn close(&self) {
        let forget = async { self.listening.lock().await.listener = None };
        tokio::join!(self.pool.close(), forget);
    }
}

impl Listening {
    async fn next(&mut self, pool: &PgPool) -> sqlx::Result<()> {
        let listener = match &mut self.listener {
            Some(listener) => listener,
            none => none.insert(listen(pool).await?),
        };
        if std::mem::take(&mut self.missed) {
            return Ok(());
        }
        if listener.try_recv().await?.is_none() {
            return Err(sqlx::Error::Protocol("the connection broke".to_owned()));
        }
        // Many notifications are one.
        while listener.next_buffered().is_some() {}
        Ok(())
    }
}

async fn listen(pool: &PgPool) -> sqlx::Result<PgListener> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    Ok(listener)
}
