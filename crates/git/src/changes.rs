//! What differs between two trees: both are walked side by side, and only where they differ.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use gix::ObjectId;
use gix::objs::tree::{EntryKind, EntryMode};
use serde::{Deserialize, Serialize};

use crate::attributes::AttributeStack;
use crate::damage::damaged;
use crate::{Attributes, ErrorKind, GitError, Oid, Options};

/// One path that is not the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The path from the top of the tree with `/` between its parts: bytes as the commit has them, not safe to open.
    pub path: Vec<u8>,
    /// What is there now.
    pub kind: ChangeKind,
}

/// What is at a path now; whatever was there before is replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangeKind {
    /// A regular file.
    File {
        /// Its blob.
        oid: Oid,
        /// Whether its mode is 755.
        executable: bool,
        /// What the `.gitattributes` of the commit say about it.
        attributes: Attributes,
    },
    /// A symbolic link.
    Symlink {
        /// The blob that holds its target.
        oid: Oid,
    },
    /// A commit of another repository, which is not followed.
    Submodule {
        /// That commit.
        oid: Oid,
    },
    /// Nothing, or a directory, whose files come as changes of their own.
    Gone,
}

/// What a walk reads beside trees.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    /// `.gitattributes` from the top down to each changed file.
    Attributes,
    /// Nothing.
    PathsOnly,
}

/// What a walk takes on before it gives up: a few hundred bytes of nested trees can name billions of files.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Names read in all directories, of both sides: the largest real repositories have some 500,000.
    names: u64,
    /// Bytes of the names kept at a time: those that differ in the directories from the top down to one.
    kept: u64,
    /// Bytes of all paths handed out: a tree of a thousand levels has paths that are longer than what they name.
    paths: u64,
    /// Bytes of all attribute files that are read.
    attributes: u64,
    /// Patterns that files are matched against, in sum: some 50 ns each.
    matches: u64,
}

impl Limits {
    /// Generous beyond what is real: half a million names above one file, a path of 512 bytes and 5,000 patterns for
    /// each file.
    pub(crate) fn of(options: &Options) -> Self {
        let each = |times: u64| options.settings.files_max.saturating_mul(times);
        Self {
            names: options.settings.files_max,
            kept: 64 << 20,
            paths: each(512),
            attributes: 64 << 20,
            matches: each(5_000),
        }
    }
}

/// The longest path, in bytes: real ones have a few hundred.
const PATH_BYTES_MAX: usize = 64 << 10;

/// The largest directory, in bytes of its object: so many names are beyond the limit of those kept.
const DIRECTORY_BYTES_MAX: u64 = 64 << 20;

/// An attribute file larger than this is left out.
const ATTRIBUTES_BYTES_MAX: u64 = 1 << 20;

type Entry = (EntryMode, ObjectId);

/// A name that differs: what it was, what it is.
type Difference = (Vec<u8>, Option<Entry>, Option<Entry>);

/// A directory whose differing names are being handed out.
struct Frame {
    differences: std::vec::IntoIter<Difference>,
    /// The length of the path that ends with this directory and its slash.
    path_bytes: usize,
    /// Bytes of the names it keeps.
    kept: u64,
    /// Whether it has an attribute file on the stack.
    attributes: bool,
}

/// Hands `each` what differs between two trees, `None` being the empty one.
pub(crate) fn walk(
    repo: &gix::Repository,
    from: Option<ObjectId>,
    to: ObjectId,
    read: Read,
    limits: Limits,
    stop: &AtomicBool,
    each: &mut dyn FnMut(Change) -> ControlFlow<()>,
) -> Result<(), GitError> {
    let mut walk = Walk { repo, read, stop, limits, attributes: AttributeStack::new(), path: Vec::new(), left: limits };
    if from == Some(to) {
        return Ok(());
    }
    // Not recursive: the depth of a tree is the remote's choice.
    let mut frames = vec![walk.enter(from, Some(to))?];
    while let Some(frame) = frames.last_mut() {
        walk.path.truncate(frame.path_bytes);
        let Some((name, old, new)) = frame.differences.next() else {
            if frame.attributes {
                walk.attributes.pop();
            }
            walk.left.kept += frame.kept;
            frames.pop();
            continue;
        };
        walk.path.extend_from_slice(&name);
        walk.pay_for_path()?;
        if let Some(kind) = walk.kind(old, new)?
            && each(Change { path: walk.path.clone(), kind }).is_break()
        {
            return Ok(());
        }
        let (old, new) = (old.and_then(directory), new.and_then(directory));
        if old.is_some() || new.is_some() {
            walk.path.push(b'/');
            frames.push(walk.enter(old, new)?);
        }
    }
    Ok(())
}

