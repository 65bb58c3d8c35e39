//! One fetch of one ref into a bare repository: the commit alone, metered, and stopped when asked.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gix::bstr::BStr;
use gix::error::{Class, ResourceExhaustionKind};
use gix::progress::Discard;
use gix::protocol::transport::client::blocking_io::Transport;
use gix::remote::Direction;
use gix::remote::fetch::{Outcome, Shallow, Status, Tags};
use gix::remote::ref_map;
use serde::{Deserialize, Serialize};

use crate::connection::Connected;
use crate::damage::damaged;
use crate::explain::Failure;
use crate::kept::kept_as;
use crate::meter::{Bounds, Excess, Gauge, Meter, gauged};
use crate::{ErrorKind, GitError, Oid, Options, Remote, connection, repository, tip};

/// What a fetch brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// The ref that was asked for.
    pub reference: String,
    /// The object it points to at the remote: a commit, or an annotated tag.
    pub oid: Oid,
    /// The commit itself: this one can be read now.
    pub commit: Oid,
    /// When that was committed, as the commit says, but not later than it was received.
    pub committed_at: Option<SystemTime>,
    /// Bytes of the pack that was received; 0 when the mirror had it all.
    pub bytes: u64,
    /// Objects in that pack.
    pub objects: u64,
}

/// Fetches `reference` into the repository at `path`, opened afresh.
pub(crate) fn fetch(
    path: &Path,
    remote: &Remote,
    options: &Options,
    reference: &str,
    stop: &AtomicBool,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Received, GitError> {
    tip::check_name(reference)?;
    let repo = open(path, options)?;
    gauged(Bounds::of(options), stop, progress, |gauge| {
        if gauge.halt.load(Ordering::Relaxed) {
            return Err(interrupted(remote));
        }
        let Connected { transport, program, stderr, transcript } = connection::connect_to(remote, options)?;
        gauge.watch(program);
        let failure = Failure::new(remote, options).with_transcript(&transcript, stderr.as_ref());
        let outcome = receive(&repo, transport, remote, options, reference, gauge)
            .map_err(|error| error_of(&error, gauge, &failure, options, reference))??;
        // A handle that was open during the fetch does not know the new pack.
        received(&open(path, options)?, remote, reference, gauge, &outcome)
    })
}

fn open(path: &Path, options: &Options) -> Result<gix::Repository, GitError> {
    // Well above what is read: large blobs are for the reader to skip.
    repository::open(path, options, options.fetched_object_bytes_max())
}

/// The inner result holds what we refuse ourselves.
fn receive(
    repo: &gix::Repository,
    transport: Box<dyn Transport + Send>,
    remote: &Remote,
    options: &Options,
    reference: &str,
    gauge: &Arc<Gauge>,
) -> gix::Result<Result<Outcome, GitError>> {
    // Forced: at depth one no commit is known to follow another.
    let spec = format!("+{reference}:{}", kept_as(BStr::new(reference)));
    let source =
        repo.remote_at(repo.path())?.with_fetch_tags(Tags::None).with_refspecs([spec.as_str()], Direction::Fetch)?;
    let conversation =
        source.to_connection_with_transport(transport).with_credentials(connection::credentials(options));
    let prepared = conversation.prepare_fetch(Discard, ref_map::Options::default())?;
    if prepared.ref_map().mappings.is_empty() {
        let text = format!("{remote} no longer has the ref {}", reference.escape_debug());
        return Ok(Err(GitError::temporary(ErrorKind::MissingRef, text)));
    }
    prepared.with_shallow(Shallow::DepthAtRemote(NonZeroU32::MIN)).receive(Meter::new(gauge), &gauge.halt).map(Ok)
}

fn received(
    repo: &gix::Repository,
    remote: &Remote,
    reference: &str,
    gauge: &Gauge,
    outcome: &Outcome,
) -> Result<Received, GitError> {
    let mapped = outcome.ref_map.mappings.first().and_then(|mapping| mapping.remote.as_id());
    let Some(oid) = mapped.map(ToOwned::to_owned) else {
        let text = format!("{remote} names no object for {}", reference.escape_debug());
        return Err(GitError::new(ErrorKind::Corrupt, text));
    };
    let object = repo.find_object(oid).map_err(|error| damaged(repo, &Oid(oid), &error))?;
    let commit = object.peel_to_kind(gix::objs::Kind::Commit).map_err(|error| match error.is_not_found() {
        true => damaged(repo, &Oid(oid), &error),
        false => {
            let text =
                format!("{} of {remote} is no commit: name a branch or a tag of a commit", reference.escape_debug());
            GitError::new(ErrorKind::Other, text)
        }
    })?;
    let objects = match &outcome.status {
        Status::Change { write_pack_bundle, .. } => u64::from(write_pack_bundle.index.num_objects),
        Status::NoPackReceived { .. } => 0,
    };
    let bytes = if objects > 0 { gauge.bytes() } else { 0 };
    let seconds = commit.clone().into_commit().time().ok().and_then(|time| u64::try_from(time.seconds).ok());
    // An author may say anything: a moment of the future has no age, and one beyond the year 9999 cannot be printed.
    let now = SystemTime::now();
    let committed_at =
        seconds.map(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).map_or(now, |at| at.min(now)));
    Ok(Received {
        reference: reference.to_owned(),
        oid: Oid(oid),
        commit: Oid(commit.id),
        committed_at,
        bytes,
        objects,
    })
}

/// A fetch that was halted ends with whatever error gix was about to make: the gauge knows why.
fn error_of(error: &gix::Error, gauge: &Gauge, failure: &Failure<'_>, options: &Options, reference: &str) -> GitError {
    let remote = failure.remote;
    if let Some(excess) = gauge.excess() {
        return too_large(remote, excess, options, reference);
    }
    // More than the process may have: what gix asks for piece by piece is seen before, but not one large piece.
    if options.alone && error.dominant_class() == Some(OUT_OF_MEMORY) {
        return too_large(remote, Excess::Memory, options, reference);
    }
    // Before gix reads the first object it makes room for as many as are announced.
    if error.is_resource_exhausted() && gauge.bytes() > 0 && !gauge.is_counted() {
        return too_large(remote, Excess::Objects, options, reference);
    }
    if gauge.halt.load(Ordering::Relaxed) {
        return interrupted(remote);
    }
    failure.explain(error)
}

/// The class of an error of gix that was refused memory by the system.
const OUT_OF_MEMORY: Class = Class::ResourceExhaustion(ResourceExhaustionKind::AllocationFailure);

/// A refusal that names the limit.
fn too_large(remote: &Remote, excess: Excess, options: &Options, reference: &str) -> GitError {
    let reference = reference.escape_debug();
    let text = match excess {
        Excess::Bytes => format!(
            "{remote} sends more than the {} bytes that a fetch may have for {reference}: raise that limit, or leave \
            it out",
            options.settings.fetch_size_max
        ),
        Excess::Objects => format!(
            "{remote} sends more objects for {reference} than belong to {} files and directories (git.files_max): \
            raise that limit, or leave it out",
            options.settings.files_max
        ),
        Excess::Memory => format!(
            "unpacking what {remote} sends for {reference} takes more than {} bytes of memory (git.memory_max): raise \
            that limit, or leave it out",
            options.settings.memory_max
        ),
    };
    GitError::new(ErrorKind::TooLarge, text)
}

/// The end of a fetch whose stop flag was raised.
pub(crate) fn interrupted(remote: &Remote) -> GitError {
    GitError::new(ErrorKind::Interrupted, format!("stopped while fetching {remote}"))
}
