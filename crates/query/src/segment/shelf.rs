//! Where segments lie: a directory for each repository and recipe, with a manifest that names the segments in use.
//!
//! ```text
//! DIRECTORY/<repository>-<when it was added>-<embedding>-<chunking>/manifest.json
//!                                                                  /<random>.segment
//!                                                                  /lock
//! ```
//!
//! A segment is written under another name, made durable, renamed, and never changed after that: a reader sees all of
//! it or nothing, and what it has mapped stays what it is though the name is taken away. The manifest is replaced after
//! the segments that it names. Whatever cannot be read is not there.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use warmer_content::Recipe;
use warmer_store::Repository;

use super::reader::Segment;
use super::state::State;

const MANIFEST: &str = "manifest.json";
const LOCK: &str = "lock";
/// What no manifest names is deleted when it is as old: until then a process may be about to name it.
const UNNAMED_MAX: Duration = Duration::from_hours(1);
/// A use is noted once in this time.
const USE_NOTED: Duration = Duration::from_mins(1);

/// Where the segments of all repositories lie, and how much they may take.
#[derive(Clone, Debug)]
pub struct SegmentFiles {
    /// The directory; it is made where it is missing.
    pub directory: PathBuf,
    /// Bytes of all files in it. The repositories that were not asked for the longest go first.
    pub bytes_max: u64,
}

/// The segments that are in use, the oldest first, and what they are of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// What is served by them.
    pub(super) state: State,
    /// How many of them are the base, which the others change.
    pub(super) bases: usize,
    /// Names of files.
    pub(super) segments: Vec<String>,
}

/// The directory of one repository and recipe.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    files: SegmentFiles,
    directory: PathBuf,
}

impl Shelf {
    /// The one of this repository. When it was added tells it from those of other databases.
    pub(super) fn of(files: &SegmentFiles, repository: &Repository, recipe: Recipe) -> Self {
        let added = repository.created_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let (embedding, chunking) = (recipe.embedding.0.short(), recipe.chunking.0.short());
        let name = format!("{}-{added:x}-{embedding}-{chunking}", repository.id.0);
        Self { directory: files.directory.join(name), files: files.clone() }
    }

    /// The manifest and the segments that it names, mapped; `None` where anything of it is missing or damaged.
    pub(super) fn open(&self) -> Option<(Manifest, Vec<Arc<Segment>>)> {
        let path = self.directory.join(MANIFEST);
        let manifest: Manifest = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
        let mut segments = vec![];
        for name in &manifest.segments {
            match Segment::open(&self.directory.join(name)) {
                Ok(segment) => segments.push(Arc::new(segment)),
                Err(error) => {
                    tracing::debug!(directory = %self.directory.display(), %error, "a segment is made anew");
                    return None;
                }
            }
        }
        note_use(&path);
        Some((manifest, segments))
    }

    /// Makes the directory, and keeps other processes from making the same segments for as long as the file is open.
    /// `None`: another is about to.
    pub(super) fn lock(&self) -> io::Result<Option<File>> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        let lock = File::options().create(true).truncate(false).write(true).open(self.directory.join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(lock)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Writes a segment; gives its name and itself.
    pub(super) fn put(&self, bytes: &[u8]) -> io::Result<(String, Segment)> {
        let name = format!("{}.segment", Uuid::new_v4().simple());
        self.write(&name, bytes, true)?;
        let segment = Segment::open(&self.directory.join(&name)).map_err(io::Error::other)?;
        Ok((name, segment))
    }

    /// Says which segments are in use from now on; takes away what is not, and what is more than all may take.
    pub(super) fn publish(&self, manifest: &Manifest) -> io::Result<()> {
        // One that a power cut leaves half written does not read; what it names is durable.
        self.write(MANIFEST, &serde_json::to_vec(manifest)?, false)?;
        let names: Vec<_> = manifest.segments.iter().map(String::as_str).chain([MANIFEST, LOCK]).collect();
        for file in listed(&self.directory)? {
            let named = file.path.file_name().and_then(|name| name.to_str()).is_some_and(|name| names.contains(&name));
            if !named && file.age() > UNNAMED_MAX {
                fs::remove_file(&file.path)?;
            }
        }
        self.make_room()
    }

    fn write(&self, name: &str, bytes: &[u8], durably: bool) -> io::Result<()> {
        let beside = self.directory.join(format!("{}.new", Uuid::new_v4().simple()));
        let written = File::create_new(&beside).and_then(|mut file| {
            file.write_all(bytes)?;
            if durably {
                file.sync_all()?;
            }
            fs::rename(&beside, self.directory.join(name))
        });
        if written.is_err() {
            // What is left of it goes with the others that nobody names.
            let _ = fs::remove_file(&beside);
        }
        written
    }

    /// Deletes the directories that were used the longest ago until all fit.
    fn make_room(&self) -> io::Result<()> {
        let mut all = vec![];
        for directory in listed(&self.files.directory)? {
            let Ok(files) = listed(&directory.path) else { continue };
            let used = files.iter().filter(|file| file.path.ends_with(MANIFEST)).map(|file| file.modified).max();
            all.push((used.unwrap_or(directory.modified), directory.path, files.iter().map(|file| file.bytes).sum()));
        }
        all.sort();
        let mut bytes: u64 = all.iter().map(|(_, _, bytes)| bytes).sum();
        for (_, directory, own) in all {
            if bytes <= self.files.bytes_max {
                break;
            }
            tracing::debug!(directory = %directory.display(), bytes = own, "segments go, to make room");
            fs::remove_dir_all(&directory)?;
            bytes -= own;
        }
        Ok(())
    }
}

/// A file of a directory.
struct Listed {
    path: PathBuf,
    modified: SystemTime,
    bytes: u64,
}

impl Listed {
    fn age(&self) -> Duration {
        self.modified.elapsed().unwrap_or_default()
    }
}

/// What is in a directory; what vanishes meanwhile is left out.
fn listed(directory: &Path) -> io::Result<Vec<Listed>> {
    let mut all = vec![];
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let Ok(found) = entry.metadata() else { continue };
        all.push(Listed { path: entry.path(), modified: found.modified()?, bytes: found.len() });
    }
    Ok(all)
}

