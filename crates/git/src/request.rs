//! A piece of git's work as a message, and its answers: so that it can be done in another process, which can be killed.
//!
//! Whoever takes a mirror keeps its lock and hands out requests; who does them needs nothing but the message.

use std::ffi::OsString;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::compare;
use crate::mutex::lock;
use crate::update::{Fetched, Update};
use crate::{Change, ErrorKind, GitError, Oid, Options, Remote, Tip, changes, tip};

/// Changes in one answer, at most.
const BATCH_FILES: usize = 32;

/// Bytes of paths in one answer, about: one path may have 64 KiB.
const BATCH_BYTES: usize = 256 << 10;

/// Between two responses that report how many bytes came.
const REPORT_INTERVAL: Duration = Duration::from_millis(100);

/// Something that git is to do. Its message holds the tokens of its [`Options`]: it belongs on a pipe and nowhere else.
#[derive(Serialize, Deserialize)]
pub struct Request {
    options: Options,
    what: What,
}

#[derive(Serialize, Deserialize)]
enum What {
    Ask { remote: Remote, reference: Option<String> },
    Fetch { remote: Remote, folder: OsString, generation: u64, reference: String, base: Option<Oid> },
    List { mirror: OsString, from: Option<Oid>, to: Oid },
}

/// What is transcript of a request. The last one is that of its kind with a `Result`.
#[derive(Debug, Serialize, Deserialize)]
pub enum Response {
    /// So many bytes of a pack came so far.
    Bytes(u64),
    /// What differs, in pieces.
    Changes(Vec<Change>),
    /// The end of [`Request::ask`].
    Tip(Result<Tip, GitError>),
    /// The end of a fetch.
    Fetched(Result<Fetched, GitError>),
    /// The end of a listing.
    Listed(Result<(), GitError>),
}

/// Takes the answers. [`ControlFlow::Break`]: nobody listens any more.
pub type Responses<'a> = &'a (dyn Fn(Response) -> ControlFlow<()> + Sync);

impl Request {
    /// Asks what `reference` points to at the remote (`None` is `HEAD`): one listing of refs, no object, no mirror.
    ///
    /// A short name is resolved as git does: tags before branches.
    #[must_use]
    pub fn ask(remote: &Remote, reference: Option<&str>, options: Options) -> Self {
        Self { options, what: What::Ask { remote: remote.clone(), reference: reference.map(str::to_owned) } }
    }

    pub(crate) fn fetch(
        remote: &Remote,
        options: &Options,
        (folder, generation): (&Path, u64),
        reference: &str,
        base: Option<Oid>,
    ) -> Self {
        let (remote, reference) = (remote.clone(), reference.to_owned());
        let what = What::Fetch { remote, folder: folder.into(), generation, reference, base };
        Self { options: options.clone(), what }
    }

    pub(crate) fn list(options: &Options, mirror: &Path, from: Option<Oid>, to: Oid) -> Self {
        // To list a mirror nobody's token is needed.
        let options = Options { credentials: vec![], ..options.clone() };
        Self { options, what: What::List { mirror: mirror.into(), from, to } }
    }

    /// As a message.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn to_bytes(&self) -> Result<Vec<u8>, GitError> {
        rmp_serde::to_vec(self).map_err(|error| unsaid(&error))
    }

    /// From a message.
    ///
    /// # Errors
    /// When it is none of ours.
    pub fn from_bytes(message: &[u8]) -> Result<Self, GitError> {
        rmp_serde::from_slice(message).map_err(|error| unsaid(&error))
    }

    /// Does it here, on this thread. `stop` is for callers that cannot kill a process: what looks at it ends early.
    pub fn run(self, stop: &AtomicBool, answers: Responses<'_>) {
        let Self { options, what } = self;
        let ended = match what {
            What::Ask { remote, reference } => Response::Tip(tip::ask(&remote, &options, reference.as_deref(), stop)),
            What::Fetch { remote, folder, generation, reference, base } => {
                let reported = Mutex::new((0, Instant::now()));
                let progress = |bytes| {
                    let mut reported = lock(&reported);
                    if reported.0 != bytes && reported.1.elapsed() >= REPORT_INTERVAL {
                        *reported = (bytes, Instant::now());
                        // Who does not listen any more ends this otherwise.
                        let _ = answers(Response::Bytes(bytes));
                    }
                };
                let update = Update { folder: Path::new(&folder), generation, remote: &remote, options: &options };
                Response::Fetched(update.run(&reference, base, stop, &progress))
            }
            What::List { mirror, from, to } => {
                Response::Listed(list(Path::new(&mirror), &options, from.as_ref(), &to, stop, answers))
            }
        };
        let _ = answers(ended);
    }

    /// Does it in a process that does nothing else, and is killed as a whole: the programs that it starts stay in the
    /// group of this process, and all the memory of this process is that of the request.
    pub fn run_alone(mut self, answers: Responses<'_>) {
        self.options.alone = true;
        self.run(&AtomicBool::new(false), answers);
    }
}

