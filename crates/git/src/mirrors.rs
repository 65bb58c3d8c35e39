//! A folder of mirrors under one bound on disk: a cache that may vanish at any time.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use crate::registry::{MirrorUser, Registry};
use crate::{Credential, ErrorKind, GitError, Mirror, Options, Remote, SecretSource, Tip, evict, folder, tip};

/// All mirrors of this machine. Several processes may use one folder; within a process, use one `Mirrors` for it.
pub struct Mirrors {
    root: PathBuf,
    bytes_max: u64,
    options: Arc<Options>,
    registry: Arc<Registry>,
}

impl Mirrors {
    /// Mirrors in `root`, which is made when first needed, together at most `bytes_max` bytes (mirrors in use may
    /// exceed it).
    #[must_use]
    pub fn new(root: PathBuf, bytes_max: u64, options: Options) -> Self {
        Self { root, bytes_max, options: Arc::new(options), registry: Arc::default() }
    }

    /// Asks what `reference` points to at the remote (`None` is `HEAD`): one listing of refs, no object, no mirror.
    ///
    /// A short name is resolved as git does: tags before branches.
    ///
    /// # Errors
    /// When the remote cannot be asked, or has no such ref, or no commit at all.
    pub fn tip(&self, remote: &Remote, reference: Option<&str>, stop: &AtomicBool) -> Result<Tip, GitError> {
        check(remote, stop)?;
        let tip = tip::ask(remote, &self.options, reference, stop);
        check(remote, stop).and(tip)
    }

    /// What an [`Request`](crate::Request) to the remote goes by.
    #[must_use]
    pub fn options(&self) -> Options {
        Options::clone(&self.options)
    }

    /// When the newest of the files changed that hold tokens, as far as they can be asked. Blocks.
    #[must_use]
    pub fn tokens_changed_at(&self) -> Option<SystemTime> {
        let changed = |credential: &Credential| match &credential.token {
            SecretSource::File(path) => path.metadata().and_then(|file| file.modified()).ok(),
            SecretSource::Text(_) => None,
        };
        self.options.credentials.iter().filter_map(changed).max()
    }

    /// Takes the mirror of a remote for this process, and makes room if the mirrors are over their bound.
    ///
    /// Several jobs of the process may hold it at the same time; it is released when the last of them drops it, and all
    /// its readers.
    ///
    /// # Errors
    /// When another process holds it ([`ErrorKind::Busy`]), or the disk fails.
    pub fn take(&self, remote: &Remote, stop: &AtomicBool) -> Result<Mirror, GitError> {
        check(remote, stop)?;
        let user: MirrorUser = self.registry.take(remote, self.root.join(folder::name_of(remote)), &self.options)?;
        evict::evict(&self.root, self.bytes_max, &self.registry);
        Ok(Mirror::new(user))
    }
}

fn check(remote: &Remote, stop: &AtomicBool) -> Result<(), GitError> {
    match stop.load(Ordering::Relaxed) {
        true => Err(interrupted(remote)),
        false => Ok(()),
    }
}

/// The end of a question whose stop flag was raised.
pub(crate) fn interrupted(remote: &Remote) -> GitError {
    GitError::new(ErrorKind::Interrupted, format!("stopped while asking {remote}"))
}
