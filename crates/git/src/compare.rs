//! What differs between two commits of the mirror at a path.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use gix::bstr::ByteSlice;

use crate::changes::{self, Change, Limits};
use crate::damage::{is_damage, tree_of};
use crate::meter::{Bounds, gauged};
use crate::{ErrorKind, GitError, Oid, Options, folder, repository};

/// The file that decides what is indexed beside its content.
const ATTRIBUTES: &[u8] = b".gitattributes";

/// Whether any `.gitattributes` differs between two commits; the rest of the walk is left out then.
///
/// # Errors
/// When there are too many names, or the mirror is damaged.
pub(crate) fn attributes_differ(
    mirror: &Path,
    options: &Options,
    from: Option<&Oid>,
    to: &Oid,
    stop: &AtomicBool,
) -> Result<bool, GitError> {
    let mut found = false;
    walk(mirror, options, (from, to), changes::Read::PathsOnly, stop, &mut |change| {
        let name = change.path.rsplit_once_str(b"/").map_or(change.path.as_slice(), |(_, name)| name);
        found |= name == ATTRIBUTES;
        if found && from.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(found)
}

/// Hands `each` what differs between two commits in the mirror at a path; a damaged one is fetched anew by the next
/// fetch.
pub(crate) fn walk(
    mirror: &Path,
    options: &Options,
    (from, to): (Option<&Oid>, &Oid),
    read: changes::Read,
    stop: &AtomicBool,
    each: &mut dyn FnMut(Change) -> ControlFlow<()>,
) -> Result<(), GitError> {
    let repo = open(mirror, options)?;
    let from = from.map(|commit| tree_of(&repo, commit)).transpose()?;
    let to = tree_of(&repo, to)?;
    let walked = gauged(Bounds::of(options), stop, &|_| {}, |gauge| {
        let walked = changes::walk(&repo, from, to, read, Limits::of(options), &gauge.halt, each);
        walked.map_err(|error| if gauge.excess().is_some() { too_much_memory(options) } else { error })
    });
    walked.inspect_err(|error| {
        if is_damage(error) {
            folder::mark_damaged(mirror);
        }
    })
}

fn too_much_memory(options: &Options) -> GitError {
    let text = format!(
        "listing the files of the commit takes more than {} bytes of memory (git.memory_max): raise that limit",
        options.settings.memory_max
    );
    GitError::new(ErrorKind::TooLarge, text)
}

/// Opens the mirror at a path to list or compare its commits.
pub(crate) fn open(path: &Path, options: &Options) -> Result<gix::Repository, GitError> {
    repository::open(path, options, options.settings.object_size_max)
}
