//! The folder of one mirror on disk, and what may lie in it.
//!
//! ```text
//! NAME-HASH/lock     locked by the process that uses the mirror; its modification time is the last use
//! NAME-HASH/g3.git   the mirror: a bare repository; a higher number replaces a lower one
//! NAME-HASH/new.git  a renewal in the making
//! ```
//!
//! A renewed mirror is a new generation beside the old one, so readers of the old one are not disturbed; it goes when
//! the last of them does. The rename of `new.git` to the next number is the moment at which it counts.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use crate::digest::digest;
use crate::kept::KEPT;
use crate::{GitError, Options, Remote, repository};

const LOCK: &str = "lock";
const NEW: &str = "new.git";
/// In a generation that is to be replaced at the next fetch.
const DAMAGED: &str = "damaged";

/// One bare repository in the folder.
pub(crate) struct Generation {
    pub(crate) path: PathBuf,
    pub(crate) number: u64,
    /// Whether its last user removes it from disk.
    replaced: AtomicBool,
}

impl Generation {
    /// How many packs it has: one per fetch that brought something.
    pub(crate) fn packs(&self) -> usize {
        let entries = fs::read_dir(self.path.join("objects/pack")).into_iter().flatten().flatten();
        entries.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "pack")).count()
    }

    /// Whether nothing was ever fetched into it, so that nothing in it can be damaged.
    pub(crate) fn is_blank(&self) -> bool {
        let kept = fs::read_dir(self.path.join(KEPT)).into_iter().flatten().count();
        self.path.exists() && kept == 0 && self.packs() == 0
    }

    /// Notes that an object is missing or damaged: the next fetch, by whatever process, starts anew.
    pub(crate) fn mark_damaged(&self) {
        mark_damaged(&self.path);
    }

    pub(crate) fn is_marked_damaged(&self) -> bool {
        self.path.join(DAMAGED).exists()
    }

    /// Has it removed from disk when its last user drops it.
    pub(crate) fn mark_replaced(&self) {
        self.replaced.store(true, Ordering::Relaxed);
    }
}

/// Notes that the generation at this path is to be replaced at the next fetch.
pub(crate) fn mark_damaged(generation: &Path) {
    if let Err(error) = File::create(generation.join(DAMAGED)) {
        tracing::warn!(path = %generation.display(), %error, "cannot mark the mirror as damaged");
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        if self.replaced.load(Ordering::Relaxed) {
            // Whoever takes the mirror next removes what is left.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// The lock of a folder. It is released by word, not by closing the file: a program that another thread is just
/// starting holds copies of all our files for a moment, and with them the lock.
pub(crate) struct Lock(File);

impl Lock {
    /// Notes that the mirror is used now.
    pub(crate) fn touch(&self) -> io::Result<()> {
        self.0.set_modified(SystemTime::now())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // If this fails, closing releases the lock.
        let _ = self.0.unlock();
    }
}

/// The name of a remote's folder: readable, and different for every URL.
pub(crate) fn name_of(remote: &Remote) -> String {
    let hash = digest(remote.url().as_bytes());
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
    let name: String = remote.name().chars().map(safe).take(40).collect();
    format!("{name}-{hash}")
}

/// Makes the folder if need be and locks it for this process; `None` when another process holds it. The lock dies with
/// the process.
pub(crate) fn lock(folder: &Path) -> io::Result<Option<Lock>> {
    fs::create_dir_all(folder)?;
    let file = File::options().create(true).truncate(false).write(true).open(folder.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Lock(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// When the mirror was last taken.
pub(crate) fn last_used(folder: &Path) -> SystemTime {
    let modified = folder.join(LOCK).metadata().and_then(|lock| lock.modified());
    modified.unwrap_or(SystemTime::UNIX_EPOCH)
}

/// The generation to use, made if there is none yet. Only under the lock: removes what dead processes left behind.
pub(crate) fn settle(folder: &Path, options: &Options) -> Result<Generation, GitError> {
    let mut newest = None;
    for number in numbers(folder).map_err(|error| GitError::disk("read the mirror", folder, &error))? {
        newest = newest.max(Some(number));
    }
    sweep(folder, newest).map_err(|error| GitError::disk("clean the mirror", folder, &error))?;
    match newest {
        Some(number) => Ok(generation(folder, number)),
        None => {
            begin(folder, options)?;
            adopt(folder, 1)
        }
    }
}

/// Makes an empty repository beside the one in use.
pub(crate) fn begin(folder: &Path, options: &Options) -> Result<PathBuf, GitError> {
    let path = folder.join(NEW);
    remove(&path).map_err(|error| GitError::disk("clean the mirror", &path, &error))?;
    repository::create(&path, options)?;
    Ok(path)
}

/// Makes the repository that [`begin`] started the next generation.
pub(crate) fn adopt(folder: &Path, number: u64) -> Result<Generation, GitError> {
    let next = generation(folder, number);
    fs::rename(folder.join(NEW), &next.path)
        .map_err(|error| GitError::disk("move the mirror to", &next.path, &error))?;
    Ok(next)
}

/// The names of the generations in a folder.
fn numbers(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        numbers.extend(number_of(&entry?.file_name()));
    }
    Ok(numbers)
}

/// Whether this is a generation, or a renewal in the making.
pub(crate) fn is_part(name: &OsStr) -> bool {
    name == NEW || number_of(name).is_some()
}

fn number_of(name: &OsStr) -> Option<u64> {
    name.to_str()?.strip_prefix('g')?.strip_suffix(".git")?.parse().ok()
}

/// The path of one generation.
fn path_of(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("g{number}.git"))
}

/// The generation of this number.
pub(crate) fn generation(folder: &Path, number: u64) -> Generation {
    Generation { path: path_of(folder, number), number, replaced: AtomicBool::new(false) }
}

/// Removes older generations, an unfinished new one, and in the newest what a process killed in a fetch leaves.
fn sweep(folder: &Path, newest: Option<u64>) -> io::Result<()> {
    remove(&folder.join(NEW))?;
    let Some(newest) = newest else { return Ok(()) };
    for old in numbers(folder)?.into_iter().filter(|number| *number != newest) {
        remove(&path_of(folder, old))?;
    }
    tidy(&path_of(folder, newest))
}

/// Removes what a process killed in a fetch leaves: lock files, which gix would wait for in vain and call temporary for
/// ever, and half-written packs. Nobody may be fetching.
pub(crate) fn tidy(generation: &Path) -> io::Result<()> {
    let mut open = vec![generation.to_owned()];
    while let Some(directory) = open.pop() {
        // Elsewhere a ref may be called so.
        let packs = directory.ends_with("objects/pack");
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.as_encoded_bytes();
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            } else if name.ends_with(b".lock") || packs && (name.starts_with(b".tmp") || name.ends_with(b".keep")) {
                tracing::info!(path = %entry.path().display(), "removing a file that a dead process left in a mirror");
                fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