struct Walk<'a> {
    repo: &'a gix::Repository,
    read: Read,
    stop: &'a AtomicBool,
    limits: Limits,
    attributes: AttributeStack,
    path: Vec<u8>,
    /// What of the limits is left.
    left: Limits,
}

impl Walk<'_> {
    /// Compares two directories by name; a missing one is empty.
    fn enter(&mut self, old: Option<ObjectId>, new: Option<ObjectId>) -> Result<Frame, GitError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(GitError::new(ErrorKind::Interrupted, "stopped while comparing two commits"));
        }
        // Directories without names count as well.
        self.left.names = self.left.names.checked_sub(1).ok_or_else(|| self.too_large())?;
        let left = self.left.kept;
        let mut names: BTreeMap<Vec<u8>, (Option<Entry>, Option<Entry>)> = BTreeMap::new();
        self.entries(old, |name, entry| names.entry(name).or_default().0 = Some(entry))?;
        let mut file = None;
        self.entries(new, |name, entry| {
            if name == b".gitattributes" && entry.0.is_blob() {
                file = Some(entry.1);
            }
            names.entry(name).or_default().1 = Some(entry);
        })?;
        let differences = names.into_iter().filter(|(_, (old, new))| old != new);
        let differences: Vec<Difference> = differences.map(|(name, (old, new))| (name, old, new)).collect();
        let kept = differences.iter().map(|(name, ..)| bytes_of(name)).sum();
        self.left.kept = left.saturating_sub(kept);
        let attributes = match file {
            Some(oid) if self.read == Read::Attributes => self.push_attributes(oid)?,
            _ => false,
        };
        Ok(Frame { differences: differences.into_iter(), path_bytes: self.path.len(), kept, attributes })
    }

    fn pay_for_path(&mut self) -> Result<(), GitError> {
        let bytes = self.path.len();
        let left = self.left.paths.checked_sub(bytes as u64).filter(|_| bytes <= PATH_BYTES_MAX);
        self.left.paths = left.ok_or_else(|| self.too_large())?;
        Ok(())
    }

    fn entries(&mut self, tree: Option<ObjectId>, mut each: impl FnMut(Vec<u8>, Entry)) -> Result<(), GitError> {
        let Some(id) = tree else { return Ok(()) };
        let failed = |error: gix::Error| damaged(self.repo, &Oid(id), &error);
        if self.repo.find_header(id).map_err(failed)?.size() > DIRECTORY_BYTES_MAX {
            return Err(self.too_large());
        }
        let tree = self.repo.find_tree(id).map_err(failed)?;
        for entry in tree.iter() {
            let entry = entry.map_err(failed)?;
            let kept = bytes_of(entry.filename());
            let left = (self.left.names.checked_sub(1), self.left.kept.checked_sub(kept));
            let (Some(names), Some(kept)) = left else { return Err(self.too_large()) };
            self.left = Limits { names, kept, ..self.left };
            each(entry.filename().to_vec(), (entry.mode(), entry.object_id()));
        }
        Ok(())
    }

    fn too_large(&self) -> GitError {
        let (Limits { names, kept, .. }, path) = (self.limits, String::from_utf8_lossy(&self.path));
        let text = format!(
            "the commit has more than {names} files and directories (git.files_max), or more than {kept} bytes of \
            names above one file, or paths without end; it was given up at {:?}",
            path.chars().take(200).collect::<String>()
        );
        GitError::new(ErrorKind::TooLarge, text)
    }

    fn push_attributes(&mut self, oid: ObjectId) -> Result<bool, GitError> {
        let failed = |error: gix::Error| damaged(self.repo, &Oid(oid), &error);
        let bytes = self.repo.find_header(oid).map_err(failed)?.size();
        if bytes > ATTRIBUTES_BYTES_MAX {
            return Ok(false);
        }
        self.left.attributes = self.left.attributes.checked_sub(bytes).ok_or_else(too_many_attributes)?;
        let blob = self.repo.find_blob(oid).map_err(failed)?;
        Ok(self.attributes.push(&self.path, &blob.data))
    }

    /// What to report for a name; a directory is reported only by the file that it replaced.
    fn kind(&mut self, old: Option<Entry>, new: Option<Entry>) -> Result<Option<ChangeKind>, GitError> {
        let Some((mode, id)) = new.filter(|entry| directory(*entry).is_none()) else {
            return Ok(old.filter(|entry| directory(*entry).is_none()).map(|_| ChangeKind::Gone));
        };
        let left = self.left.matches.checked_sub(self.attributes.lines());
        self.left.matches = left.ok_or_else(too_many_attributes)?;
        Ok(Some(match mode.kind() {
            EntryKind::Link => ChangeKind::Symlink { oid: Oid(id) },
            EntryKind::Commit => ChangeKind::Submodule { oid: Oid(id) },
            kind => ChangeKind::File {
                oid: Oid(id),
                executable: kind == EntryKind::BlobExecutable,
                attributes: self.attributes.of(&self.path),
            },
        }))
    }
}

