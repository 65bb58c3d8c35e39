//! The server, and a database for each row.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _};
use tokio::runtime::Runtime;
use warmer_store::{Postgres, PostgresOptions, Role};
use xtask::postgres::Cluster;

use super::clock::{pass, wait};

/// For so long after its start nobody is rescued; and a little more.
const GRACE: Duration = Duration::from_secs(62);

/// A round is judged by its whole history: no check gives way to a later one.
const KEEP: &str = "
    CREATE FUNCTION kept() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER kept BEFORE DELETE ON attempt FOR EACH ROW WHEN (OLD.outcome = 'fresh') EXECUTE FUNCTION kept()";

/// What all rows of a round share: the server.
pub struct Environment {
    runtime: Runtime,
    server: String,
    cluster: Option<Cluster>,
}

impl Environment {
    /// On a server of its own, which rows may stop and start.
    ///
    /// # Errors
    /// When none can be made.
    pub fn own() -> Result<Self> {
        let cluster = Cluster::start()?;
        Ok(Self { runtime: Runtime::new()?, server: cluster.url(), cluster: Some(cluster) })
    }

    /// On the server of all tests; none where there is none.
    ///
    /// # Errors
    /// When the system has no threads left.
    pub fn shared() -> Result<Option<Self>> {
        let Some(server) = xtask::postgres::url() else { return Ok(None) };
        Ok(Some(Self { runtime: Runtime::new()?, server: server.to_owned(), cluster: None }))
    }

    pub(super) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// The server that this round may stop.
    pub(super) fn cluster(&self) -> Result<&Cluster> {
        self.cluster.as_ref().context("this row stops its server, and the one given is not its own")
    }

    /// Where the server listens.
    pub(super) fn address(&self) -> Result<String> {
        let options: PgConnectOptions = self.server.parse()?;
        Ok(format!("{}:{}", options.get_host(), options.get_port()))
    }

    /// A new database.
    pub(super) fn database(&self) -> Result<Base> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("warmer_chaos_{}_{number}", std::process::id());
        self.runtime.block_on(on_server(&self.server, &format!("CREATE DATABASE {name}")))?;
        let (front, _) = self.server.rsplit_once('/').context("the server's URL names a database")?;
        let (_, parameters) = self.server.split_once('?').unwrap_or((&self.server, ""));
        let url = format!("{front}/{name}?{parameters}");
        self.runtime.block_on(async {
            let store = Postgres::open(&url, Role::Writer, &PostgresOptions::default()).await?;
            let options: PgConnectOptions = url.parse()?;
            let options = options.options([("search_path", "warmer")]).application_name("chaos");
            let pool = PgPoolOptions::new()
                .max_connections(4)
                .acquire_timeout(Duration::from_secs(2))
                .connect_with(options)
                .await?;
            sqlx::raw_sql(KEEP).execute(&pool).await?;
            let (handle, server) = (self.runtime.handle().clone(), self.server.clone());
            Ok(Base { handle, server, name, url, store, pool })
        })
    }

    /// Waits until the server has been up for long enough that the dead are found.
    pub(super) fn past_grace(&self) -> Result<()> {
        let up = "SELECT extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::text";
        let up = self.runtime.block_on(on_server(&self.server, up))?;
        let up = Duration::from_secs_f64(up.first().context("a row")?.parse()?);
        pass(GRACE.saturating_sub(up));
        Ok(())
    }

    /// Waits until the server answers again.
    pub(super) fn answers(&self, base: &Base) -> Result<()> {
        let answer = wait(Duration::from_mins(1), || base.query("SELECT 'here'").ok());
        ensure!(answer.is_some(), "the server does not come back");
        Ok(())
    }
}

/// The first column, a text, of every row that a statement gives in the maintenance database.
async fn on_server(server: &str, sql: &str) -> Result<Vec<String>> {
    let mut connection = server.parse::<PgConnectOptions>()?.connect().await?;
    let rows = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_all(&mut connection).await?;
    connection.close().await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<sqlx::Result<_>>()?)
}

/// One row's database; gone when dropped.
pub(super) struct Base {
    handle: tokio::runtime::Handle,
    server: String,
    name: String,
    pub(super) url: String,
    pub(super) store: Postgres,
    pool: PgPool,
}

impl Base {
    /// Runs something async.
    pub(super) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.handle.block_on(work)
    }

    /// The first column, a text, of every row that a query finds.
    pub(super) fn query(&self, sql: &str) -> Result<Vec<String>> {
        let rows = self.block_on(sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_all(&self.pool));
        let rows = rows.with_context(|| sql.to_owned())?;
        rows.iter().map(|row| row.try_get(0)).collect::<sqlx::Result<_>>().with_context(|| sql.to_owned())
    }

    /// The number that a query finds.
    pub(super) fn count(&self, sql: &str) -> Result<u64> {
        let rows = self.query(sql)?;
        rows.first().and_then(|row| row.parse().ok()).with_context(|| format!("no number: {sql}"))
    }
}

impl Drop for Base {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // A server that is gone has no database left.
        self.handle.block_on(on_server(&self.server, &sql)).ok();
    }
}
