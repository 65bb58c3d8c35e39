//! A repository on this machine: what is wrong with it that git does not say, or says in passing.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::{ErrorKind, GitError, Remote, current_dir};

/// What git reads of a repository to serve it.
const PARTS: [&str; 5] = ["HEAD", "config", "packed-refs", "refs", "objects"];

/// How many files are looked at to find the one that may not be read.
const FILES_MAX: usize = 20_000;

/// Says what is wrong with a local repository before git is started, which would only hang up.
pub(crate) fn check(remote: &Remote, path: &Path) -> Result<(), GitError> {
    current_dir::leave_if_gone(path);
    match path.metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let text = format!("there is no repository at {remote} any more: it was moved or deleted");
            Err(GitError::new(ErrorKind::NotFound, text))
        }
        Err(error) => Err(denied(remote, path, &error)),
        Ok(_) if gix::discover::is_git(path).or_else(|_| gix::discover::is_git(&path.join(".git"))).is_err() => {
            Err(unreadable(remote).unwrap_or_else(|| {
                let text = format!("{remote} is not a git repository: its HEAD, objects or refs are missing");
                GitError::new(ErrorKind::NotARepository, text)
            }))
        }
        Ok(_) => Ok(()),
    }
}

/// The failure to read a file of a local repository, if there is one that this user may not read: git passes over some
/// of them, and then has no commit or no ref. `None` for remotes elsewhere.
pub(crate) fn unreadable(remote: &Remote) -> Option<GitError> {
    let git_dir = remote.path()?;
    // A linked worktree has its objects and refs elsewhere.
    let common = fs::read_to_string(git_dir.join("commondir")).map(|common| git_dir.join(common.trim()));
    let mut open: Vec<PathBuf> = vec![git_dir.to_owned()];
    for top in [Some(git_dir.to_owned()), common.ok()].into_iter().flatten() {
        open.extend(PARTS.map(|part| top.join(part)));
    }
    for _ in 0..FILES_MAX {
        let path = open.pop()?;
        let Ok(kind) = path.symlink_metadata() else { continue };
        let read = if kind.is_dir() {
            let is_top = path == git_dir;
            fs::read_dir(&path)
                .map(|entries| open.extend(entries.flatten().map(|entry| entry.path()).filter(|_| !is_top)))
        } else if kind.is_file() {
            File::open(&path).map(drop)
        } else {
            Ok(())
        };
        if let Err(error) = read
            && error.kind() == io::ErrorKind::PermissionDenied
        {
            return Some(denied(remote, &path, &error));
        }
    }
    None
}

fn denied(remote: &Remote, path: &Path, error: &io::Error) -> GitError {
    let text = format!("cannot read {remote}: {} cannot be read: {error}; give this user the right to", path.display());
    GitError::new(ErrorKind::Forbidden, text)
}
