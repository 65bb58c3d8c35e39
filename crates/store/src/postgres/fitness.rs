//! Whether a server and its user will do: found out at the start, in one sentence, and not in the middle of the work.

use sqlx::{PgPool, Row as _};

use super::answer::answered;
use super::fault::unusable;
use super::options::Settings;
use crate::Role;
use crate::error::{StoreError, StoreErrorKind};
use crate::sql::Fault;

/// The oldest version with `idle_session_timeout`.
const VERSION_MIN: i32 = 14;

/// Refuses a server that is too old, a database whose texts are no UTF-8, and a standby where something is to be
/// written.
pub(super) async fn check(pool: &PgPool, settings: &Settings, role: Role) -> Result<(), Fault> {
    const FACTS: &str = "SELECT current_setting('server_version_num')::int4 / 10000 AS version,
        current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS standby";
    let asked = sqlx::query(FACTS).persistent(false);
    let facts = answered(Some(settings.options.answer_max), asked.fetch_one(pool)).await?;
    let (version, encoding): (i32, String) = (facts.try_get("version")?, facts.try_get("encoding")?);
    let name = &settings.name;
    if version < VERSION_MIN {
        return Err(unusable(format!("{name} runs PostgreSQL {version}: {VERSION_MIN} or newer is needed")).into());
    }
    if encoding != "UTF8" {
        return Err(unusable(format!(
            "{name} has the encoding {encoding}, and paths and sources are UTF-8: make one by CREATE DATABASE with \
            ENCODING \
             'UTF8' TEMPLATE template0, and name that"
        ))
        .into());
    }
    if role != Role::Reader && facts.try_get("standby")? {
        let message = format!("{name} is a standby that cannot be written: name its primary");
        return Err(StoreError::new(StoreErrorKind::ReadOnly, message).into());
    }
    Ok(())
}

/// Refuses a user who may not change one of our tables.
pub(super) async fn check_rights(pool: &PgPool, settings: &Settings) -> Result<(), Fault> {
    const FORBIDDEN: &str = "
        SELECT relname::text FROM pg_class
        WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1)
            AND relkind = 'r' AND relname <> '_sqlx_migrations'
            AND NOT (has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
                AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE'))
        ORDER BY relname LIMIT 1";
    let schema = &settings.options.schema;
    let asked = sqlx::query_scalar(FORBIDDEN).persistent(false).bind(schema);
    let forbidden: Option<String> = answered(Some(settings.options.answer_max), asked.fetch_optional(pool)).await?;
    let Some(table) = forbidden else { return Ok(()) };
    let message = format!(
        "{} does not let its user read and change the table {schema}.{table}: GRANT SELECT, INSERT, UPDATE, DELETE ON \
        ALL TABLES \
         IN SCHEMA {schema}, or name the user who owns them",
        settings.name
    );
    Err(StoreError::new(StoreErrorKind::ReadOnly, message).into())
}
