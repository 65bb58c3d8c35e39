//! Opening the file in one of four roles.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use rustix::fs::Access;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, SqlitePool};

use super::fault::{self, BUSY, CANTOPEN, READONLY, code, io};
use super::{Sqlite, Writer, migrate, network};
use crate::error::{StoreError, StoreErrorKind};
use crate::job::{ClaimId, InstanceId};
use crate::sql::{
    AtomicCounters, Base as _, Connection as _, Fault, Limits, Row as _, Writing as _, attempt_count, settle, unpin,
};

/// What a process does with the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Claims jobs and warms: one at a time. Creates and migrates the file, and takes over from a pipeline that died.
    Pipeline,
    /// Runs one job for a pipeline, which holds the lock and has the claim: it writes, and leaves everything else to
    /// that.
    Child,
    /// Writes briefly, also beside a pipeline. Creates the file, but leaves migrating to the pipeline.
    Writer,
    /// Reads, at any time.
    Reader,
}

/// What may differ between installations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Open it though it lies on a network file system; for those who know that only one machine does.
    pub allow_network_fs: bool,
    /// How long to wait for another process that writes.
    pub busy_timeout: Duration,
    /// Attempts that end in an error before the repository is dead.
    pub attempts_max: u32,
    /// Child processes that may die of a job before its repository is in quarantine.
    pub child_deaths_max: u32,
    /// The name of this machine, which an instance gives to others; empty where it has none.
    pub host: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            allow_network_fs: false,
            busy_timeout: Duration::from_secs(10),
            attempts_max: 5,
            child_deaths_max: 3,
            host: String::new(),
        }
    }
}

/// Of a process that only reads.
const READERS_MAX: u32 = 4;
/// Of a process that writes, beside the writer's own. Each keeps up to 1 MiB of pages.
const BESIDE_MAX: u32 = 2;
/// Waiting for this process's own writer: longer than any transaction takes, shorter than for ever.
const ACQUIRE_MAX: Duration = Duration::from_secs(60);
/// Rows that SQLite's thread may be ahead of the reader; 50, sqlx's default, makes a long scan a third slower.
const ROWS_AHEAD: usize = 1024;

/// Whether a process ended without a word; after an orderly end there is nothing to take over, and nothing to write.
const LEFT_BEHIND: &str = "
    SELECT EXISTS (SELECT 1 FROM job WHERE state = 'running' OR pinned IS NOT NULL)
        OR EXISTS (SELECT 1 FROM instance WHERE state = 'alive') AS any";

impl Sqlite {
    /// Opens `path` with the default [`Options`].
    ///
    /// # Errors
    /// As [`Sqlite::open_with`].
    pub async fn open(path: &Path, role: Role) -> Result<Self, StoreError> {
        Self::open_with(path, role, &Options::default()).await
    }

    /// Opens `path`. The directory is created where the role writes.
    ///
    /// # Errors
    /// [`StoreErrorKind::Locked`]: another process is the pipeline. `Empty`: nothing there to read. `NetworkFs`,
    /// `ReadOnly`, `Full`, `Damaged`, `Newer`, `Older`: as they say.
    pub async fn open_with(path: &Path, role: Role, options: &Options) -> Result<Self, StoreError> {
        let path = plain(path)?;
        let opened = match role {
            Role::Reader => reader(&path, options).await.map(|readers| (readers, None, None)),
            Role::Writer | Role::Pipeline | Role::Child => writer(&path, role, options).await,
        };
        let (readers, writer, lock) = opened.map_err(|fault| fault::at(&path, fault))?;
        let store = Self {
            identity: identity(&path),
            path: Arc::from(path),
            readers,
            writer: writer.map(|pool| Writer { pool, turn: Arc::default() }),
            limits: Limits { attempts_max: options.attempts_max, child_deaths_max: options.child_deaths_max },
            host: Arc::from(options.host.as_str()),
            slots: Arc::default(),
            counters: AtomicCounters::default(),
            changed: AtomicBool::new(false),
            _lock: lock,
        };
        if role == Role::Pipeline {
            store.door(store.take_over().await)?;
        }
        Ok(store)
    }

