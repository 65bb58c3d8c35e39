//! Who uses which mirror in this process. Jobs of one process share a mirror; between processes it is locked.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use crate::folder::{self, Generation, Lock};
use crate::mutex::lock;
use crate::{ErrorKind, GitError, Options, Remote};

/// What the users of one mirror in this process share.
pub(crate) struct Shared {
    pub(crate) remote: Remote,
    pub(crate) options: Arc<Options>,
    pub(crate) folder: PathBuf,
    /// The generation that the next fetch goes to.
    pub(crate) current: Mutex<Arc<Generation>>,
    /// Whether somebody fetches: one at a time.
    pub(crate) fetching: AtomicBool,
    /// Whether a fetch began whose end was not reported: what it left behind has to be removed before the next.
    pub(crate) unfinished: AtomicBool,
}

/// The mirrors in use, by folder. An entry is made and removed under the one mutex, together with its lock, so no
/// thread can find a lock of this process that nobody holds.
#[derive(Default)]
pub(crate) struct Registry {
    entries: Mutex<HashMap<PathBuf, Entry>>,
}

struct Entry {
    shared: Arc<Shared>,
    users: usize,
    _lock: Lock,
}

/// One user's right to a mirror. The last one to go releases the lock.
pub(crate) struct MirrorUser {
    pub(crate) shared: Arc<Shared>,
    registry: Arc<Registry>,
    /// The generation this user reads: what it fetched or found stays readable, whoever renews the mirror meanwhile.
    pinned: Mutex<Arc<Generation>>,
}

impl Registry {
    /// Joins the users of a mirror, or takes it from disk.
    pub(crate) fn take(
        self: &Arc<Self>,
        remote: &Remote,
        folder: PathBuf,
        options: &Arc<Options>,
    ) -> Result<MirrorUser, GitError> {
        let mut entries = lock(&self.entries);
        if !entries.contains_key(&folder) {
            let entry = open(remote, &folder, options)?;
            entries.insert(folder.clone(), entry);
        }
        let entry = entries.get_mut(&folder).expect("it was inserted under the same guard");
        entry.users += 1;
        let shared = Arc::clone(&entry.shared);
        let pinned = Mutex::new(Arc::clone(&lock(&shared.current)));
        Ok(MirrorUser { shared, registry: Arc::clone(self), pinned })
    }

    /// Runs `work` if no user of this process and no other process has the mirror in `folder`, and keeps it so.
    pub(crate) fn if_unused(&self, folder: &Path, work: impl FnOnce()) {
        let entries = lock(&self.entries);
        if !entries.contains_key(folder)
            && let Ok(Some(_held)) = folder::lock(folder)
        {
            work();
        }
    }

    fn release(&self, folder: &Path) {
        let mut entries = lock(&self.entries);
        if let Some(entry) = entries.get_mut(folder) {
            entry.users -= 1;
            if entry.users == 0 {
                entries.remove(folder);
            }
        }
    }
}

impl MirrorUser {
    /// The generation this user reads.
    pub(crate) fn generation(&self) -> Arc<Generation> {
        Arc::clone(&lock(&self.pinned))
    }

    /// Makes this user read another generation.
    pub(crate) fn pin(&self, generation: &Arc<Generation>) {
        *lock(&self.pinned) = Arc::clone(generation);
    }
}

impl Drop for MirrorUser {
    fn drop(&mut self) {
        self.registry.release(&self.shared.folder);
    }
}

fn open(remote: &Remote, folder: &Path, options: &Arc<Options>) -> Result<Entry, GitError> {
    let held = folder::lock(folder).map_err(|error| GitError::disk("lock the mirror", folder, &error))?;
    let Some(held) = held else {
        let text = format!("another process is using the mirror of {remote}: try again when it is done");
        return Err(GitError::temporary(ErrorKind::Busy, text));
    };
    held.touch().map_err(|error| GitError::disk("write to the mirror", folder, &error))?;
    let current = folder::settle(folder, options)?;
    let shared = Shared {
        remote: remote.clone(),
        options: Arc::clone(options),
        folder: folder.to_owned(),
        current: Mutex::new(Arc::new(current)),
        fetching: AtomicBool::new(false),
        unfinished: AtomicBool::new(false),
    };
    Ok(Entry { shared: Arc::new(shared), users: 0, _lock: held })
}
