//! The suite on SQLite, and what only a file can do.

mod damage;
mod figures;
mod orphans;
mod plans;
mod processes;
mod reads;
mod roles;
mod speed;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::AssertSqlSafe;

use super::{Options, Role, Sqlite};
use crate::InstanceId;
use crate::conformance::inside::Within;
use crate::conformance::{Bench, Clock, Death, Rows, suite};
use crate::sql::{Base as _, Writing as _, micros};

suite!(crate::sqlite::tests::open);

pub(crate) async fn open() -> Option<Bench> {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(pipeline(directory.path()).await);
    Some(bench(store, directory))
}

/// The store of a directory, opened as the pipeline.
async fn pipeline(directory: &Path) -> Sqlite {
    let options = Options { host: "a machine".into(), ..Options::default() };
    Sqlite::open_with(&directory.join("warmer.db"), Role::Pipeline, &options).await.unwrap()
}

fn bench(store: Arc<Sqlite>, directory: tempfile::TempDir) -> Bench {
    let clock = Box::new(FileClock { store: Arc::clone(&store), ahead: AtomicI64::new(0) });
    let death = Box::new(TakeOver(Arc::clone(&store)));
    let rows = Box::new(FileRows(Arc::clone(&store)));
    let inside = Box::new(Within(Arc::clone(&store)));
    Bench { store, clock, death, rows, inside, _directory: Box::new(directory) }
}

/// As the next pipeline does when it opens the file.
struct TakeOver(Arc<Sqlite>);

#[async_trait]
impl Death for TakeOver {
    async fn of(&self, _: InstanceId) {
        self.0.take_over().await.unwrap();
    }
}

struct FileClock {
    store: Arc<Sqlite>,
    ahead: AtomicI64,
}

impl FileClock {
    async fn turn(&self, by: i64) {
        let ahead = self.ahead.fetch_add(by, Ordering::SeqCst) + by;
        let view = format!(
            "DROP VIEW clock;
             CREATE VIEW clock AS SELECT CAST(unixepoch('subsec') * 1000000 AS INTEGER) + {ahead} AS now;"
        );
        change(&self.store, &view).await;
    }
}

#[async_trait]
impl Clock for FileClock {
    async fn forward(&self, by: Duration) {
        self.turn(micros(by)).await;
    }

    async fn back(&self, by: Duration) {
        self.turn(-micros(by)).await;
    }
}

/// Changes the file behind the store's back.
async fn change(store: &Sqlite, sql: &str) {
    let mut tx = store.write().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

struct FileRows(Arc<Sqlite>);

#[async_trait]
impl Rows for FileRows {
    async fn count(&self, sql: &'static str) -> i64 {
        let mut conn = self.0.read().await.unwrap();
        sqlx::query_scalar(sql).fetch_one(&mut *conn).await.unwrap()
    }

    async fn change(&self, sql: &'static str) {
        change(&self.0, sql).await;
    }
}