    /// The pipeline's lock is ours, so whatever still runs belongs to a process that died.
    pub(super) async fn take_over(&self) -> Result<(), Fault> {
        if !self.read().await?.one(LEFT_BEHIND, &[]).await?.flag("any")? {
            return Ok(());
        }
        let mut tx = self.write().await?;
        let running = tx.all("SELECT claim FROM job WHERE state = 'running' ORDER BY id", &[]).await?;
        let claims: Vec<ClaimId> =
            running.iter().map(|row| row.id("claim").map(ClaimId)).collect::<sqlx::Result<_>>()?;
        let orphans = settle::crashed(&mut *tx, &claims).await?;
        tx.run("UPDATE instance SET state = 'dead' WHERE state = 'alive'", &[]).await?;
        tx.run("DELETE FROM refusal", &[]).await?;
        let pinned = "SELECT DISTINCT pinned FROM job WHERE state = 'queued' AND pinned IS NOT NULL";
        for row in tx.all(pinned, &[]).await? {
            unpin(&mut *tx, InstanceId(row.id("pinned")?)).await?;
        }
        attempt_count::crashed(&mut *tx, orphans.refreshes).await?;
        tx.commit().await?;
        if orphans.jobs > 0 {
            tracing::warn!(jobs = orphans.jobs, "an earlier process died; its running jobs returned to the queue");
        }
        Ok(())
    }
}

/// What tells a file from every other that exists or is open: its device and inode. `None` where there is none.
pub(super) fn identity(path: &Path) -> Option<(u64, u64)> {
    path.metadata().ok().map(|found| (found.dev(), found.ino()))
}

/// Absolute, so that no name is taken for a URI (`file:…`) or for memory (`:memory:`).
fn plain(path: &Path) -> Result<PathBuf, StoreError> {
    let path = std::path::absolute(path).map_err(|error| io(path, &error))?;
    if path.to_str().is_none() {
        let message = format!("{} is not UTF-8: name a path that is", path.display());
        return Err(StoreError::new(StoreErrorKind::Broken, message));
    }
    Ok(path)
}

async fn reader(path: &Path, options: &Options) -> Result<SqlitePool, Fault> {
    if !path.exists() {
        let message = format!("there is no cache at {} yet: `warmer warm` makes it", path.display());
        return Err(StoreError::new(StoreErrorKind::Empty, message).into());
    }
    let shared = connect(path, options).read_only(true);
    let pool = match readers(shared.clone()).await {
        Ok(pool) => pool,
        // In a directory where the shared memory of the log cannot be made, and without a log, the file is all there
        // is.
        Err(error) if matches!(code(&error), Some(CANTOPEN | READONLY)) && !has_log(path) => {
            readers(shared.immutable(true)).await?
        }
        Err(error) => return Err(error.into()),
    };
    migrate::check(migrate::schema(&mut *pool.acquire().await?).await?, path)?;
    Ok(pool)
}

/// A pool that has read something: only then SQLite has really opened the file.
async fn readers(connect: SqliteConnectOptions) -> Result<SqlitePool, sqlx::Error> {
    let pool = pool(READERS_MAX).connect_with(connect).await?;
    sqlx::query("SELECT count(*) FROM sqlite_schema").execute(&pool).await?;
    Ok(pool)
}

fn has_log(path: &Path) -> bool {
    log_bytes(path) > 0
}

/// How long the write-ahead log is; 0 where there is none.
pub(super) fn log_bytes(path: &Path) -> u64 {
    beside(path, "-wal").metadata().map_or(0, |log| log.len())
}

type Opened = (SqlitePool, Option<SqlitePool>, Option<File>);

