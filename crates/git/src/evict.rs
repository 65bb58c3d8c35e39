//! Keeps the mirrors under their bound on disk: the least recently used go first, one in use never.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use crate::folder;
use crate::registry::Registry;

/// What evicted mirrors are called until they are deleted.
const GONE: &str = ".gone-";

struct Candidate {
    last_used: SystemTime,
    folder: PathBuf,
    bytes: u64,
    /// What of it can go, with its bytes.
    parts: Vec<(PathBuf, u64)>,
}

/// Deletes mirrors under `root` until the rest has at most `bytes_max` bytes, or only mirrors in use are left.
pub(crate) fn evict(root: &Path, bytes_max: u64, registry: &Registry) {
    let mut candidates: Vec<Candidate> = folders(root).map(candidate).collect();
    candidates.sort_by_key(|candidate| candidate.last_used);
    let mut total: u64 = candidates.iter().map(|candidate| candidate.bytes).sum();
    for candidate in candidates.iter().filter(|candidate| !candidate.parts.is_empty()) {
        if total <= bytes_max {
            break;
        }
        registry.if_unused(&candidate.folder, || {
            let bytes =
                candidate.parts.iter().map(|(part, bytes)| if set_aside(root, part) { *bytes } else { 0 }).sum();
            tracing::info!(mirror = %candidate.folder.display(), bytes, "evicted a mirror");
            total = total.saturating_sub(bytes);
        });
    }
    delete_what_is_gone(root);
}

/// Renames instead of deleting: that takes no time under the registry's mutex. The lock file stays, for removing it
/// while another process opens it would give two processes a lock each. Gives whether it is gone.
fn set_aside(root: &Path, part: &Path) -> bool {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    // Processes of several containers may have the same id.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let gone = root.join(format!("{GONE}{}-{now}-{count}", std::process::id()));
    let renamed = fs::rename(part, gone).inspect_err(|error| {
        tracing::warn!(part = %part.display(), %error, "cannot evict a mirror");
    });
    renamed.is_ok()
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
    let (mut bytes, mut parts) = (0, Vec::new());
    for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        let size = bytes_in(&path);
        bytes += size;
        if folder::is_part(&name) {
            parts.push((path, size));
        }
    }
    Candidate { last_used: folder::last_used(&folder), folder, bytes, parts }
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
