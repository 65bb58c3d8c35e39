//! Keeps the mirrors under their bound on disk: the least recently used go first, one in use never.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use crate::folder;
use crate::lease::Registry;

/// What evicted mirrors are called until they are deleted.
const GONE: &str = ".gone-";

struct Candidate {
    last_used: SystemTime,
    folder: PathBuf,
    bytes: u64,
}

/// Deletes mirrors under `root` until the rest has at most `bytes_max` bytes, or only mirrors in use are left.
pub(crate) fn evict(root: &Path, bytes_max: u64, registry: &Registry) {
    let mut candidates: Vec<Candidate> = folders(root).map(candidate).collect();
    candidates.sort_by_key(|candidate| candidate.last_used);
    let mut total: u64 = candidates.iter().map(|candidate| candidate.bytes).sum();
    for candidate in candidates.iter().filter(|candidate| candidate.bytes > 0) {
        if total <= bytes_max {
            break;
        }
        registry.if_unused(&candidate.folder, || {
            tracing::info!(mirror = %candidate.folder.display(), bytes = candidate.bytes, "evicting a mirror");
            set_aside(root, &candidate.folder);
            total -= candidate.bytes;
        });
    }
    delete_what_is_gone(root);
}

/// Renames instead of deleting: that takes no time under the registry's mutex. The lock file stays, for removing it
/// while another process opens it would give two processes a lock each.
fn set_aside(root: &Path, mirror: &Path) {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    for number in folder::numbers(mirror).unwrap_or_default() {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let gone = root.join(format!("{GONE}{}-{count}", std::process::id()));
        if let Err(error) = fs::rename(folder::path_of(mirror, number), gone) {
            tracing::warn!(mirror = %mirror.display(), %error, "cannot evict a mirror");
        }
    }
}

/// Also what another process set aside and had no time to delete. Two may delete the same: neither minds.
fn delete_what_is_gone(root: &Path) {
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(GONE.as_bytes()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn folders(root: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let known = |entry: &fs::DirEntry| !entry.file_name().as_encoded_bytes().starts_with(GONE.as_bytes());
    entries.filter(known).map(|entry| entry.path()).filter(|path| path.is_dir())
}

fn candidate(folder: PathBuf) -> Candidate {
    Candidate { last_used: folder::last_used(&folder), bytes: bytes_in(&folder), folder }
}

/// The bytes of all files below a folder; what vanishes meanwhile counts nothing.
fn bytes_in(folder: &Path) -> u64 {
    let mut bytes = 0;
    let mut open = vec![folder.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(found) if found.is_dir() => open.push(entry.path()),
                Ok(found) => bytes += found.len(),
                Err(_) => {}
            }
        }
    }
    bytes
}
