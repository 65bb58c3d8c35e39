//! The suite on SQLite, and what only a file can do.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::AssertSqlSafe;

use super::{Role, Sqlite, rows};
use crate::conformance::{Bench, Clock, suite};

suite!(crate::sqlite::tests::open);

pub(crate) async fn open() -> Bench {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(Sqlite::open(&directory.path().join("warmer.db"), Role::Pipeline).await.unwrap());
    let clock = Box::new(FileClock { store: Arc::clone(&store), ahead: AtomicI64::new(0) });
    Bench { store, clock, _place: Box::new(directory) }
}

struct FileClock {
    store: Arc<Sqlite>,
    ahead: AtomicI64,
}

#[async_trait]
impl Clock for FileClock {
    async fn forward(&self, by: Duration) {
        let by = rows::micros(by);
        let ahead = self.ahead.fetch_add(by, Ordering::SeqCst) + by;
        let view = format!(
            "DROP VIEW clock;
             CREATE VIEW clock AS SELECT CAST(unixepoch('subsec') * 1000000 AS INTEGER) + {ahead} AS now;"
        );
        let mut tx = self.store.write().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(view)).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }
}
