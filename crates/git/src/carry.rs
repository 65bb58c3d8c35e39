//! What a renewed mirror needs of the one before: the commit that is served, to tell what differs from it.
//!
//! A fetch gets one commit. Without the one before, every file of the repository would be listed, and each looked up,
//! for one that changed: a second for 1,400 files.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use gix::ObjectId;
use gix::objs::Write as _;

use crate::compare;
use crate::damage::{damaged, tree_of};
use crate::explain::root_cause;
use crate::{ErrorKind, GitError, Oid, Options};

/// Copies a commit with its trees from one mirror into another, but not what is there: most trees of the two are the
/// same. No file's bytes are copied, for nobody reads those of a commit that is only compared with. `stop` ends it half
/// done; then the commit is not there.
///
/// # Errors
/// When either mirror is damaged, or the disk is full.
pub(crate) fn carry(
    (from, to): (&Path, &Path),
    commit: &Oid,
    options: &Options,
    stop: &AtomicBool,
) -> Result<(), GitError> {
    let (from, to) = (compare::open(from, options)?, compare::open(to, options)?);
    let mut wanted = vec![tree_of(&from, commit)?];
    while let Some(tree) = wanted.pop() {
        if stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        if !to.has_object(tree) {
            wanted.extend(copy(&from, &to, tree)?);
        }
    }
    // Last: whoever finds it takes its trees for granted.
    copy(&from, &to, commit.0).map(drop)
}

/// Copies one object; of a tree it gives those in it.
fn copy(from: &gix::Repository, to: &gix::Repository, id: ObjectId) -> Result<Vec<ObjectId>, GitError> {
    let object = from.find_object(id).map_err(|error| damaged(from, &Oid(id), &error))?;
    to.objects.write_buf(object.kind, &object.data).map_err(|error| {
        let place = to.path().display();
        GitError::temporary(ErrorKind::Local, format!("cannot write to the mirror {place}: {}", root_cause(&error)))
    })?;
    let Ok(tree) = object.try_into_tree() else { return Ok(vec![]) };
    let decoded = tree.decode().map_err(|error| GitError::temporary(ErrorKind::Corrupt, error.to_string()))?;
    Ok(decoded.entries.iter().filter(|entry| entry.mode.is_tree()).map(|entry| entry.oid.to_owned()).collect())
}
