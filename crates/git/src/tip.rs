//! What a ref of a remote points to: one listing of refs, narrowed by the server to the names that could be meant.

use std::sync::atomic::AtomicBool;

use gix::bstr::{BString, ByteSlice};
use gix::protocol::Handshake;
use gix::protocol::handshake::Ref;
use gix::protocol::transport::Service;
use serde::{Deserialize, Serialize};

use crate::connection::Connected;
use crate::explain::Failure;
use crate::foreign_text::printable;
use crate::listing::{self, TooMany};
use crate::meter::{Bounds, Gauge, gauged};
use crate::{ErrorKind, GitError, Oid, Options, Remote, connection, local};

/// What a ref points to at its remote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tip {
    /// The full name, for instance `refs/heads/main`; for `HEAD` that of the branch, where the server reports it.
    pub reference: String,
    /// The object the ref points to: a commit, or an annotated tag.
    pub oid: Oid,
    /// The commit behind an annotated tag, where the server reports it; else the same as `oid`.
    pub commit: Option<Oid>,
}

/// Asks `remote` for `reference` (`None` is `HEAD`). Opens one connection and transfers no object.
pub(crate) fn ask(
    remote: &Remote,
    options: &Options,
    reference: Option<&str>,
    stop: &AtomicBool,
) -> Result<Tip, GitError> {
    let name = reference.unwrap_or("HEAD");
    check_name(name)?;
    let refs = gauged(Bounds::of(options), stop, &|_| {}, |gauge| list(remote, options, name, gauge))?;
    let unborn = refs.is_empty() || refs.iter().any(|found| matches!(found, Ref::Unborn { .. }));
    for candidate in candidates(name) {
        if let Some(tip) = refs.iter().filter(|found| found.unpack().0 == candidate).find_map(tip_of) {
            return Ok(tip);
        }
    }
    // Git passes over a ref that it may not read.
    if let Some(unreadable) = local::unreadable(remote) {
        return Err(unreadable);
    }
    // Every answer includes HEAD: when that is unborn and nothing else matched, there is nothing to match yet.
    if name == "HEAD" || (unborn && refs.len() <= 1) {
        return Err(no_commit(remote, options, &refs, stop));
    }
    let text = format!("{remote} has no ref {}: see `git ls-remote` for those it has", name.escape_debug());
    Err(GitError::new(ErrorKind::MissingRef, text))
}

/// HEAD leads to no commit: says where it leads, and which branches it could.
fn no_commit(remote: &Remote, options: &Options, refs: &[Ref], stop: &AtomicBool) -> GitError {
    // Asked only now: a repository may have very many. Without an answer none is named.
    let branches = gauged(Bounds::of(options), stop, &|_| {}, |gauge| list(remote, options, BRANCHES, gauge));
    let branches: Vec<_> = branches.into_iter().flatten().filter_map(|found| tip_of(&found)).collect();
    let named = refs.iter().find_map(|found| match found {
        Ref::Unborn { target, .. } => Some(printable(&target.to_str_lossy())),
        _ => None,
    });
    let mut others = branches.iter().map(|tip| &tip.reference).filter(|name| name.starts_with(BRANCHES));
    let text = match others.next() {
        None => format!("{remote} has no commit on its default branch yet: push one, or name a ref that has"),
        Some(first) => {
            let named = named.map_or_else(|| "nothing".to_owned(), |named| format!("{named}, which is not there"));
            let more = match others.count() {
                0 => "is".to_owned(),
                more => format!("and {more} more are"),
            };
            let first = printable(first);
            format!(
                "HEAD of {remote} names {named}, but {first} {more}: follow a branch by its name, or mend HEAD there"
            )
        }
    };
    GitError::new(ErrorKind::EmptyRepository, text)
}

/// What the full names of branches begin with.
const BRANCHES: &str = "refs/heads/";

/// The refs that could be meant by `name`, and `HEAD`.
fn list(remote: &Remote, options: &Options, name: &str, gauge: &Gauge) -> Result<Vec<Ref>, GitError> {
    let Connected { mut transport, program, stderr, transcript } = connection::connect_to(remote, options)?;
    gauge.watch(program);
    let failed = |error| Failure::new(remote, options).with_transcript(&transcript, stderr.as_ref()).explain(&error);
    let mut silent = gix::progress::Discard;
    let Handshake { refs, capabilities, .. } = gix::protocol::handshake(
        &mut transport,
        Service::UploadPack,
        connection::credentials(options),
        Vec::new(),
        &mut silent,
    )
    .map_err(failed)?;
    let format = capabilities.capability("object-format").and_then(|found| Some(found.value()?.to_owned()));
    if let Some(other) = format.filter(|format| format != "sha1") {
        let text = format!("{remote} names its objects by {other}, which is not supported: only sha1 is");
        return Err(GitError::new(ErrorKind::Unsupported, text));
    }
    // Servers of the old protocols have sent all their refs already.
    if let Some(refs) = refs {
        return Ok(refs);
    }
    let names = candidates(name).into_iter().filter(|name| name != "HEAD").chain([BString::from("HEAD")]);
    listing::list(&mut transport, &capabilities, options.user_agent.clone(), names).map_err(failed)?.map_err(
        |TooMany| {
            let text = format!("{remote} lists {} that begin with {}", TooMany::WHAT, name.escape_debug());
            GitError::new(ErrorKind::TooLarge, text)
        },
    )
}

/// Refuses what git would never accept as a name, before it reaches a remote.
pub(crate) fn check_name(name: &str) -> Result<(), GitError> {
    gix::validate::reference::name_partial(name.into()).map(drop).map_err(|_| {
        let text = format!("{name:?} is not a valid name of a ref: give a branch or a tag");
        GitError::new(ErrorKind::MissingRef, text)
    })
}

/// The full names that git tries for a short one, in its order.
fn candidates(name: &str) -> Vec<BString> {
    if name == "HEAD" || name.starts_with("refs/") {
        return vec![name.into()];
    }
    let pattern = ["", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/"];
    let mut names: Vec<BString> = pattern.iter().map(|prefix| format!("{prefix}{name}").into()).collect();
    names.push(format!("refs/remotes/{name}/HEAD").into());
    names
}

fn tip_of(found: &Ref) -> Option<Tip> {
    let text = |name: &BString| name.to_str().ok().map(str::to_owned);
    match found {
        Ref::Peeled { full_ref_name, tag, object } => {
            Some(Tip { reference: text(full_ref_name)?, oid: Oid(*tag), commit: Some(Oid(*object)) })
        }
        Ref::Direct { full_ref_name, object } => {
            Some(Tip { reference: text(full_ref_name)?, oid: Oid(*object), commit: Some(Oid(*object)) })
        }
        Ref::Symbolic { target, tag, object, .. } => {
            Some(Tip { reference: text(target)?, oid: Oid(tag.unwrap_or(*object)), commit: Some(Oid(*object)) })
        }
        Ref::Unborn { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_is_tried_in_gits_order() {
        let names: Vec<String> = candidates("v1").iter().map(ToString::to_string).collect();
        let want = ["v1", "refs/v1", "refs/tags/v1", "refs/heads/v1", "refs/remotes/v1", "refs/remotes/v1/HEAD"];
        assert_eq!(names, want);
        assert_eq!(candidates("refs/heads/main").len(), 1);
    }
}