async fn writer(path: &Path, role: Role, options: &Options) -> Result<Opened, Fault> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    // The cache holds source text: what is created here is its owner's alone.
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| io(directory, &error))?;
    if !options.allow_network_fs {
        network::refuse(directory)?;
    }
    let lock = match role {
        Role::Pipeline => Some(lock(path)?),
        _ => None,
    };
    let create = OpenOptions::new().create(role != Role::Child).append(true).mode(0o600).open(path);
    create.map_err(|error| io(path, &error))?;
    // SQLite ends a transaction by itself when the disk is full, and sqlx then counts one too many for ever.
    let whole = |connection: &mut SqliteConnection| !connection.is_in_transaction();
    let writer = pool(1)
        .before_acquire(move |connection, _| Box::pin(std::future::ready(Ok(whole(connection)))))
        .connect_with(connect(path, options))
        .await?;
    write_ahead(&writer, options.busy_timeout).await?;
    if role == Role::Child {
        migrate::check(migrate::schema(&mut *writer.acquire().await?).await?, path)?;
    } else {
        migrate::migrate(&writer, path, role == Role::Pipeline).await?;
    }
    let readers = pool(BESIDE_MAX).connect_lazy_with(connect(path, options));
    Ok((readers, Some(writer), lock))
}

/// Takes the pipeline's lock; the system lets it go when the process ends, however it ends.
fn lock(path: &Path) -> Result<File, StoreError> {
    let place = beside(path, ".pipeline.lock");
    let open = OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(&place);
    let mut file = open.map_err(|error| io(&place, &error))?;
    match file.try_lock() {
        Ok(()) => {
            // For the sentence below; the lock holds without it, so a full disk is no matter here.
            let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => Err(locked(path, &mut file)),
        Err(TryLockError::Error(error)) => Err(io(&place, &error)),
    }
}

fn locked(path: &Path, file: &mut File) -> StoreError {
    let mut holder = String::new();
    let known = file.rewind().and_then(|()| file.read_to_string(&mut holder)).is_ok_and(|length| length > 0);
    let who = if known { format!("process {holder}") } else { "another process".to_owned() };
    StoreError::new(
        StoreErrorKind::Locked,
        format!(
            "{who} is already warming into {}: a `warmer run` takes what `warmer repos add` and `warmer enqueue` hand \
            it; else wait, or \
             name another data directory",
            path.display()
        ),
    )
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn pool(connections: u32) -> SqlitePoolOptions {
    // Connections to a file do not die of age, and asking one whether it lives would cost as much as a query.
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_MAX)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

fn connect(path: &Path, options: &Options) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(options.busy_timeout)
        .synchronous(SqliteSynchronous::Normal)
        .row_buffer_size(ROWS_AHEAD)
        // 1 MiB per connection: the system caches the file, and memory must not grow with it.
        .pragma("cache_size", "-1024")
        .pragma("temp_store", temporary())
        .pragma("wal_autocheckpoint", "8192") // 32 MiB: keys are random, so the same pages come again and again
        .pragma("journal_size_limit", "67108864") // a log that grew is cut back to 64 MiB
        .disable_statement_logging()
}

/// Where SQLite keeps what a large sort or a statement that may be undone does not fit into its cache: in a file, so
/// that memory does not grow with the repository. A system with nothing writable still works, in memory. These are
/// the places that SQLite itself tries.
fn temporary() -> &'static str {
    let usable = |place: &&str| rustix::fs::access(*place, Access::WRITE_OK | Access::EXEC_OK).is_ok();
    if ["/var/tmp", "/usr/tmp", "/tmp", "."].iter().any(usable) { "FILE" } else { "MEMORY" }
}

/// Switches the file to a write-ahead log, once in its life. SQLite does not wait for others here by itself.
async fn write_ahead(pool: &SqlitePool, patience: Duration) -> Result<(), sqlx::Error> {
    let until = Instant::now() + patience;
    loop {
        match sqlx::query_scalar::<_, String>("PRAGMA journal_mode = WAL").fetch_one(pool).await {
            Ok(_) => return Ok(()),
            Err(error) if code(&error) == Some(BUSY) && Instant::now() < until => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(error) => return Err(error),
        }
    }
}
