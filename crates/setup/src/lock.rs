//! `model.lock` and `runtime.lock`: what a directory of the set-up holds. A lock is written last, so a directory
//! without one is not whole; one whose sizes and times still agree is trusted without reading its files. The locks of a
//! bundle have no times, for these change with every unpacking and copying: there the sizes alone must agree.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

/// The version of the lock's own format.
const VERSION: u32 = 1;

/// The content of a lock file (JSON).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// Of the lock's own format.
    pub version: u32,
    /// In the order in which they were given.
    pub files: Vec<LockedFile>,
    /// Free text, a fact on each line: package and digest, licences.
    pub origin: Vec<String>,
}

/// One file as it was when the lock was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockedFile {
    /// Relative to the lock's directory, with `/` between its parts.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Modification time, nanoseconds since 1970; none in a bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_unix_nanos: Option<u64>,
    /// BLAKE3 of the content, 64 hex digits.
    pub blake3: String,
}

impl Lock {
    /// Hashes these files (paths relative to `directory`).
    pub fn of(directory: &Path, paths: &[&str], origin: Vec<String>) -> io::Result<Self> {
        let files = paths.iter().map(|path| LockedFile::of(directory, path)).collect::<io::Result<_>>()?;
        Ok(Self { version: VERSION, files, origin })
    }

    /// The lock in this file, or none where it is missing, damaged or of another version: then nothing can be trusted.
    pub fn read(file: &Path) -> Option<Self> {
        let lock: Self = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
        (lock.version == VERSION).then_some(lock)
    }

    /// Writes it beside `file` and renames it into place, so that a reader sees an old or a whole lock.
    pub fn write(&self, file: &Path) -> io::Result<()> {
        let text = self.to_text()?;
        let beside = file.with_extension("lock.new");
        fs::write(&beside, text)?;
        File::open(&beside)?.sync_all()?;
        fs::rename(beside, file)
    }

    /// The same without times, as a bundle has it.
    #[must_use]
    pub fn without_times(mut self) -> Self {
        self.files.iter_mut().for_each(|file| file.modified_unix_nanos = None);
        self
    }

    /// Its text.
    pub fn to_text(&self) -> io::Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// Whether every file still has the size of the lock, and its time where it has one; reads no content.
    pub fn unchanged(&self, directory: &Path) -> bool {
        self.files.iter().all(|file| {
            stamp(&directory.join(&file.path)).is_ok_and(|(bytes, modified)| {
                bytes == file.bytes && file.modified_unix_nanos.is_none_or(|locked| locked == modified)
            })
        })
    }

    /// The same lock with today's times, if every file still has its content. A copied or restored directory has
    /// other times and the same bytes.
    pub fn confirmed(&self, directory: &Path) -> Option<Self> {
        let paths: Vec<&str> = self.files.iter().map(|file| file.path.as_str()).collect();
        let now = Self::of(directory, &paths, self.origin.clone()).ok()?;
        let same = now.files.iter().zip(&self.files).all(|(now, then)| now.blake3 == then.blake3);
        same.then_some(now)
    }
}

impl LockedFile {
    fn of(directory: &Path, path: &str) -> io::Result<Self> {
        let file = directory.join(path);
        let digest = blake3::Hasher::new().update_reader(File::open(&file)?)?.finalize();
        let (bytes, modified) = stamp(&file)?;
        let modified_unix_nanos = Some(modified);
        Ok(Self { path: path.to_owned(), bytes, modified_unix_nanos, blake3: digest.to_hex().to_string() })
    }
}

/// Size and modification time; a time before 1970 counts as 0.
fn stamp(file: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::metadata(file)?;
    let age = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok((metadata.len(), u64::try_from(age.as_nanos()).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime};

    fn directory() -> (tempfile::TempDir, Lock) {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("sub")).unwrap();
        fs::write(directory.path().join("sub/a"), b"content").unwrap();
        let lock = Lock::of(directory.path(), &["sub/a"], vec!["here".into()]).unwrap();
        (directory, lock)
    }

    fn touch(file: &Path) {
        let later = SystemTime::now() + Duration::from_secs(60);
        File::options().write(true).open(file).unwrap().set_modified(later).unwrap();
    }

    #[test]
    fn a_lock_comes_back_as_it_was_written() {
        let (directory, lock) = directory();
        let file = directory.path().join("model.lock");
        lock.write(&file).unwrap();
        assert_eq!(Lock::read(&file), Some(lock));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2, "nothing but the lock and `sub`");
    }

    #[test]
    fn a_touched_file_is_confirmed_by_its_content() {
        let (directory, lock) = directory();
        assert!(lock.unchanged(directory.path()));
        touch(&directory.path().join("sub/a"));
        assert!(!lock.unchanged(directory.path()));
        let now = lock.confirmed(directory.path()).unwrap();
        assert!(now.unchanged(directory.path()));
    }

    #[test]
    fn a_lock_without_times_asks_for_the_sizes_alone() {
        let (directory, lock) = directory();
        let file = directory.path().join("model.lock");
        lock.without_times().write(&file).unwrap();
        assert!(!fs::read_to_string(&file).unwrap().contains("modified"));
        let lock = Lock::read(&file).unwrap();
        touch(&directory.path().join("sub/a"));
        assert!(lock.unchanged(directory.path()));
        fs::write(directory.path().join("sub/a"), b"contents").unwrap();
        assert!(!lock.unchanged(directory.path()));
    }

    #[test]
    fn a_changed_truncated_or_missing_file_is_not_confirmed() {
        let (directory, lock) = directory();
        for content in ["Content", "cont"] {
            fs::write(directory.path().join("sub/a"), content).unwrap();
            assert_eq!(lock.confirmed(directory.path()), None, "{content}");
        }
        fs::remove_file(directory.path().join("sub/a")).unwrap();
        assert!(!lock.unchanged(directory.path()));
        assert_eq!(lock.confirmed(directory.path()), None);
    }

    #[test]
    fn a_damaged_lock_and_one_of_another_version_are_no_lock() {
        let (directory, lock) = directory();
        let file = directory.path().join("model.lock");
        fs::write(&file, b"{\"version\":1,\"fil").unwrap();
        assert_eq!(Lock::read(&file), None);
        Lock { version: 2, ..lock }.write(&file).unwrap();
        assert_eq!(Lock::read(&file), None);
    }
}
