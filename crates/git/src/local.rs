//! A repository on this machine: what is wrong with it that git does not say, or says in passing.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use crate::{ErrorKind, GitError, Remote};

/// What git reads of a repository to serve it.
const PARTS: [&str; 5] = ["HEAD", "config", "packed-refs", "refs", "objects"];

/// How many files are looked at to find the one that may not be read.
const FILES_MAX: usize = 20_000;

/// Says what is wrong with a local repository before git is started, which would only hang up.
pub(crate) fn check(remote: &Remote, path: &Path) -> Result<(), GitError> {
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

/// The failure to read a file of a local repository, if there is one that this user may not read: git passes over some of
/// them, and then has no commit or no ref. `None` for remotes elsewhere.
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

/// The path of a file URL: as it stands if there is such a file, else with its percent escapes resolved, as git does.
pub(crate) fn file_path(rest: &str) -> PathBuf {
    let plain = PathBuf::from(rest);
    match plain.exists() {
        true => plain,
        false => percent_decoded(rest),
    }
}

/// A path with its percent escapes resolved; what is no escape stands for itself.
fn percent_decoded(path: &str) -> PathBuf {
    let (mut bytes, mut rest) = (Vec::with_capacity(path.len()), path.as_bytes());
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..2).filter(|digits| *first == b'%' && digits.iter().all(u8::is_ascii_hexdigit));
        let byte = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &behind[2..] } else { behind };
    }
    PathBuf::from(OsString::from_vec(bytes))
}

/// What may not be read where a repository is looked for: the folder itself, or what looks like one's git directory.
pub(crate) fn unreadable_near(path: &Path) -> Option<PathBuf> {
    let candidates = std::iter::once(path.to_owned()).chain(path.ancestors().map(|above| above.join(".git")));
    let denied = |path: &PathBuf| {
        let read = if path.is_file() { File::open(path).map(drop) } else { path.read_dir().map(drop) };
        read.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
    };
    candidates.into_iter().find(denied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_in_a_file_url_are_resolved_as_git_does_unless_a_file_is_called_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("it is there");
        let url = |name: &str| Remote::parse(&format!("file://{}/{name}", root.display()), &root);
        for name in ["with blank", "100%"] {
            gix::init_bare(root.join(name)).expect("a repository");
        }
        for (written, name) in [("with%20blank", "with blank"), ("with blank", "with blank"), ("100%", "100%")] {
            assert_eq!(url(written).expect(written).path(), Some(root.join(name).as_path()), "{written}");
        }
        gix::init_bare(root.join("with%20blank")).expect("a repository");
        assert_eq!(url("with%20blank").expect("as it stands").path(), Some(root.join("with%20blank").as_path()));
    }
}
