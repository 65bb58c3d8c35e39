//! A database with a queue of some length in it.

use tokio::runtime::Runtime;
use warmer_store::{Postgres as Store, PostgresOptions, Role, Store as _};
use warmer_tests::Postgres;
use xtask::postgres::Cluster;

/// Ids that no other number of a job is mistaken for, when the script is made.
const IDS: &str = "ALTER TABLE repository ALTER COLUMN id RESTART WITH 7000000001;
    ALTER TABLE job ALTER COLUMN id RESTART WITH 8000000001";
/// A job for every repository without one: of two, one was due an hour ago at one of three ranks, and one is of the
/// future at a better rank.
const FILL: &str = "INSERT INTO job (repository, rank, run_at, enqueued_at)
    SELECT id, CASE WHEN id % 2 = 0 THEN -5 ELSE id % 3 END,
           now + CASE WHEN id % 2 = 0 THEN 86400000000 ELSE -3600000000 END + id % 1000000, now
    FROM repository, clock WHERE NOT EXISTS (SELECT 1 FROM job WHERE job.repository = repository.id)";

/// A database with its queue.
pub(crate) struct Field {
    pub(crate) postgres: Postgres,
    /// Rows of the queue.
    pub(crate) rows: usize,
    /// Those of them that are due.
    due: usize,
    pub(crate) tokio: Runtime,
}

impl Field {
    /// With the store's tables and nothing in them.
    pub(crate) fn empty(cluster: &Cluster) -> Self {
        let field = Self { postgres: Postgres::on(&cluster.url()), rows: 0, due: 0, tokio: runtime() };
        field.tokio.block_on(async { field.store(1).await.close().await });
        field.postgres.change(IDS);
        field
    }

    pub(crate) fn new(cluster: &Cluster, rows: usize) -> Self {
        let field = Self { rows, due: rows / 2, ..Self::empty(cluster) };
        let insert = "INSERT INTO repository (remote, reference, created_at)
             SELECT 'https://git.example.invalid/' || number, '', 0 FROM generate_series(1, {rows}) AS number";
        field.postgres.change(&insert.replace("{rows}", &rows.to_string()));
        field.postgres.change(FILL);
        field.settle_down();
        field
    }

    /// Leaves nothing for the server to tidy up in the middle of a measurement.
    pub(crate) fn settle_down(&self) {
        self.postgres.change("VACUUM ANALYZE");
        self.postgres.change("CHECKPOINT");
    }

    /// Refills the queue where fewer jobs than this are due, which are then used up.
    pub(crate) fn have_due(&mut self, jobs: usize) {
        if self.due < jobs {
            self.postgres.change(FILL);
            self.settle_down();
            self.due = self.rows / 2;
        }
        self.due -= jobs;
    }

    /// A setting of every connection to it that is made from now on.
    pub(crate) fn set(&self, name: &str, value: &str) {
        self.postgres.change(&format!(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET {name} TO {value}', current_database()); END $$"
        ));
    }

    /// The store as a pipeline opens it.
    pub(crate) async fn store(&self, connections_max: u32) -> Store {
        let options = PostgresOptions { connections_max, ..PostgresOptions::default() };
        Store::open(self.postgres.url(), Role::Pipeline, &options).await.expect("the server runs")
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}
