//! A PostgreSQL database of a test's own: on the server that `cargo xtask test` started, or on one that this process
//! starts for all of its tests. A look into it from outside is plain SQL, as with [`crate::Database`].

use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _};

// The store's own tests make their databases in the same way, and cannot use this harness, which uses the store.
#[path = "../../crates/store/src/postgres/tests/database.rs"]
mod database;

/// Longer than anything that is waited for takes.
const HANG: Duration = Duration::from_secs(60);

/// A database, empty at first, dropped with this value.
pub struct Postgres {
    database: database::TestDatabase,
}

impl Postgres {
    /// None where there is no server and none can be made, which is said as a test that was not run.
    #[must_use]
    pub fn new() -> Option<Self> {
        let database = aside(async || database::TestDatabase::new().await)?;
        Some(Self { database })
    }

    /// On the server whose maintenance database this is.
    #[must_use]
    pub fn on(server: &str) -> Self {
        Self { database: aside(async || database::TestDatabase::on(server).await) }
    }

    /// Where it is, for `DATABASE_URL`.
    #[must_use]
    pub fn url(&self) -> &str {
        self.database.url()
    }

    /// The first column, a text, of every row that a query finds in the schema of the store.
    ///
    /// # Panics
    /// When the query is wrong.
    #[must_use]
    pub fn query(&self, sql: &str) -> Vec<String> {
        self.connected(async |connection| {
            let rows = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_all(connection).await;
            rows.unwrap_or_else(|error| panic!("{error}: {sql}")).iter().map(|row| row.get(0)).collect()
        })
    }

    /// Changes the database behind the back of everyone; the number of rows changed.
    ///
    /// # Panics
    /// When the statement is wrong.
    pub fn change(&self, sql: &str) -> u64 {
        self.connected(async |connection| {
            let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await;
            done.unwrap_or_else(|error| panic!("{error}: {sql}")).rows_affected()
        })
    }

    /// Does something while a transaction of this statement is open: what it locks stays locked.
    ///
    /// # Panics
    /// When the statement is wrong.
    pub fn holding<T: Send>(&self, lock: &str, work: impl FnOnce() -> T + Send) -> T {
        self.connected(async |connection| {
            let mut transaction = connection.begin().await.expect("its server runs");
            let lock = sqlx::raw_sql(AssertSqlSafe(lock.to_owned())).execute(&mut *transaction);
            lock.await.expect("nobody else holds it");
            let done = work();
            transaction.rollback().await.expect("its server runs");
            done
        })
    }

    /// Asks until an answer has a row.
    ///
    /// # Panics
    /// When the query is wrong, or none ever has.
    pub fn wait_for(&self, sql: &str) {
        let until = Instant::now() + HANG;
        while self.query(sql).is_empty() {
            assert!(Instant::now() < until, "there is never a row: {sql}");
        }
    }

    fn connected<T: Send>(&self, work: impl AsyncFnOnce(&mut PgConnection) -> T + Send) -> T {
        aside(async || {
            let options: PgConnectOptions = self.url().parse().expect("its URL is one");
            let options = options.options([("search_path", "warmer")]);
            let mut connection = options.connect().await.expect("its server runs");
            let result = work(&mut connection).await;
            connection.close().await.expect("a connection can be closed");
            result
        })
    }
}

/// On a thread of its own, so that tests that are async themselves can look too.
fn aside<T: Send>(work: impl AsyncFnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(work())
        });
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_empty_of_its_own_and_gone_afterwards() {
        let (Some(one), Some(other)) = (Postgres::new(), Postgres::new()) else { return };
        one.change("CREATE SCHEMA warmer; CREATE TABLE a (b TEXT); INSERT INTO a VALUES ('c')");
        assert_eq!(one.query("SELECT b FROM a"), ["c"]);
        let tables = "SELECT relname::text FROM pg_class WHERE relname = 'a'";
        assert_eq!(other.query(tables), Vec::<String>::new());
        let name = one.query("SELECT current_database()::text").remove(0);
        drop(one);
        let databases = other.query("SELECT datname::text FROM pg_database");
        assert!(!databases.contains(&name), "{databases:?}");
    }
}
