//! A database of a test's own, on the server of all tests of this process or on another.

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use uuid::Uuid;

/// A database, dropped with this value.
pub(crate) struct TestDatabase {
    /// The URL of the server's maintenance database.
    server: String,
    name: String,
    url: String,
}

impl TestDatabase {
    /// None where no server is to be had, which is said as a test that was not run.
    pub(crate) async fn new() -> Option<Self> {
        let Some(server) = xtask::postgres::url() else {
            xtask::not_run("PostgreSQL");
            return None;
        };
        Some(Self::on(server).await)
    }

    pub(crate) async fn on(server: &str) -> Self {
        let name = format!("warmer_test_{}", Uuid::new_v4().simple());
        on_server(server, format!("CREATE DATABASE {name}")).await.expect("the server makes databases for its tests");
        let (front, _) = server.rsplit_once('/').expect("the server's URL names a database");
        let (_, parameters) = server.split_once('?').unwrap_or((server, ""));
        Self { server: server.to_owned(), url: format!("{front}/{name}?{parameters}"), name }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // On a thread of its own: this one belongs to a runtime.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(on_server(&server, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))).ok();
        });
        dropping.join().ok();
    }
}

async fn on_server(server: &str, sql: String) -> sqlx::Result<()> {
    let options: PgConnectOptions = server.parse()?;
    let mut connection = options.connect().await?;
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.map(drop)
}
