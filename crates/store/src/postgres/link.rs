//! A connection, and how far its statements may rely on one another.

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, PgConnection, Transaction};

use crate::sql::Writing;

/// A connection as the port sees it.
#[derive(Debug)]
pub(crate) struct Link {
    on: On,
    /// Statements are prepared by name and kept; a pooler in transaction mode would lose them.
    pub(super) prepared: bool,
}

#[derive(Debug)]
enum On {
    Pool(PoolConnection<sqlx::Postgres>),
    Within(Transaction<'static, sqlx::Postgres>),
    Own(PgConnection),
}

impl Link {
    pub(super) fn own(connection: PgConnection) -> Self {
        Self { on: On::Own(connection), prepared: true }
    }

    /// Ends a connection of its own in order; what belongs to the pool goes back to it.
    pub(super) async fn close(self) {
        if let On::Own(connection) = self.on
            && let Err(error) = connection.close().await
        {
            tracing::debug!(%error, "a connection did not end in order");
        }
    }

    pub(super) fn connection(&mut self) -> &mut PgConnection {
        match &mut self.on {
            On::Pool(connection) => connection,
            On::Within(transaction) => transaction,
            On::Own(connection) => connection,
        }
    }
}

/// A connection of the pool while it is in use. A transaction that is dropped is rolled back.
#[derive(Debug)]
pub(crate) struct Held(Link);

impl Held {
    pub(super) fn plain(connection: PoolConnection<sqlx::Postgres>) -> Self {
        Self(Link { on: On::Pool(connection), prepared: true })
    }

    pub(super) fn within(transaction: Transaction<'static, sqlx::Postgres>, prepared: bool) -> Self {
        Self(Link { on: On::Within(transaction), prepared })
    }
}

impl Deref for Held {
    type Target = Link;

    fn deref(&self) -> &Link {
        &self.0
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut Link {
        &mut self.0
    }
}

impl Writing for Held {
    async fn commit(self) -> sqlx::Result<()> {
        match self.0.on {
            On::Within(transaction) => transaction.commit().await,
            On::Pool(_) | On::Own(_) => Ok(()),
        }
    }

    async fn rollback(self) -> sqlx::Result<()> {
        match self.0.on {
            On::Within(transaction) => transaction.rollback().await,
            On::Pool(_) | On::Own(_) => Ok(()),
        }
    }
}
