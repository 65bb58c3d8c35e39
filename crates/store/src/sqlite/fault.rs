//! What SQLite and sqlx report, translated at one door.

use std::fs::File;
use std::path::Path;

use rustix::io::Errno;

use crate::error::{StoreError, StoreErrorKind};
use crate::sql::Fault;

/// SQLite's result code without its extension.
pub(super) fn code(error: &sqlx::Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

pub(super) const BUSY: i32 = 5;
const LOCKED: i32 = 6;
pub(super) const READONLY: i32 = 8;
const IOERR: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
pub(super) const CANTOPEN: i32 = 14;
const NOTADB: i32 = 26;

/// The sentence about the file at `path`.
pub(super) fn at(path: &Path, fault: Fault) -> StoreError {
    let error = match fault {
        Fault::Store(error) => return error,
        Fault::Sql(error) => error,
    };
    let file = path.display();
    let (kind, message) = match (&error, code(&error)) {
        (_, Some(BUSY | LOCKED)) | (sqlx::Error::PoolTimedOut, _) => {
            (StoreErrorKind::Busy, format!("{file} is busy: others are writing to it; try again in a moment"))
        }
        (_, Some(CORRUPT | NOTADB)) => (StoreErrorKind::Damaged, damaged(path)),
        (_, Some(READONLY)) => {
            (StoreErrorKind::ReadOnly, format!("{file} cannot be written: make it and its directory writable"))
        }
        (_, Some(IOERR)) => (
            StoreErrorKind::Broken,
            format!("{file} cannot be read or written ({error}): check its disk and the space that is left"),
        ),
        (_, Some(FULL)) => {
            (StoreErrorKind::Full, format!("no space is left for {file}: free some and run the same command again"))
        }
        (_, Some(CANTOPEN)) => return cannot_open(path),
        (sqlx::Error::PoolClosed, _) => (StoreErrorKind::Gone, format!("{file} was closed by this process")),
        (sqlx::Error::Io(error), _) => return io(path, error),
        _ => (StoreErrorKind::Broken, format!("{file} gave an unexpected answer: {error}")),
    };
    StoreError::new(kind, message)
}

/// SQLite does not tell why it cannot open a file; the system does.
fn cannot_open(path: &Path) -> StoreError {
    if let Err(error) = File::open(path)
        && is_lack(&error)
    {
        return io(path, &error);
    }
    let message = format!("{} cannot be opened: make it and its directory readable and writable", path.display());
    StoreError::new(StoreErrorKind::ReadOnly, message)
}

/// The process has too many files open, or the user too many threads.
fn is_lack(error: &std::io::Error) -> bool {
    let code = |errno: Errno| Some(errno.raw_os_error());
    [Errno::MFILE, Errno::NFILE, Errno::AGAIN].iter().any(|errno| error.raw_os_error() == code(*errno))
}

/// The sentence for a damaged file.
pub(super) fn damaged(path: &Path) -> String {
    format!(
        "{} is damaged: move it away (with its -wal and -shm files) and warm again, which builds it anew",
        path.display()
    )
}

/// An error of the file system about `path`.
pub(super) fn io(path: &Path, error: &std::io::Error) -> StoreError {
    use std::io::ErrorKind;
    let place = path.display();
    if is_lack(error) {
        let way_out = "raise what this process may have open (`ulimit -n`, LimitNOFILE= of systemd) and start (`ulimit \
            -u`, TasksMax=)";
        return StoreError::new(StoreErrorKind::Broken, format!("{place} cannot be used ({error}): {way_out}"));
    }
    let (kind, way_out) = match error.kind() {
        ErrorKind::NotFound => (StoreErrorKind::Gone, "create it, or name another place"),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            (StoreErrorKind::ReadOnly, "make it writable, or name another place")
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => (StoreErrorKind::Full, "free some space"),
        _ => (StoreErrorKind::Broken, "name another place"),
    };
    StoreError::new(kind, format!("{place} cannot be used ({error}): {way_out}"))
}
