//! What differs between two trees: both are walked side by side, and only where they differ.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use gix::ObjectId;
use gix::objs::tree::{EntryKind, EntryMode};

use crate::attributes::AttributeStack;
use crate::{Attributes, ErrorKind, GitError, Oid};

/// One path that is not the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The path from the top of the tree with `/` between its parts: bytes as the commit has them, not safe to open.
    pub path: Vec<u8>,
    /// What is there now.
    pub kind: ChangeKind,
}

/// What is at a path now; whatever was there before is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// How many directories a walk visits before it gives up. A few hundred bytes of nested trees can name billions; the
/// largest real repositories have some 100,000.
const DIRECTORIES_MAX: u64 = 4_000_000;

/// An attribute file larger than this is ignored: it would be parsed for every walk that passes.
const ATTRIBUTES_BYTES_MAX: u64 = 1 << 20;

type Entry = (EntryMode, ObjectId);

/// A name that differs: what it was, what it is.
type Difference = (Vec<u8>, Option<Entry>, Option<Entry>);

/// A directory whose differing names are being handed out.
struct Frame {
    differences: std::vec::IntoIter<Difference>,
    /// The length of the path that ends with this directory and its slash.
    path_bytes: usize,
    /// Whether it has an attribute file on the stack.
    attributes: bool,
}

/// Hands `each` what differs between two trees, `None` being the empty one.
pub(crate) fn walk(
    repo: &gix::Repository,
    from: Option<ObjectId>,
    to: ObjectId,
    read: Read,
    each: &mut dyn FnMut(Change) -> ControlFlow<()>,
) -> Result<(), GitError> {
    let mut walk = Walk { repo, read, attributes: AttributeStack::new(), path: Vec::new(), directories: 0 };
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
            frames.pop();
            continue;
        };
        walk.path.extend_from_slice(&name);
        if let Some(kind) = walk.kind(old, new)
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
    attributes: AttributeStack,
    path: Vec<u8>,
    directories: u64,
}

impl Walk<'_> {
    /// Compares two directories by name; a missing one is empty.
    fn enter(&mut self, old: Option<ObjectId>, new: Option<ObjectId>) -> Result<Frame, GitError> {
        self.directories += 1;
        if self.directories > DIRECTORIES_MAX {
            let text = format!("the commit has more than {DIRECTORIES_MAX} directories, which no real one has");
            return Err(GitError::new(ErrorKind::TooLarge, text));
        }
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
        let attributes = match file {
            Some(oid) if self.read == Read::Attributes => self.push_attributes(oid)?,
            _ => false,
        };
        Ok(Frame { differences: differences.into_iter(), path_bytes: self.path.len(), attributes })
    }

    fn entries(&self, tree: Option<ObjectId>, mut each: impl FnMut(Vec<u8>, Entry)) -> Result<(), GitError> {
        let Some(id) = tree else { return Ok(()) };
        let failed = |error: gix::Error| crate::mirror::damaged(self.repo, &Oid(id), &error);
        let tree = self.repo.find_tree(id).map_err(failed)?;
        for entry in tree.iter() {
            let entry = entry.map_err(failed)?;
            each(entry.filename().to_vec(), (entry.mode(), entry.object_id()));
        }
        Ok(())
    }

    fn push_attributes(&mut self, oid: ObjectId) -> Result<bool, GitError> {
        let failed = |error: gix::Error| crate::mirror::damaged(self.repo, &Oid(oid), &error);
        if self.repo.find_header(oid).map_err(failed)?.size() > ATTRIBUTES_BYTES_MAX {
            return Ok(false);
        }
        let blob = self.repo.find_blob(oid).map_err(failed)?;
        Ok(self.attributes.push(&self.path, &blob.data))
    }

    /// What to report for a name; a directory is reported only by the file that it replaced.
    fn kind(&mut self, old: Option<Entry>, new: Option<Entry>) -> Option<ChangeKind> {
        let Some((mode, id)) = new.filter(|entry| directory(*entry).is_none()) else {
            return old.filter(|entry| directory(*entry).is_none()).map(|_| ChangeKind::Gone);
        };
        Some(match mode.kind() {
            EntryKind::Link => ChangeKind::Symlink { oid: Oid(id) },
            EntryKind::Commit => ChangeKind::Submodule { oid: Oid(id) },
            kind => ChangeKind::File {
                oid: Oid(id),
                executable: kind == EntryKind::BlobExecutable,
                attributes: self.attributes.of(&self.path),
            },
        })
    }
}

fn directory((mode, id): Entry) -> Option<ObjectId> {
    mode.is_tree().then_some(id)
}