impl Response {
    /// As a message.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn to_bytes(&self) -> Result<Vec<u8>, GitError> {
        rmp_serde::to_vec(self).map_err(|error| unsaid(&error))
    }

    /// From a message.
    ///
    /// # Errors
    /// When it is none of ours.
    pub fn from_bytes(message: &[u8]) -> Result<Self, GitError> {
        rmp_serde::from_slice(message).map_err(|error| unsaid(&error))
    }
}

/// Lists in pieces of a bounded size.
fn list(
    mirror: &Path,
    options: &Options,
    from: Option<&Oid>,
    to: &Oid,
    stop: &AtomicBool,
    answers: Responses<'_>,
) -> Result<(), GitError> {
    let (mut batch, mut bytes) = (Vec::with_capacity(BATCH_FILES), 0);
    let read = changes::Read::Attributes;
    compare::walk(mirror, options, (from, to), read, stop, &mut |change: Change| {
        bytes += change.path.len();
        batch.push(change);
        if batch.len() < BATCH_FILES && bytes < BATCH_BYTES {
            return ControlFlow::Continue(());
        }
        bytes = 0;
        answers(Response::Changes(std::mem::replace(&mut batch, Vec::with_capacity(BATCH_FILES))))
    })?;
    if !batch.is_empty() {
        let _ = answers(Response::Changes(batch));
    }
    Ok(())
}

fn unsaid(error: &impl std::fmt::Display) -> GitError {
    GitError::temporary(ErrorKind::Other, format!("a message about git's work cannot be written or read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Attributes, ChangeKind, Credential, Secret, SecretSource};

    #[test]
    fn an_errand_and_its_answers_survive_the_way_through_a_pipe() {
        let token = Credential {
            host: "example.org".into(),
            username: "me".into(),
            token: SecretSource::Text(Secret::new("s3cr3t")),
        };
        let options = Options { credentials: vec![token], ..Options::default() };
        let remote = Remote::from_url("https://example.org/a").expect("a URL");
        let sent = Request::ask(&remote, Some("main"), options).to_bytes().expect("bytes");
        let got = Request::from_bytes(&sent).expect("a request");
        let token = got.options.credentials[0].token.read().expect("it is here");
        assert_eq!(token.expose(), "s3cr3t");
        assert!(matches!(got.what, What::Ask { remote: there, reference } if there == remote && reference.is_some()));

        let oid: Oid = "4b825dc642cb6eb9a060e54bf8d69288fbee4904".parse().expect("an oid");
        let attributes = Attributes { language: Some("C++".to_owned()), binary: Some(false), ..Attributes::default() };
        let changes = vec![
            Change { path: b"\xff/a".to_vec(), kind: ChangeKind::File { oid, executable: true, attributes } },
            Change { path: b"b".to_vec(), kind: ChangeKind::Gone },
        ];
        let got =
            Response::from_bytes(&Response::Changes(changes.clone()).to_bytes().expect("bytes")).expect("an answer");
        assert!(matches!(got, Response::Changes(there) if there == changes));
        let error = GitError::new(ErrorKind::TooLarge, "too large");
        let got = Response::from_bytes(&Response::Listed(Err(error)).to_bytes().expect("bytes")).expect("an answer");
        let Response::Listed(Err(error)) = got else { panic!("{got:?}") };
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::TooLarge, "too large"));
        assert!(Response::from_bytes(b"what is none of ours").is_err());
    }

    #[test]
    fn to_list_a_mirror_takes_no_token() {
        let token = Credential {
            host: "example.org".into(),
            username: "me".into(),
            token: SecretSource::Text(Secret::new("s3cr3t")),
        };
        let options = Options { credentials: vec![token], ..Options::default() };
        let oid: Oid = "4b825dc642cb6eb9a060e54bf8d69288fbee4904".parse().expect("an oid");
        let sent = Request::list(&options, Path::new("/m"), None, oid).to_bytes().expect("bytes");
        assert!(!sent.windows(6).any(|six| six == b"s3cr3t"));
    }
}
