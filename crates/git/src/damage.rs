//! Objects that a mirror should have and cannot give.

use crate::explain::root_cause;
use crate::{ErrorKind, GitError, Oid};

/// The tree of a commit, once it is known to be readable.
pub(crate) fn tree_of(repo: &gix::Repository, commit: &Oid) -> Result<gix::ObjectId, GitError> {
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
