//! One fetch into the folder of a mirror, and a check of what came. The lock of the mirror is held meanwhile, perhaps
//! by another process.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use crate::carry::carry;
use crate::compare::{self, attributes_differ};
use crate::damage::{is_damage, tree_of};
use crate::fetch::{self, Received, interrupted};
use crate::fold::fold;
use crate::{GitError, Oid, Options, Remote, folder};

/// The number of packs at which they are folded, or else the mirror is fetched anew. Every fetch adds one, and every
/// look-up may search them all.
const PACKS_MAX: usize = 64;

/// What a request to fetch brought.
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
pub(crate) struct Update<'a> {
    pub(crate) folder: &'a Path,
    /// The number of the generation in use.
    pub(crate) generation: u64,
    pub(crate) remote: &'a Remote,
    pub(crate) options: &'a Options,
}

impl Update<'_> {
    /// Fetches, into a new generation where the one in use is damaged or in too many pieces, and looks whether what
    /// came can be listed.
    pub(crate) fn run(
        &self,
        reference: &str,
        base: Option<Oid>,
        stop: &AtomicBool,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Fetched, GitError> {
        let (received, generation) = self.fetch((reference, base.as_ref()), stop, progress)?;
        let path = folder::generation(self.folder, generation).path.clone();
        let base = self.checked(&path, base, &received.commit, stop)?;
        Ok(Fetched { received, base, generation })
    }

    fn fetch(
        &self,
        (reference, base): (&str, Option<&Oid>),
        stop: &AtomicBool,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<(Received, u64), GitError> {
        let current = folder::generation(self.folder, self.generation);
        let is_whole = !current.is_marked_damaged();
        let too_many = current.packs() >= PACKS_MAX;
        let into = if !is_whole {
            None
        } else if too_many {
            self.folded(&current.path, stop, progress)?
        } else {
            Some(current.path.clone())
        };
        if let Some(into) = into {
            let was_blank = current.is_blank();
            match self.fetch_into(&into, reference, stop, progress) {
                Ok(received) if too_many => return Ok((received, self.adopt()?)),
                Ok(received) => return Ok((received, self.generation)),
                // Nothing that could be damaged was there: the fault is the remote's.
                Err(error) if was_blank || !is_damage(&error) => return Err(error),
                Err(error) => tracing::warn!(%error, "the mirror is damaged; fetching it anew"),
            }
        }
        let beside = folder::begin(self.folder, self.options)?;
        let received = fetch::fetch(&beside, self.remote, self.options, reference, stop, progress)?;
        if let Some(base) = base.filter(|_| is_whole)
            && let Err(error) = carry((&current.path, &beside), base, self.options, stop)
        {
            tracing::debug!(%error, "the commit before is not in the renewed mirror: all files are listed");
        }
        Ok((received, self.adopt()?))
    }

    /// A copy of the mirror with few packs, if that can be had without the remote.
    fn folded(
        &self,
        current: &Path,
        stop: &AtomicBool,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Option<PathBuf>, GitError> {
        let beside = folder::begin(self.folder, self.options)?;
        match fold((current, &beside), self.options, stop, progress) {
            Ok(folded) => Ok(folded.then_some(beside)),
            Err(_) if stop.load(Ordering::Relaxed) => Err(interrupted(self.remote)),
            Err(error) => {
                tracing::warn!(%error, "the packs of a mirror cannot be folded; it is fetched anew");
                Ok(None)
            }
        }
    }

    fn adopt(&self) -> Result<u64, GitError> {
        Ok(folder::adopt(self.folder, self.generation + 1)?.number)
    }

    fn fetch_into(
        &self,
        path: &Path,
        reference: &str,
        stop: &AtomicBool,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Received, GitError> {
        let received = fetch::fetch(path, self.remote, self.options, reference, stop, progress)?;
        tree_of(&compare::open(path, self.options)?, &received.commit)?;
        Ok(received)
    }

    /// Walks once through what will be listed, so that a commit without end is refused before the first of its files is
    /// worked on. Gives the base, if it can be one.
    fn checked(&self, path: &Path, base: Option<Oid>, to: &Oid, stop: &AtomicBool) -> Result<Option<Oid>, GitError> {
        let there = |base: &Oid| compare::open(path, self.options).is_ok_and(|repo| tree_of(&repo, base).is_ok());
        let base = match base.filter(there) {
            Some(base) if attributes_differ(path, self.options, Some(&base), to, stop)? => None,
            Some(base) => return Ok(Some(base)),
            None => None,
        };
        attributes_differ(path, self.options, base.as_ref(), to, stop)?;
        Ok(base)
    }
}
