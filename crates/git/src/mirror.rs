//! Our bare copy of a remote: brought up to date, compared, read.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::explain::root_cause;
use crate::folder::Generation;
use crate::lease::{self, Lease};
use crate::site::{self, Fetched, Site};
use crate::{Change, Errand, ErrorKind, GitError, Oid, Options, Reader, Received, changes, fetch, folder, repository};

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
        let repo = repository::open(&self.lease.generation().path, self.options(), self.options().object_bytes_max);
        repo.is_ok_and(|repo| top(&repo, commit).is_ok())
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
        let turn = loop {
            match self.turn()? {
                Some(turn) => break turn,
                None if stop.load(Ordering::Relaxed) => return Err(fetch::interrupted(&self.lease.shared.remote)),
                None => thread::sleep(Self::TURN),
            }
        };
        let fetched = turn.site().update(reference, None, stop, progress);
        turn.end(fetched).map(|fetched| fetched.received)
    }

    /// How often one who waits for a [`turn`](Self::turn) may ask again.
    pub const TURN: Duration = Duration::from_millis(10);

    /// The right to fetch, for who has it done elsewhere; `None` while another has it.
    ///
    /// # Errors
    /// When what a fetch left behind that was killed cannot be removed.
    pub fn turn(&self) -> Result<Option<Turn>, GitError> {
        let shared = &self.lease.shared;
        if shared.fetching.swap(true, Ordering::AcqRel) {
            return Ok(None);
        }
        let turn = Turn { generation: Arc::clone(&lease::lock(&shared.current)), mirror: self.clone() };
        if shared.torn.load(Ordering::Acquire) {
            let path = &turn.generation.path;
            folder::tidy(path).map_err(|error| GitError::disk("clean the mirror", path, &error))?;
            shared.torn.store(false, Ordering::Release);
        }
        Ok(Some(turn))
    }

    /// Whether any `.gitattributes` differs between two commits, so that files may have to be looked at that did not
    /// change themselves.
    ///
    /// # Errors
    /// When the mirror lacks either commit, or is damaged; when `stop` was raised; when there are too many names.
    pub fn attributes_changed(&self, from: &Oid, to: &Oid, stop: &AtomicBool) -> Result<bool, GitError> {
        site::survey(&self.lease.generation().path, self.options(), Some(from), to, stop)
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
        let (path, never) = (&self.lease.generation().path, AtomicBool::new(false));
        site::walk(path, self.options(), (from, to), changes::Read::Attributes, &never, each)
    }

    /// The errand of [`changes`](Self::changes).
    #[must_use]
    pub fn listing(&self, from: Option<Oid>, to: Oid) -> Errand {
        Errand::list(self.options(), &self.lease.generation().path, from, to)
    }

    /// What reads blobs of the commits that are here now.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.lease))
    }

    fn options(&self) -> &Options {
        &self.lease.shared.options
    }
}

/// The right to fetch into a mirror. Dropped before its [`end`](Self::end) it leaves behind whatever the fetch does, which
/// must be over by then: the next one begins by cleaning up.
pub struct Turn {
    mirror: Mirror,
    generation: Arc<Generation>,
}

impl Turn {
    /// The errand of a fetch. `base` is what it would be good to list from.
    #[must_use]
    pub fn errand(&self, reference: &str, base: Option<Oid>, options: &Options) -> Errand {
        let shared = &self.mirror.lease.shared;
        shared.torn.store(true, Ordering::Release);
        Errand::fetch(&shared.remote, options, (&shared.folder, self.generation.number), reference, base)
    }

    /// Takes what the errand came to.
    ///
    /// # Errors
    /// Its own.
    pub fn end(self, fetched: Result<Fetched, GitError>) -> Result<Fetched, GitError> {
        let shared = &self.mirror.lease.shared;
        shared.torn.store(false, Ordering::Release);
        let fetched = fetched?;
        let pinned = match fetched.generation == self.generation.number {
            true => Arc::clone(&self.generation),
            false => {
                let next = Arc::new(folder::generation(&shared.folder, fetched.generation));
                *lease::lock(&shared.current) = Arc::clone(&next);
                self.generation.doom();
                next
            }
        };
        self.mirror.lease.pin(&pinned);
        Ok(fetched)
    }

    fn site(&self) -> Site<'_> {
        let shared = &self.mirror.lease.shared;
        Site {
            folder: &shared.folder,
            generation: self.generation.number,
            remote: &shared.remote,
            options: &shared.options,
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.mirror.lease.shared.fetching.store(false, Ordering::Release);
    }
}

/// The tree of a commit, once it is known to be readable.
pub(crate) fn top(repo: &gix::Repository, commit: &Oid) -> Result<gix::ObjectId, GitError> {
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