/// The manifest's time is when its segments were last asked for. Where it cannot be set they only go earlier.
fn note_use(manifest: &Path) {
    let noted = fs::metadata(manifest).and_then(|found| found.modified());
    if noted.is_ok_and(|noted| noted.elapsed().unwrap_or_default() > USE_NOTED) {
        let _ = File::options().write(true).open(manifest).and_then(|file| file.set_modified(SystemTime::now()));
    }
}

#[cfg(test)]
mod tests {
    use warmer_content::{ChunkingId, Digest, EmbeddingId};

    use super::*;
    use crate::segment::testing::of_texts;

    fn shelf(root: &Path, name: &str, bytes_max: u64) -> Shelf {
        Shelf { files: SegmentFiles { directory: root.to_owned(), bytes_max }, directory: root.join(name) }
    }

    fn manifest(segments: Vec<String>) -> Manifest {
        let digest = Digest::of(b"x");
        let recipe = Recipe { embedding: EmbeddingId(digest), chunking: ChunkingId(digest) };
        Manifest { state: State::test(recipe), bases: segments.len(), segments }
    }

    /// Keeps a segment; gives its name.
    fn keep(shelf: &Shelf) -> String {
        let _lock = shelf.lock().unwrap().unwrap();
        let (name, _) = shelf.put(of_texts(&[("a", "one")]).as_bytes()).unwrap();
        shelf.publish(&manifest(vec![name.clone()])).unwrap();
        name
    }

    #[test]
    fn what_was_published_is_opened_and_what_is_damaged_is_not_there() {
        let root = tempfile::tempdir().unwrap();
        let shelf = shelf(root.path(), "one", u64::MAX);
        assert!(shelf.open().is_none());
        let name = keep(&shelf);
        let (opened, segments) = shelf.open().unwrap();
        assert_eq!((opened, segments[0].path(0)), (manifest(vec![name.clone()]), "a"));
        fs::write(shelf.directory.join(&name), b"no segment").unwrap();
        assert!(shelf.open().is_none(), "a segment that does not read");
        fs::remove_file(shelf.directory.join(name)).unwrap();
        assert!(shelf.open().is_none(), "a segment that is gone");
        keep(&shelf);
        fs::write(shelf.directory.join(MANIFEST), b"{").unwrap();
        assert!(shelf.open().is_none(), "half a manifest");
    }

    #[test]
    fn a_mapped_segment_outlives_its_name() {
        let root = tempfile::tempdir().unwrap();
        let shelf = shelf(root.path(), "one", u64::MAX);
        keep(&shelf);
        let (_, segments) = shelf.open().unwrap();
        fs::remove_dir_all(root.path()).unwrap();
        assert_eq!(segments[0].path(0), "a");
    }

    #[test]
    fn one_process_at_a_time_writes() {
        let root = tempfile::tempdir().unwrap();
        let (one, other) = (shelf(root.path(), "one", 9), shelf(root.path(), "one", 9));
        let lock = one.lock().unwrap();
        assert!(lock.is_some() && other.lock().unwrap().is_none());
        drop(lock);
        assert!(other.lock().unwrap().is_some());
    }

    #[test]
    fn what_no_manifest_names_goes_once_it_is_old() {
        let root = tempfile::tempdir().unwrap();
        let shelf = shelf(root.path(), "one", u64::MAX);
        let (old, new) = (keep(&shelf), shelf.directory.join("new.segment"));
        let old = shelf.directory.join(old);
        fs::write(&new, b"another process is about to name it").unwrap();
        let long_ago = SystemTime::now() - 2 * UNNAMED_MAX;
        File::options().write(true).open(&old).unwrap().set_modified(long_ago).unwrap();
        keep(&shelf);
        assert_eq!((old.exists(), new.exists()), (false, true));
    }

    #[test]
    fn the_repository_that_was_not_asked_for_the_longest_goes_first() {
        let root = tempfile::tempdir().unwrap();
        let bytes = of_texts(&[("a", "one")]).as_bytes().len() as u64;
        let shelves = ["one", "two", "three"].map(|name| shelf(root.path(), name, 3 * bytes));
        let used = |shelf: &Shelf, seconds: u64| {
            let manifest = File::options().write(true).open(shelf.directory.join(MANIFEST)).unwrap();
            manifest.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
        };
        keep(&shelves[0]);
        used(&shelves[0], 7000);
        keep(&shelves[1]);
        used(&shelves[1], 9000);
        assert!(shelves[1].open().is_some(), "it is asked for");
        keep(&shelves[2]);
        let there = shelves.map(|shelf| shelf.directory.exists());
        assert_eq!(there, [false, true, true]);
    }
}
