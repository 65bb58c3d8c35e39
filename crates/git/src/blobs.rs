//! The bytes of files, by object id.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::damage::{damaged, is_damage};
use crate::folder::Generation;
use crate::mutex::lock;
use crate::registry::MirrorUser;
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
    user: Arc<MirrorUser>,
    generation: Arc<Generation>,
    /// Open handles that nobody uses now: as many as there were threads at a time. They go with the last clone, so that
    /// nobody who keeps one keeps the mirror.
    spare: Arc<Mutex<Vec<gix::Repository>>>,
}

impl Reader {
    pub(crate) fn new(user: Arc<MirrorUser>) -> Self {
        let generation = user.generation();
        Self { user, generation, spare: Arc::default() }
    }

    /// A handle for one thread, with a cache of its own; one that was dropped before costs nothing.
    ///
    /// # Errors
    /// When the mirror cannot be opened.
    pub fn blobs(&self) -> Result<Blobs, GitError> {
        let spare = lock(&self.spare).pop();
        let options = &self.user.shared.options;
        let open = || repository::open(&self.generation.path, options, options.settings.object_size_max);
        let repo = Some(spare.map_or_else(open, Ok)?);
        Ok(Blobs { repo, reader: self.clone() })
    }
}

/// Reads blobs on one thread. When it is dropped, its reader keeps what is open for the next.
pub struct Blobs {
    /// Taken by the drop alone.
    repo: Option<gix::Repository>,
    reader: Reader,
}

impl Blobs {
    /// The size in bytes of a blob's content; reads headers only.
    ///
    /// # Errors
    /// When the mirror lacks the blob, or is damaged; then the next fetch starts anew.
    pub fn size(&self, oid: &Oid) -> Result<u64, GitError> {
        self.repo().find_header(oid.0).map(|header| header.size()).map_err(|error| self.failed(oid, &error))
    }

    /// A blob's content.
    ///
    /// # Errors
    /// When it is larger than [`GitSettings::object_size_max`](crate::GitSettings::object_size_max), the mirror lacks
    /// it, or is damaged; in the latter two cases the next fetch starts anew.
    pub fn read(&self, oid: &Oid) -> Result<Vec<u8>, GitError> {
        let (size, max) = (self.size(oid)?, self.reader.user.shared.options.settings.object_size_max);
        if size > max {
            let text = format!("object {oid} has {size} bytes, more than the {max} that may be read");
            return Err(GitError::new(ErrorKind::TooLarge, text));
        }
        let mut blob = self.repo().find_blob(oid.0).map_err(|error| self.failed(oid, &error))?;
        READ.fetch_add(1, Ordering::Relaxed);
        Ok(blob.take_data())
    }

    /// Whether the mirror has the object.
    #[must_use]
    pub fn has(&self, oid: &Oid) -> bool {
        self.repo().has_object(oid.0)
    }

    fn failed(&self, oid: &Oid, error: &gix::Error) -> GitError {
        let failure = damaged(self.repo(), oid, error);
        if is_damage(&failure) {
            self.reader.generation.mark_damaged();
        }
        failure
    }

    fn repo(&self) -> &gix::Repository {
        self.repo.as_ref().expect("it is taken when this is dropped")
    }
}

impl Drop for Blobs {
    fn drop(&mut self) {
        // What a panic left half-way is not used again.
        if let Some(repo) = self.repo.take().filter(|_| !thread::panicking()) {
            lock(&self.reader.spare).push(repo);
        }
    }
}
