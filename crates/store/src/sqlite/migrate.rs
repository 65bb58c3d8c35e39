//! The schema: brought to this version by the pipeline, created by whoever comes first.

use std::path::Path;

use sqlx::{SqliteConnection, SqlitePool};

use crate::error::StoreError;
use crate::sql::{APPLIED, Fault, Schema, Step, migrator};

pub(super) const MIGRATIONS: &[Step] = &[
    (1, "queue and cache", include_str!("../../migrations/sqlite/0001_queue_and_cache.sql")),
    (2, "daemon", include_str!("../../migrations/sqlite/0002_daemon.sql")),
];

/// The last of them.
const VERSION: i64 = MIGRATIONS[MIGRATIONS.len() - 1].0;

/// What the file holds.
pub(super) async fn schema(conn: &mut SqliteConnection) -> Result<Schema, sqlx::Error> {
    let (tables, ours): (i64, i64) =
        sqlx::query_as("SELECT count(*), coalesce(sum(name = '_sqlx_migrations'), 0) FROM sqlite_schema")
            .fetch_one(&mut *conn)
            .await?;
    match (tables, ours) {
        (0, _) => Ok(Schema::Empty),
        (_, 0) => Ok(Schema::Foreign),
        _ => {
            let applied = sqlx::query_as(APPLIED).fetch_all(conn).await?;
            Ok(Schema::of(&applied, MIGRATIONS))
        }
    }
}

/// Refuses every schema but this version's.
pub(super) fn check(schema: Schema, path: &Path) -> Result<(), StoreError> {
    schema.check(VERSION, &path.display().to_string())
}

/// Creates the schema, and, where `upgrade`, brings an older one up to this version: in one transaction, so that two
/// processes that start at once do it once.
pub(super) async fn migrate(pool: &SqlitePool, path: &Path, upgrade: bool) -> Result<(), Fault> {
    let found = schema(&mut *pool.acquire().await?).await?;
    if found == Schema::Version(VERSION) {
        return Ok(());
    }
    let mut tx = pool.begin_with("BEGIN IMMEDIATE").await?;
    if schema(&mut tx).await?.is_behind(VERSION, upgrade, &path.display().to_string())? {
        migrator(MIGRATIONS).run_direct(None, &mut *tx, false).await.map_err(sqlx::Error::from)?;
    }
    check(schema(&mut tx).await?, path)?;
    Ok(tx.commit().await?)
}
