//! The bytes of files, by object id.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::folder::Generation;
use crate::lease::Lease;
use crate::mirror::{damaged, is_damage};
use crate::{ErrorKind, GitError, Oid, repository};

/// Counts blob bodies that were decompressed in this process, whatever mirror they came from.
static READ: AtomicU64 = AtomicU64::new(0);

/// How many blob bodies this process has decompressed: a test sees here that known content is not read again.
#[must_use]
pub fn read_counter() -> u64 {
    READ.load(Ordering::Relaxed)
}

/// Opens [`Blobs`] on as many threads as there are; keeps the mirror locked.
#[derive(Clone)]
pub struct Reader {
    lease: Arc<Lease>,
    generation: Arc<Generation>,
}

impl Reader {
    pub(crate) fn new(lease: Arc<Lease>) -> Self {
        let generation = lease.generation();
        Self { lease, generation }
    }

    /// A handle for one thread, with a cache of its own.
    ///
    /// # Errors
    /// When the mirror cannot be opened.
    pub fn blobs(&self) -> Result<Blobs, GitError> {
        let options = &self.lease.shared.options;
        let repo = repository::open(&self.generation.path, options, options.object_bytes_max)?;
        Ok(Blobs { repo, reader: self.clone() })
    }
}

/// Reads blobs on one thread.
pub struct Blobs {
    repo: gix::Repository,
    reader: Reader,
}

impl Blobs {
    /// The size in bytes of a blob's content; reads headers only.
    ///
    /// # Errors
    /// When the mirror lacks the blob, or is damaged; then the next fetch starts anew.
    pub fn size(&self, oid: &Oid) -> Result<u64, GitError> {
        self.repo.find_header(oid.0).map(|header| header.size()).map_err(|error| self.failed(oid, &error))
    }

    /// A blob's content.
    ///
    /// # Errors
    /// When it is larger than [`Options::object_bytes_max`](crate::Options), the mirror lacks it, or is damaged; in
    /// the latter two cases the next fetch starts anew.
    pub fn read(&self, oid: &Oid) -> Result<Vec<u8>, GitError> {
        let (size, max) = (self.size(oid)?, self.reader.lease.shared.options.object_bytes_max);
        if size > max {
            let text = format!("object {oid} has {size} bytes, more than the {max} that may be read");
            return Err(GitError::new(ErrorKind::TooLarge, text));
        }
        let mut blob = self.repo.find_blob(oid.0).map_err(|error| self.failed(oid, &error))?;
        READ.fetch_add(1, Ordering::Relaxed);
        Ok(blob.take_data())
    }

    /// Whether the mirror has the object.
    #[must_use]
    pub fn has(&self, oid: &Oid) -> bool {
        self.repo.has_object(oid.0)
    }

    fn failed(&self, oid: &Oid, error: &gix::Error) -> GitError {
        let failure = damaged(&self.repo, oid, error);
        if is_damage(&failure) {
            self.reader.generation.condemn();
        }
        failure
    }
}
