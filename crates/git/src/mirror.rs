//! Our bare copy of a remote: brought up to date, compared, read.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard, TryLockError};
use std::thread;
use std::time::Duration;

use gix::bstr::ByteSlice;

use crate::explain::root_cause;
use crate::folder::{self, Generation};
use crate::lease::{self, Lease};
use crate::{Change, ErrorKind, GitError, Oid, Reader, Received, changes, fetch, repository};

/// The number of packs at which a mirror is fetched anew. Every fetch adds one, and every look-up may search them all.
const PACKS_MAX: usize = 64;

/// How often a fetch that waits for another looks whether it may start.
const TURN: Duration = Duration::from_millis(10);

/// The file that decides what is indexed beside its content.
const ATTRIBUTES: &[u8] = b".gitattributes";

/// A mirror in use. Clones are the same user of it; its lock is released with the last of them and of their readers.
#[derive(Clone)]
pub struct Mirror {
    lease: Arc<Lease>,
}

impl Mirror {
    pub(crate) fn new(lease: Lease) -> Self {
        Self { lease: Arc::new(lease) }
    }

    /// Whether the commit and the top of its tree can be read: then it can be the base of [`changes`](Self::changes).
    /// Ask after [`fetch`](Self::fetch), which may have started anew without it.
    #[must_use]
    pub fn has_commit(&self, commit: &Oid) -> bool {
        self.open(&self.lease.generation()).is_ok_and(|repo| top(&repo, commit).is_ok())
    }

    /// Brings one ref up to date, given by its full name (as in [`Tip::reference`](crate::Tip)) or `HEAD`: the commit
    /// alone, without history. A mirror that is damaged or in too many pieces is fetched anew.
    ///
    /// `progress` hears some 50 times a second how many bytes came. The commit received may be newer than a tip asked
    /// for before. Fetches of one mirror happen one after the other.
    ///
    /// # Errors
    /// When the remote cannot be asked, sends too much, or no longer has the ref; when `stop` was raised.
    pub fn fetch(
        &self,
        reference: &str,
        stop: &AtomicBool,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Received, GitError> {
        let _one_at_a_time = self.wait_for_turn(stop)?;
        let current = Arc::clone(&lease::lock(&self.lease.shared.current));
        if current.packs() < PACKS_MAX && !current.is_condemned() {
            let was_blank = current.is_blank();
            match self.fetch_into(&current, reference, stop, progress) {
                Ok(received) => {
                    self.lease.pin(&current);
                    return Ok(received);
                }
                // Nothing that could be damaged was there: the fault is the remote's.
                Err(error) if was_blank || !is_damage(&error) => return Err(error),
                Err(error) => tracing::warn!(%error, "renewing a damaged mirror"),
            }
        }
        self.renew(&current, reference, stop, progress)
    }

    /// Whether any `.gitattributes` differs between two commits, so that files may have to be looked at that did not
    /// change themselves.
    ///
    /// # Errors
    /// When the mirror lacks either commit, or is damaged; when `stop` was raised; when there are too many names.
    pub fn attributes_changed(&self, from: &Oid, to: &Oid, stop: &AtomicBool) -> Result<bool, GitError> {
        let mut found = false;
        self.walk(Some(from), to, changes::Read::PathsOnly, stop, &mut |change| {
            found = change.path.rsplit_once_str(b"/").map_or(change.path.as_slice(), |(_, name)| name) == ATTRIBUTES;
            if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(found)
    }

    /// Streams what differs between two commits, in the order of a walk of the trees by name; `None` lists all of `to`.
    /// Renames are a [`Gone`](crate::ChangeKind::Gone) and a file. Ends early, and well, when `each` breaks.
    ///
    /// Costs what changed: a directory that is the same on both sides is not looked at.
    ///
    /// # Errors
    /// When the mirror lacks either commit, or is damaged; then the next fetch starts anew. When there are too many
    /// names.
    pub fn changes(
        &self,
        from: Option<&Oid>,
        to: &Oid,
        each: &mut dyn FnMut(Change) -> ControlFlow<()>,
    ) -> Result<(), GitError> {
        self.walk(from, to, changes::Read::Attributes, &AtomicBool::new(false), each)
    }

    /// What reads blobs of the commits that are here now.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.lease))
    }

    fn walk(
        &self,
        from: Option<&Oid>,
        to: &Oid,
        read: changes::Read,
        stop: &AtomicBool,
        each: &mut dyn FnMut(Change) -> ControlFlow<()>,
    ) -> Result<(), GitError> {
        let generation = self.lease.generation();
        let repo = self.open(&generation)?;
        let from = from.map(|commit| top(&repo, commit)).transpose()?;
        let to = top(&repo, to)?;
        changes::walk(&repo, from, to, read, changes::LIMITS, stop, each).inspect_err(|error| {
            if is_damage(error) {
                generation.condemn();
            }
        })
    }

    /// Waits for the fetch of another job, but not longer than the caller wants.
    fn wait_for_turn(&self, stop: &AtomicBool) -> Result<MutexGuard<'_, ()>, GitError> {
        let shared = &self.lease.shared;
        loop {
            match shared.fetching.try_lock() {
                Ok(turn) => return Ok(turn),
                Err(TryLockError::Poisoned(poisoned)) => return Ok(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) if stop.load(Ordering::Relaxed) => {
                    return Err(fetch::interrupted(&shared.remote));
                }
                Err(TryLockError::WouldBlock) => thread::sleep(TURN),
            }
        }
    }

    fn fetch_into(
        &self,
        generation: &Generation,
        reference: &str,
        stop: &AtomicBool,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Received, GitError> {
        let shared = &self.lease.shared;
        let received = fetch::fetch(&generation.path, &shared.remote, &shared.options, reference, stop, progress)?;
        top(&self.open(generation)?, &received.commit)?;
        Ok(received)
    }

    fn renew(
        &self,
        old: &Generation,
        reference: &str,
        stop: &AtomicBool,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Received, GitError> {
        let shared = &self.lease.shared;
        let beside = folder::begin(&shared.folder, &shared.options)?;
        let received = fetch::fetch(&beside, &shared.remote, &shared.options, reference, stop, progress)?;
        let next = Arc::new(folder::adopt(&shared.folder, folder::next_number(old))?);
        *lease::lock(&shared.current) = Arc::clone(&next);
        self.lease.pin(&next);
        old.doom();
        Ok(received)
    }

    fn open(&self, generation: &Generation) -> Result<gix::Repository, GitError> {
        let options = &self.lease.shared.options;
        repository::open(&generation.path, options, options.object_bytes_max)
    }
}

/// The tree of a commit, once it is known to be readable.
fn top(repo: &gix::Repository, commit: &Oid) -> Result<gix::ObjectId, GitError> {
    let tree = || repo.find_commit(commit.0)?.tree();
    match tree() {
        Ok(tree) => Ok(tree.id),
        Err(error) => Err(damaged(repo, commit, &error)),
    }
}

/// The failure to read an object that the mirror should have.
pub(crate) fn damaged(repo: &gix::Repository, oid: &Oid, error: &gix::Error) -> GitError {
    let place = repo.path().display();
    match error.is_not_found() {
        true => GitError::temporary(
            ErrorKind::MissingObject,
            format!("the mirror {place} has no object {oid}: fetch again"),
        ),
        false => {
            let text = format!("the mirror {place} cannot give object {oid}: {}; fetch again", root_cause(error));
            GitError::temporary(ErrorKind::Corrupt, text)
        }
    }
}

/// Whether fetching everything anew could help.
pub(crate) fn is_damage(error: &GitError) -> bool {
    matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::MissingObject)
}
