//! The schema: brought to this version by the pipeline, created by whoever comes first.

use std::path::Path;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{SqliteConnection, SqlitePool};

use super::fault::Fault;
use crate::error::{StoreError, StoreErrorKind};

/// Append only; a released migration is never edited.
const MIGRATIONS: &[(i64, &str, &str)] =
    &[(1, "queue and cache", include_str!("../../migrations/sqlite/0001_queue_and_cache.sql"))];

/// The last of them.
const VERSION: i64 = MIGRATIONS[MIGRATIONS.len() - 1].0;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Schema {
    /// Nothing yet.
    Empty,
    /// Tables of something else.
    Foreign,
    /// Ours, brought to this version.
    Version(i64),
}

/// What the file holds.
pub(super) async fn schema(conn: &mut SqliteConnection) -> Result<Schema, sqlx::Error> {
    let (tables, ours): (i64, i64) =
        sqlx::query_as("SELECT count(*), coalesce(sum(name = '_sqlx_migrations'), 0) FROM sqlite_schema")
            .fetch_one(&mut *conn)
            .await?;
    match (tables, ours) {
        (0, _) => Ok(Schema::Empty),
        (_, 0) => Ok(Schema::Foreign),
        _ => sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM _sqlx_migrations WHERE success")
            .fetch_one(conn)
            .await
            .map(Schema::Version),
    }
}

/// Refuses every schema but this version's.
pub(super) fn check(schema: Schema, path: &Path) -> Result<(), StoreError> {
    let file = path.display();
    match schema {
        Schema::Version(VERSION) => Ok(()),
        Schema::Version(newer) if newer > VERSION => Err(StoreError::new(
            StoreErrorKind::Newer,
            format!("{file} was written by a newer version (schema {newer}, this one knows {VERSION}): use that one"),
        )),
        Schema::Version(_) | Schema::Empty => Err(StoreError::new(
            StoreErrorKind::Older,
            format!("{file} is not yet of this version: a warm with this version brings it up to date"),
        )),
        Schema::Foreign => Err(foreign(path)),
    }
}

fn foreign(path: &Path) -> StoreError {
    let message = format!("{} is a database of something else: name another file", path.display());
    StoreError::new(StoreErrorKind::Broken, message)
}

/// Creates the schema, and, where `upgrade`, brings an older one up to this version: in one transaction, so that two
/// processes that start at once do it once.
pub(super) async fn migrate(pool: &SqlitePool, path: &Path, upgrade: bool) -> Result<(), Fault> {
    let mut tx = pool.begin_with("BEGIN IMMEDIATE").await?;
    let wanted = match schema(&mut tx).await? {
        Schema::Empty => true,
        Schema::Version(version) => upgrade && version < VERSION,
        Schema::Foreign => return Err(foreign(path).into()),
    };
    if wanted {
        let steps = MIGRATIONS.iter().map(|&(version, name, sql)| {
            Migration::new(version, name.into(), MigrationType::Simple, sqlx::SqlStr::from_static(sql), false)
        });
        let migrator = Migrator::with_migrations(steps.collect());
        migrator.run_direct(None, &mut *tx, false).await.map_err(sqlx::Error::from)?;
    }
    check(schema(&mut tx).await?, path)?;
    Ok(tx.commit().await?)
}
