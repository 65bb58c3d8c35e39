//! Our bare copy of a remote: brought up to date, compared, read.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::compare;
use crate::damage::tree_of;
use crate::folder::Generation;
use crate::mutex::lock;
use crate::registry::MirrorUser;
use crate::update::{Fetched, Update};
use crate::{Change, GitError, Oid, Options, Reader, Received, Request, changes, fetch, folder, repository};

/// A mirror in use. Clones are the same user of it; its lock is released with the last of them and of their readers.
#[derive(Clone)]
pub struct Mirror {
    user: Arc<MirrorUser>,
}

impl Mirror {
    pub(crate) fn new(user: MirrorUser) -> Self {
        Self { user: Arc::new(user) }
    }

    /// Whether the commit and the top of its tree can be read: then it can be the base of [`changes`](Self::changes).
    /// Ask after [`fetch`](Self::fetch), which may have started anew without it.
    #[must_use]
    pub fn has_commit(&self, commit: &Oid) -> bool {
        let repo =
            repository::open(&self.user.generation().path, self.options(), self.options().settings.object_size_max);
        repo.is_ok_and(|repo| tree_of(&repo, commit).is_ok())
    }

    /// Brings one ref up to date, given by its full name (as in [`Tip::reference`](crate::Tip)) or `HEAD`: the commit
    /// alone, without history. A mirror that is damaged or in too many pieces is fetched anew.
    ///
    /// `progress` is called some 50 times a second with the bytes so far. The commit received may be newer than a tip
    /// asked for before. Fetches of one mirror happen one after the other.
    ///
    /// # Errors
    /// When the remote cannot be asked, sends too much, or no longer has the ref; when `stop` was raised.
    #[expect(clippy::disallowed_methods, reason = "it looks at the stop flag between two looks at the turn")]
    pub fn fetch(
        &self,
        reference: &str,
        stop: &AtomicBool,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Received, GitError> {
        let turn = loop {
            match self.turn()? {
                Some(turn) => break turn,
                None if stop.load(Ordering::Relaxed) => return Err(fetch::interrupted(&self.user.shared.remote)),
                None => thread::sleep(Self::TURN),
            }
        };
        let fetched = turn.update().run(reference, None, stop, progress);
        turn.end(fetched).map(|fetched| fetched.received)
    }

    /// How often one who waits for a [`turn`](Self::turn) may ask again.
    pub const TURN: Duration = Duration::from_millis(10);

    /// The right to fetch, for who has it done elsewhere; `None` while another has it.
    ///
    /// # Errors
    /// When what a fetch left behind that was killed cannot be removed.
    pub fn turn(&self) -> Result<Option<Turn>, GitError> {
        let shared = &self.user.shared;
        if shared.fetching.swap(true, Ordering::AcqRel) {
            return Ok(None);
        }
        let turn = Turn { generation: Arc::clone(&lock(&shared.current)), mirror: self.clone() };
        if shared.unfinished.load(Ordering::Acquire) {
            let path = &turn.generation.path;
            folder::tidy(path).map_err(|error| GitError::disk("clean the mirror", path, &error))?;
            shared.unfinished.store(false, Ordering::Release);
        }
        Ok(Some(turn))
    }

    /// Whether any `.gitattributes` differs between two commits, so that files may have to be looked at that did not
    /// change themselves.
    ///
    /// # Errors
    /// When the mirror lacks either commit, or is damaged; when `stop` was raised; when there are too many names.
    pub fn attributes_changed(&self, from: &Oid, to: &Oid, stop: &AtomicBool) -> Result<bool, GitError> {
        compare::attributes_differ(&self.user.generation().path, self.options(), Some(from), to, stop)
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
        let (path, never) = (&self.user.generation().path, AtomicBool::new(false));
        compare::walk(path, self.options(), (from, to), changes::Read::Attributes, &never, each)
    }

    /// The request of [`changes`](Self::changes).
    #[must_use]
    pub fn listing(&self, from: Option<Oid>, to: Oid) -> Request {
        Request::list(self.options(), &self.user.generation().path, from, to)
    }

    /// What reads blobs of the commits that are here now.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.user))
    }

    fn options(&self) -> &Options {
        &self.user.shared.options
    }
}

/// The right to fetch into a mirror. Dropped before its [`end`](Self::end) it leaves behind whatever the fetch does,
/// which must be over by then: the next one begins by cleaning up.
pub struct Turn {
    mirror: Mirror,
    generation: Arc<Generation>,
}

impl Turn {
    /// The request of a fetch. `base` is what it would be good to list from.
    #[must_use]
    pub fn request(&self, reference: &str, base: Option<Oid>, options: &Options) -> Request {
        let shared = &self.mirror.user.shared;
        shared.unfinished.store(true, Ordering::Release);
        Request::fetch(&shared.remote, options, (&shared.folder, self.generation.number), reference, base)
    }

    /// Takes the outcome of the request.
    ///
    /// # Errors
    /// Its own.
    pub fn end(self, fetched: Result<Fetched, GitError>) -> Result<Fetched, GitError> {
        let shared = &self.mirror.user.shared;
        shared.unfinished.store(false, Ordering::Release);
        let fetched = fetched?;
        let pinned = match fetched.generation == self.generation.number {
            true => Arc::clone(&self.generation),
            false => {
                let next = Arc::new(folder::generation(&shared.folder, fetched.generation));
                *lock(&shared.current) = Arc::clone(&next);
                self.generation.mark_replaced();
                next
            }
        };
        self.mirror.user.pin(&pinned);
        Ok(fetched)
    }

    fn update(&self) -> Update<'_> {
        let shared = &self.mirror.user.shared;
        Update {
            folder: &shared.folder,
            generation: self.generation.number,
            remote: &shared.remote,
            options: &shared.options,
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.mirror.user.shared.fetching.store(false, Ordering::Release);
    }
}
