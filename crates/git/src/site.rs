//! The folder of a mirror as whoever works in it sees it: fetch into it, compare what is there. Somebody else holds its
//! lock meanwhile, perhaps in another process.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use gix::bstr::ByteSlice;
use serde::{Deserialize, Serialize};

use crate::changes::Limits;
use crate::meter::{Bounds, gauged};
use crate::mirror::{is_damage, top};
use crate::{Change, ErrorKind, GitError, Oid, Options, Received, Remote, changes, fetch, folder, repository};

/// The number of packs at which a mirror is fetched anew. Every fetch adds one, and every look-up may search them all.
const PACKS_MAX: usize = 64;

/// The file that decides what is indexed beside its content.
const ATTRIBUTES: &[u8] = b".gitattributes";

/// What an errand to fetch brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetched {
    /// The commit.
    pub received: Received,
    /// The commit that was proposed to list from, if it is there and a comparison with it says all there is to say.
    pub base: Option<Oid>,
    /// The generation of the mirror that has it.
    pub(crate) generation: u64,
}

/// Where to fetch into, and from where.
pub(crate) struct Site<'a> {
    pub(crate) folder: &'a Path,
    /// The number of the generation in use.
    pub(crate) generation: u64,
    pub(crate) remote: &'a Remote,
    pub(crate) options: &'a Options,
}

impl Site<'_> {
    /// Fetches, into a new generation where the one in use is damaged or in too many pieces, and looks whether what came
    /// can be listed.
    pub(crate) fn update(
        &self,
        reference: &str,
        base: Option<Oid>,
        stop: &AtomicBool,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Fetched, GitError> {
        let (received, generation) = self.fetch(reference, stop, progress)?;
        let path = folder::generation(self.folder, generation).path.clone();
        let base = self.checked(&path, base, &received.commit, stop)?;
        Ok(Fetched { received, base, generation })
    }

    fn fetch(
        &self,
        reference: &str,
        stop: &AtomicBool,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<(Received, u64), GitError> {
        let current = folder::generation(self.folder, self.generation);
        if current.packs() < PACKS_MAX && !current.is_condemned() {
            let was_blank = current.is_blank();
            match self.fetch_into(&current.path, reference, stop, progress) {
                Ok(received) => return Ok((received, self.generation)),
                // Nothing that could be damaged was there: the fault is the remote's.
                Err(error) if was_blank || !is_damage(&error) => return Err(error),
                Err(error) => tracing::warn!(%error, "renewing a damaged mirror"),
            }
        }
        let beside = folder::begin(self.folder, self.options)?;
        let received = fetch::fetch(&beside, self.remote, self.options, reference, stop, progress)?;
        let next = folder::adopt(self.folder, self.generation + 1)?;
        Ok((received, next.number))
    }

    fn fetch_into(
        &self,
        path: &Path,
        reference: &str,
        stop: &AtomicBool,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Received, GitError> {
        let received = fetch::fetch(path, self.remote, self.options, reference, stop, progress)?;
        top(&open(path, self.options)?, &received.commit)?;
        Ok(received)
    }

    /// Walks once through what will be listed, so that a commit without end is refused before the first of its files is
    /// worked on. Gives the base, if it can be one.
    fn checked(&self, path: &Path, base: Option<Oid>, to: &Oid, stop: &AtomicBool) -> Result<Option<Oid>, GitError> {
        let there = |base: &Oid| open(path, self.options).is_ok_and(|repo| top(&repo, base).is_ok());
        let base = match base.filter(there) {
            Some(base) if survey(path, self.options, Some(&base), to, stop)? => None,
            Some(base) => return Ok(Some(base)),
            None => None,
        };
        survey(path, self.options, base.as_ref(), to, stop)?;
        Ok(base)
    }
}

/// Whether any `.gitattributes` differs between two commits; the rest of the walk is left out then.
///
/// # Errors
/// When there are too many names, or the mirror is damaged.
pub(crate) fn survey(
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

/// Hands `each` what differs between two commits in the mirror at a path; a damaged one is fetched anew by the next fetch.
pub(crate) fn walk(
    mirror: &Path,
    options: &Options,
    (from, to): (Option<&Oid>, &Oid),
    read: changes::Read,
    stop: &AtomicBool,
    each: &mut dyn FnMut(Change) -> ControlFlow<()>,
) -> Result<(), GitError> {
    let repo = open(mirror, options)?;
    let from = from.map(|commit| top(&repo, commit)).transpose()?;
    let to = top(&repo, to)?;
    let walked = gauged(Bounds::of(options), stop, &|_| {}, |gauge| {
        let walked = changes::walk(&repo, from, to, read, Limits::of(options), &gauge.halt, each);
        walked.map_err(|error| if gauge.excess().is_some() { too_much_memory(options) } else { error })
    });
    walked.inspect_err(|error| {
        if is_damage(error) {
            folder::condemn(mirror);
        }
    })
}

fn too_much_memory(options: &Options) -> GitError {
    let text = format!(
        "to list the files of the commit takes more than {} bytes of memory (git.memory_max): raise that limit",
        options.memory_bytes_max
    );
    GitError::new(ErrorKind::TooLarge, text)
}

fn open(path: &Path, options: &Options) -> Result<gix::Repository, GitError> {
    repository::open(path, options, options.object_bytes_max)
}
