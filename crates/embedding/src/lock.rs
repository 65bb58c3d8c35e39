//! The model lock: sizes, times and digests of a model's files, so that a start need not read 90 MB to know what it
//! has.
//!
//! A digest in the lock is trusted while the file's size and time of modification are what they were when it was
//! hashed. The lock of a bundle has no times, since every unpacking and copying changes them: there the size alone must
//! agree, and a file of the same size that is put in the place of another is taken for it. `warmer doctor` trusts
//! nothing and hashes again.

use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use warmer_content::Digest;

use crate::error::ModelError;

/// The lock's file name in the model directory.
pub const FILE_NAME: &str = "model.lock";

/// The format that is read and written here.
const VERSION: u32 = 1;

/// What lay in the model directory when the model was set up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelLock {
    version: u32,
    /// The files whose change would change the model.
    pub files: Vec<LockedFile>,
    /// Where they came from and under which licence; for people.
    #[serde(default)]
    pub origin: Vec<String>,
}

/// One file as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockedFile {
    /// Relative to the model directory, with `/`.
    pub path: String,
    /// Size.
    pub bytes: u64,
    /// Time of modification, since the Unix epoch; none in a bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_unix_nanos: Option<u64>,
    /// BLAKE3 of the bytes.
    #[serde(with = "hex")]
    pub blake3: Digest,
}

/// How a file differs from the lock.
#[derive(Debug, thiserror::Error)]
pub enum Difference {
    /// It is gone.
    #[error("{path} is missing")]
    Missing {
        /// As in the lock.
        path: String,
    },
    /// It has another size.
    #[error("{path} has {found} bytes instead of {locked}")]
    Size {
        /// As in the lock.
        path: String,
        /// Bytes in the lock.
        locked: u64,
        /// Bytes now.
        found: u64,
    },
    /// It has the right size and another content.
    #[error("{path} has another content than when the model was set up")]
    Content {
        /// As in the lock.
        path: String,
    },
    /// It cannot be read.
    #[error("{path} cannot be read: {why}")]
    Unreadable {
        /// As in the lock.
        path: String,
        /// What the operating system said.
        why: io::Error,
    },
}

impl ModelLock {
    /// Hashes `paths` (relative to `directory`) and writes the lock: whole or not at all.
    ///
    /// # Errors
    /// When a file cannot be read or the lock cannot be written.
    pub fn write(directory: &Path, paths: &[&str], origin: Vec<String>) -> Result<Self, ModelError> {
        let files = paths.iter().map(|path| LockedFile::of(directory, path)).collect::<Result<_, _>>()?;
        let lock = Self { version: VERSION, files, origin };
        let (path, temporary) = (directory.join(FILE_NAME), directory.join(format!("{FILE_NAME}.tmp")));
        let write = || {
            let mut file = File::create(&temporary)?;
            serde_json::to_writer_pretty(&mut file, &lock)?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            fs::rename(&temporary, &path)
        };
        write().map_err(ModelError::write(&path))?;
        Ok(lock)
    }

    /// The lock in `directory`, if there is one.
    ///
    /// # Errors
    /// When it cannot be read or is malformed.
    pub fn read(directory: &Path) -> Result<Option<Self>, ModelError> {
        let path = directory.join(FILE_NAME);
        let text = match fs::read_to_string(&path) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(ModelError::read(&path))?,
        };
        let unfit = |why| ModelError::Settings { path: path.clone(), why };
        let lock: Self = serde_json::from_str(&text).map_err(|why| unfit(format!("it is malformed ({why})")))?;
        if lock.version != VERSION {
            return Err(unfit(format!("it is of version {}, and only {VERSION} is known", lock.version)));
        }
        Ok(Some(lock))
    }

    /// Hashes every file again and gives what differs; nothing when all is intact.
    #[must_use]
    pub fn verify(&self, directory: &Path) -> Vec<Difference> {
        self.files.iter().filter_map(|file| file.difference(directory).err()).collect()
    }

    /// The digest of `path` (relative to `directory`), where size and time (in a bundle the size) say that the file is
    /// the same.
    pub(crate) fn trusted(&self, directory: &Path, path: &Path) -> Option<Digest> {
        let file = self.files.iter().find(|file| Path::new(&file.path) == path)?;
        let found = fs::metadata(directory.join(path)).ok()?;
        let same_time = file.modified_unix_nanos.is_none_or(|locked| {
            let modified = modified_unix_nanos(&found);
            modified == locked && modified != 0
        });
        (found.len() == file.bytes && same_time).then_some(file.blake3)
    }
}

impl LockedFile {
    fn of(directory: &Path, path: &str) -> Result<Self, ModelError> {
        let full = directory.join(path);
        // The metadata first: a file that is changed while it is hashed then has another time than the lock says.
        let found = fs::metadata(&full).map_err(ModelError::read(&full))?;
        Ok(Self {
            path: path.to_owned(),
            bytes: found.len(),
            modified_unix_nanos: Some(modified_unix_nanos(&found)),
            blake3: hash_file(&full).map_err(ModelError::read(&full))?,
        })
    }

    fn difference(&self, directory: &Path) -> Result<(), Difference> {
        let path = self.path.clone();
        let full = directory.join(&path);
        match hash_file(&full).and_then(|digest| Ok((digest, fs::metadata(&full)?.len()))) {
            Ok((digest, _)) if digest == self.blake3 => Ok(()),
            Ok((_, found)) if found != self.bytes => Err(Difference::Size { path, locked: self.bytes, found }),
            Ok(_) => Err(Difference::Content { path }),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Err(Difference::Missing { path }),
            Err(why) => Err(Difference::Unreadable { path, why }),
        }
    }
}

/// BLAKE3 of a file, read in pieces.
pub(crate) fn hash_file(path: &Path) -> io::Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok(Digest(hasher.finalize().into()))
}

/// 0 where the file system knows no time, or one before 1970; such a time is never trusted.
fn modified_unix_nanos(metadata: &Metadata) -> u64 {
    let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or(0)
}

/// A digest as 64 hexadecimal digits.
mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de};
    use warmer_content::Digest;

    pub(super) fn serialize<S: Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(digest)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Digest, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
