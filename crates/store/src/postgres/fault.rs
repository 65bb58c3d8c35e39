//! What PostgreSQL and sqlx report, translated at one door.

use crate::error::{StoreError, StoreErrorKind};
use crate::sql::Fault;

/// The five characters of a database's error.
pub(super) fn code(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}

/// An error of the configuration.
pub(super) fn unusable(message: impl Into<String>) -> StoreError {
    StoreError::new(StoreErrorKind::Broken, message)
}

/// A lost race for a unique row (23505), a row that went while it was pointed at (23503), a serialisation failure
/// (40001), a deadlock (40P01): made again, the transaction will see what the others did. A connection that was ended
/// (57P01, 57P02, 57P05, or without a word): the pool has others.
pub(super) fn passes(fault: &Fault) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let Fault::Sql(error) = fault else { return false };
    if let sqlx::Error::Io(error) = error {
        return [BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof].contains(&error.kind());
    }
    let passing = ["23505", "23503", "40001", "40P01", "57P01", "57P02", "57P05"];
    code(error).is_some_and(|code| passing.contains(&&*code))
}

/// The sentence about the database at `place`.
pub(super) fn at(place: &str, fault: Fault) -> StoreError {
    use StoreErrorKind::{Broken, Busy, Damaged, Full, Gone, ReadOnly};
    let error = match fault {
        Fault::Store(error) => return error,
        Fault::Sql(error) => error,
    };
    let code = code(&error).unwrap_or_default();
    let (kind, message) = match (&error, &*code) {
        (sqlx::Error::PoolClosed, _) => (Gone, format!("{place} was closed by this process")),
        (sqlx::Error::PoolTimedOut, _) => {
            (Busy, format!("{place} gave no connection in time: it is down, or all its connections are in use"))
        }
        (sqlx::Error::Io(error), _) => {
            (Busy, format!("{place} cannot be reached ({error}): check that it runs and that this machine may connect"))
        }
        (sqlx::Error::Tls(error), _) => (
            Broken,
            format!("{place} cannot be reached over TLS ({error}): check `sslmode` and `sslrootcert` in the URL"),
        ),
        (_, "53300") => (Busy, format!("{place} has no connection left: raise its max_connections or use a pooler")),
        (_, "57P01" | "57P02" | "57P03" | "57P05") => {
            (Busy, format!("{place} closed the connection or is starting: again in a moment"))
        }
        (_, "40001" | "40P01" | "23505" | "55P03" | "57014") => {
            (Busy, format!("{place} is busy: others are writing the same; again in a moment"))
        }
        (_, "53100") => (Full, format!("no space is left for {place}: free some and run the same command again")),
        (_, "25006") => (ReadOnly, format!("{place} is a standby that cannot be written: name its primary")),
        (_, "XX001" | "XX002") => (Damaged, format!("{place} is damaged ({error}): restore it from a backup")),
        (_, "28000" | "28P01") => (Broken, format!("{place} refuses this user or its password: check the URL")),
        (_, "3D000") => (Gone, format!("{place} does not exist: create it, or name another")),
        (_, "42501") => (ReadOnly, format!("{place} forbids this to its user ({error}): grant it CREATE and USAGE")),
        (_, "42704") => (Broken, format!("{place} is too old ({error}): PostgreSQL 14 or newer is needed")),
        (error, "08P01") if error.to_string().contains("startup parameter") => (Broken, pooler(place)),
        _ => (Broken, format!("{place} gave an unexpected answer: {error}")),
    };
    StoreError::new(kind, message)
}

/// The sentence about a pooler in between.
pub(super) fn pooler(place: &str) -> String {
    format!(
        "{place} is behind a connection pooler that does not keep sessions: name the server itself in \
         `[database] lock_url`"
    )
}
