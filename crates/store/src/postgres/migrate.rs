//! The schema: brought to this version by the pipeline, created by whoever comes first.

use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, PgPool};

use super::answer::answered;
use super::options::{LIMITS, Settings};
use crate::sql::{APPLIED, Fault, Schema, Step, migrator};

pub(super) const MIGRATIONS: &[Step] =
    &[(1, "queue and cache", include_str!("../../migrations/postgres/0001_queue_and_cache.sql"))];

/// The last of them.
const VERSION: i64 = MIGRATIONS[MIGRATIONS.len() - 1].0;

/// What our schema holds.
async fn schema(conn: &mut PgConnection, name: &str) -> Result<Schema, sqlx::Error> {
    const TABLES: &str = "
        SELECT count(*), count(*) FILTER (WHERE relname = '_sqlx_migrations') FROM pg_class
        WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) AND relkind IN ('r', 'p', 'v')";
    let (tables, ours): (i64, i64) = sqlx::query_as(TABLES).persistent(false).bind(name).fetch_one(&mut *conn).await?;
    match (tables, ours) {
        (0, _) => Ok(Schema::Empty),
        (_, 0) => Ok(Schema::Foreign),
        _ => {
            let applied = sqlx::query_as(APPLIED).persistent(false).fetch_all(conn).await?;
            Ok(Schema::of(&applied, MIGRATIONS))
        }
    }
}

/// Begins a transaction in our schema, whatever the connection saw last.
pub(super) fn begin(settings: &Settings) -> String {
    let limits = LIMITS.map(|(name, limit)| format!("SET LOCAL {name} TO '{limit}'")).join("; ");
    // The name is plain: see `Settings::new`.
    let schema = &settings.options.schema;
    format!("BEGIN; SET LOCAL search_path TO {schema}; SET LOCAL jit TO off; {limits}")
}

/// Refuses every schema but this version's.
pub(super) async fn check(pool: &PgPool, settings: &Settings) -> Result<(), Fault> {
    let found = async {
        let mut tx = pool.begin_with(AssertSqlSafe(begin(settings))).await?;
        schema(&mut tx, &settings.options.schema).await
    };
    Ok(answered(Some(settings.options.answer_max), found).await?.check(VERSION, &settings.name)?)
}

/// Creates the schema, and, where `upgrade`, brings an older one up to this version: in one transaction and under a
/// lock, so that instances that start at once do it once. On a direct connection: it leaves prepared statements behind.
pub(super) async fn migrate(settings: &Settings, upgrade: bool) -> Result<(), Fault> {
    let (schema_name, name) = (&settings.options.schema, &settings.name);
    let mut connection = answered(Some(settings.options.connect_timeout), settings.lock.connect()).await?;
    let mut tx = connection.begin_with(AssertSqlSafe(begin(settings))).await?;
    let lock = sqlx::query("SELECT pg_advisory_xact_lock($1, 0)").persistent(false).bind(settings.upkeep());
    lock.execute(&mut *tx).await?;
    if schema(&mut tx, schema_name).await?.is_behind(VERSION, upgrade, name)? {
        let create = AssertSqlSafe(format!("CREATE SCHEMA IF NOT EXISTS {schema_name}"));
        sqlx::raw_sql(create).execute(&mut *tx).await?;
        migrator(MIGRATIONS).run_direct(None, &mut *tx, false).await.map_err(sqlx::Error::from)?;
    }
    schema(&mut tx, schema_name).await?.check(VERSION, name)?;
    tx.commit().await?;
    Ok(connection.close().await?)
}
