//! The suite on PostgreSQL, and what only a server can do.

mod database;
mod figures;
mod holders;
mod limits;
mod lost;
mod notifications;
mod pooler;
mod proxy;
mod reads;
mod retires;
mod roles;
mod sessions;
mod silence;
mod speed;
mod storms;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::AssertSqlSafe;

use super::{Postgres, PostgresOptions};
use crate::conformance::inside::Within;
use crate::conformance::{Bench, Clock, Death, Rows, suite};
use crate::sql::{Base as _, Writing as _, micros};
use crate::{InstanceId, Role, Store};
use database::TestDatabase;

suite!(crate::postgres::tests::open);

pub(crate) async fn open() -> Option<Bench> {
    let database = TestDatabase::new().await?;
    let store = Arc::new(pipeline(&database).await);
    Some(bench(store, database))
}

/// The store of a database, opened as the pipeline.
async fn pipeline(database: &TestDatabase) -> Postgres {
    let options = PostgresOptions { host: "a machine".into(), ..PostgresOptions::default() };
    Postgres::open(database.url(), Role::Pipeline, &options).await.unwrap()
}

fn bench(store: Arc<Postgres>, database: TestDatabase) -> Bench {
    let clock = Box::new(ServerClock { store: Arc::clone(&store), ahead: AtomicI64::new(0) });
    let death = Box::new(Murder(Arc::clone(&store)));
    let rows = Box::new(ServerRows(Arc::clone(&store)));
    let inside = Box::new(Within(Arc::clone(&store)));
    Bench { store, clock, death, rows, inside, _directory: Box::new(database) }
}

/// Whoever heartbeat last notices.
struct Murder(Arc<Postgres>);

#[async_trait]
impl Death for Murder {
    async fn of(&self, instance: InstanceId) {
        change(&self.0, &format!("UPDATE instance SET state = 'dead' WHERE id = '{}'", instance.0)).await;
        assert_eq!(Store::rescue(&*self.0, instance).await.unwrap().map(|rescued| rescued.jobs), Some(1));
    }
}

struct ServerClock {
    store: Arc<Postgres>,
    ahead: AtomicI64,
}

impl ServerClock {
    async fn turn(&self, by: i64) {
        let ahead = self.ahead.fetch_add(by, Ordering::SeqCst) + by;
        let view = format!(
            "CREATE OR REPLACE VIEW clock AS
             SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT) + {ahead} AS now"
        );
        change(&self.store, &view).await;
    }
}

#[async_trait]
impl Clock for ServerClock {
    async fn forward(&self, by: Duration) {
        self.turn(micros(by)).await;
    }

    async fn back(&self, by: Duration) {
        self.turn(-micros(by)).await;
    }
}

/// Changes the database behind the store's back.
async fn change(store: &Postgres, sql: &str) {
    let mut tx = store.write().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(tx.connection().unwrap()).await.unwrap();
    tx.commit().await.unwrap();
}

struct ServerRows(Arc<Postgres>);

#[async_trait]
impl Rows for ServerRows {
    async fn count(&self, sql: &'static str) -> i64 {
        let mut conn = self.0.read().await.unwrap();
        sqlx::query_scalar(sql).fetch_one(conn.connection().unwrap()).await.unwrap()
    }

    async fn change(&self, sql: &'static str) {
        change(&self.0, sql).await;
    }
}
