//! What PostgreSQL and sqlx report, translated at one door.

use crate::error::{StoreError, StoreErrorKind};
use crate::sql::{Fault, Transient};

/// The five characters of a database's error.
pub(super) fn code(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}

/// An error of the configuration.
pub(super) fn unusable(message: impl Into<String>) -> StoreError {
    StoreError::new(StoreErrorKind::Broken, message)
}

/// A collision: a lost race for a unique row (23505), a row that went while it was pointed at (23503), a serialisation
/// failure (40001), a deadlock (40P01). An ended connection: by an administrator, a timeout or a crash (57P01, 57P02,
/// 57P05, 25P03, 25P04), by a pooler that lost its server (class 08), or without a word.
pub(super) fn transient(fault: &Fault) -> Option<Transient> {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let Fault::Sql(error) = fault else { return None };
    if let sqlx::Error::Io(error) = error {
        let ended = [BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof].contains(&error.kind());
        return ended.then_some(Transient::Disconnected);
    }
    match &*code(error)? {
        "23505" | "23503" | "40001" | "40P01" => Some(Transient::Collision),
        _ if is_refused_setting(error) => None,
        code if ended(code) => Some(Transient::Disconnected),
        _ => None,
    }
}

/// The server, or a pooler in its place, ended the connection.
fn ended(code: &str) -> bool {
    code.starts_with("08") || ["57P01", "57P02", "57P05", "25P03", "25P04"].contains(&code)
}

/// A pooler does not pass on what the connection was to be set to.
fn is_refused_setting(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| code == "08P01") && error.to_string().contains("startup parameter")
}

/// The sentence about the database at `name`.
pub(super) fn at(name: &str, fault: Fault) -> StoreError {
    use StoreErrorKind::{Broken, Busy, Damaged, Full, Gone, ReadOnly};
    let error = match fault {
        Fault::Store(error) => return error,
        Fault::Sql(error) => error,
    };
    let told = code(&error);
    let code = told.clone().unwrap_or_default();
    let (kind, message) = match (&error, &*code) {
        (sqlx::Error::PoolClosed, _) => (Gone, format!("{name} was closed by this process")),
        (sqlx::Error::PoolTimedOut, _) => {
            (Busy, format!("{name} gave no connection in time: it is down, or all its connections are in use"))
        }
        (sqlx::Error::Io(error), _) => {
            (Busy, format!("{name} cannot be reached ({error}): check that it runs and that this machine may connect"))
        }
        (sqlx::Error::Tls(error), _) => (
            Broken,
            format!("{name} cannot be reached over TLS ({error}): check `sslmode` and `sslrootcert` in the URL"),
        ),
        (_, "53300") => (Busy, format!("{name} has no connection left: raise its max_connections or use a pooler")),
        (sqlx::Error::Protocol(error), _) => {
            (Busy, format!("{name} does not speak as PostgreSQL does ({error}): a proxy, maybe, whose server is down"))
        }
        (error, _) if is_refused_setting(error) => (Broken, pooler(name)),
        (_, code) if code == "57P03" || ended(code) => {
            (Busy, format!("{name} closed the connection or is starting: try again in a moment"))
        }
        (_, "40001" | "40P01" | "23505" | "55P03" | "57014") => {
            (Busy, format!("{name} is busy: others are writing the same; try again in a moment"))
        }
        (_, "53100") => (Full, format!("no space is left for {name}: free some and run the same command again")),
        (_, "25006") => (
            ReadOnly,
            format!(
                "{name} cannot be written now: it is a standby, or default_transaction_read_only is on; name its \
                primary, or \
                 wait for the end of that"
            ),
        ),
        (_, "XX001" | "XX002") => (Damaged, format!("{name} is damaged ({error}): restore it from a backup")),
        (_, "28000" | "28P01") => (Broken, format!("{name} refuses this user or its password: check the URL")),
        (_, "3D000") => (Gone, format!("{name} does not exist: create it, or name another")),
        (error, "42501") => {
            (ReadOnly, format!("{name} forbids this to its user ({}): grant it that, or name another", said(error)))
        }
        (error, "42P01") => {
            (ReadOnly, format!("{name} hides a table from its user ({}): grant it USAGE on the schema", said(error)))
        }
        (_, "42704") => (Broken, format!("{name} is too old ({error}): PostgreSQL 14 or newer is needed")),
        (error, _) => (Broken, format!("{name} gave an unexpected answer: {}", said(error))),
    };
    StoreError::new(kind, message).with_code(told)
}

/// What the server itself says, without the line of its source.
fn said(error: &sqlx::Error) -> String {
    error.as_database_error().map_or_else(|| error.to_string(), |error| error.message().to_owned())
}

/// The sentence about a pooler in between.
pub(super) fn pooler(name: &str) -> String {
    format!(
        "{name} is behind a connection pooler that does not keep sessions: name the server itself in \
         `[database] lock_url`"
    )
}