fn too_many_attributes() -> GitError {
    let text = "the commit has more .gitattributes, or more patterns in them for its files, than any real one";
    GitError::new(ErrorKind::TooLarge, text)
}

/// What keeping a name costs.
fn bytes_of(name: &[u8]) -> u64 {
    (size_of::<Difference>() + name.len()) as u64
}

fn directory((mode, id): Entry) -> Option<ObjectId> {
    mode.is_tree().then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository;

    const ENDLESS: Limits =
        Limits { names: u64::MAX, kept: u64::MAX, paths: u64::MAX, attributes: u64::MAX, matches: u64::MAX };

    /// Lists a tree that is `levels` deep, each being `names` times the one below: how many files, or the error.
    fn listed(levels: usize, names: usize, limits: Limits) -> Result<u64, GitError> {
        let folder = tempfile::TempDir::new().expect("a temporary folder");
        repository::create(folder.path(), &Options::default()).expect("an empty folder");
        let repo = repository::open(folder.path(), &Options::default(), 1 << 20).expect("a repository");
        let mut below = (EntryKind::Blob, repo.write_blob("x").expect("writable").detach());
        for _ in 0..levels {
            let entry = |name| gix::objs::tree::Entry {
                mode: below.0.into(),
                filename: format!("{name:04}").into(),
                oid: below.1,
            };
            let tree = gix::objs::Tree { entries: (0..names).map(entry).collect() };
            below = (EntryKind::Tree, repo.write_object(&tree).expect("writable").detach());
        }
        let mut files = 0;
        let each = &mut |_| {
            files += 1;
            ControlFlow::Continue(())
        };
        walk(&repo, None, below.1, Read::Attributes, limits, &AtomicBool::new(false), each).map(|()| files)
    }

    fn refused(result: Result<u64, GitError>) -> bool {
        result.is_err_and(|error| error.kind() == ErrorKind::TooLarge && !error.is_temporary())
    }

    #[test]
    fn every_name_counts_however_few_objects_there_are() {
        // 10 + 100 + 1,000 names, and the 111 directories that hold them.
        let limits = |names| Limits { names, ..ENDLESS };
        assert_eq!(listed(3, 10, limits(1_221)).expect("just within"), 1_000);
        assert!(refused(listed(3, 10, limits(1_220))));
        assert!(refused(listed(50, 10, limits(10_000))));
    }

    #[test]
    fn paths_without_end_are_refused_before_they_are_handed_out() {
        assert_eq!(listed(3, 1, ENDLESS).expect("a path"), 1);
        let all = 4 + 9 + 14;
        assert_eq!(listed(3, 1, Limits { paths: all, ..ENDLESS }).expect("just within"), 1);
        assert!(refused(listed(3, 1, Limits { paths: all - 1, ..ENDLESS })));
        assert!(refused(listed(PATH_BYTES_MAX / 5 + 2, 1, ENDLESS)), "one path is too long");
    }

    #[test]
    fn the_names_kept_at_a_time_are_those_above_a_file() {
        let limits = |kept| Limits { names: 10_000, kept, ..ENDLESS };
        let most = 30 * bytes_of(b"0000");
        assert_eq!(listed(3, 10, limits(most)).expect("just within"), 1_000);
        assert!(refused(listed(3, 10, limits(most - 1))));
    }
}
