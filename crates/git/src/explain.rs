//! Turns gix's errors into ours: the class by what the error is, one sentence for a person, and no secret in it.

use std::io;

use gix::protocol::transport::client;

use crate::classify::{of_an_end, of_words};
use crate::foreign_text::{printable, scrub};
use crate::http_error::HttpErrors;
use crate::program::ProgramStderr;
use crate::transcript::Transcript;
use crate::{ErrorKind, GitError, Options, Remote, local};

/// What was being done when it failed.
pub(crate) struct Failure<'a> {
    pub(crate) remote: &'a Remote,
    options: &'a Options,
    transcript: Option<&'a Transcript>,
    stderr: Option<&'a ProgramStderr>,
}

impl<'a> Failure<'a> {
    /// A failure with `remote`.
    pub(crate) fn new(remote: &'a Remote, options: &'a Options) -> Self {
        Self { remote, options, transcript: None, stderr: None }
    }

    /// Adds what the other side said, and the program in between, which may know more.
    pub(crate) fn with_transcript(self, transcript: &'a Transcript, stderr: Option<&'a ProgramStderr>) -> Self {
        Self { transcript: Some(transcript), stderr, ..self }
    }

    /// The class and the sentence of an error on the way to or from the remote.
    pub(crate) fn explain(&self, error: &gix::Error) -> GitError {
        let (remote, options) = (self.remote, self.options);
        if error.is_cancelled() {
            return GitError::new(ErrorKind::Interrupted, format!("stopped while fetching {remote}"));
        }
        if let Some(refusal) = self.transcript.and_then(Transcript::refusal) {
            return refusal;
        }
        if error.is_unauthenticated() || withheld(error) {
            return HttpErrors::new(remote, options).unauthenticated("");
        }
        if error.is_resource_exhausted() {
            let max = options.fetched_object_bytes_max();
            let text = format!(
                "{remote} holds an object of more than the {max} bytes that a fetch may unpack: take it out, or raise \
                git.object_size_max above its size"
            );
            return GitError::new(ErrorKind::TooLarge, text);
        }
        if let Some(failure) =
            local::unreadable(remote).or_else(|| self.by_disk(error)).or_else(|| self.by_words(error))
        {
            return failure;
        }
        self.by_conversation(error, &scrub(&root_cause(error), options))
    }

    /// What the other side or a program said before it hung up; `None` when that says nothing about the failure.
    fn by_words(&self, error: &gix::Error) -> Option<GitError> {
        let (remote, options) = (self.remote, self.options);
        let error_line = self.transcript.and_then(Transcript::error);
        let words = |said: &str| of_words(said, remote, options);
        let ended = error_line.is_some() || has_ended(error);
        let stderr = self.stderr.filter(|_| ended).map(ProgramStderr::read).unwrap_or_default();
        if has_message(error, "not our ref")
            || error_line.as_ref().is_some_and(|error_line| {
                error_line.contains(
                    "not \
            our ref",
                )
            })
        {
            let moved = || {
                let text = format!(
                    "{remote} moved the ref while it was fetched, or lacks the commit that it names: try again"
                );
                GitError::temporary(ErrorKind::MissingRef, text)
            };
            return Some(words(&stderr).filter(|failure| failure.kind() == ErrorKind::BadSource).unwrap_or_else(moved));
        }
        let mut said = self.transcript.map(Transcript::messages).filter(|_| ended).unwrap_or_default();
        if let Some(error_line) = error_line {
            said.push_str(&format!("\nerror: {error_line}"));
        }
        words(&said).or_else(|| words(&stderr)).or_else(|| of_an_end(&stderr, remote, options))
    }

    /// How the conversation with the remote broke.
    fn by_conversation(&self, error: &gix::Error, cause: &str) -> GitError {
        let remote = self.remote;
        if is_network(error) {
            return GitError::temporary(ErrorKind::Unreachable, format!("cannot reach {remote}: {cause}"));
        }
        if error.is_corrupted() {
            let text = format!("what {remote} sent, or the mirror of it holds, is damaged or incomplete: {cause}");
            return GitError::temporary(ErrorKind::Corrupt, text);
        }
        // What is cut short on our disk counts as corrupted.
        if has_ended(error) {
            let text = format!("the connection to {remote} broke off: {cause}");
            return GitError::temporary(ErrorKind::Unreachable, text);
        }
        // No file is missing, so it is an object, and negotiation reads only those of the mirror.
        if error.is_not_found() && io_errors(error).next().is_none() {
            let text = format!("the mirror of {remote} lacks an object: {cause}");
            return GitError::temporary(ErrorKind::MissingObject, text);
        }
        if error.is_unsupported() {
            let text = format!("{remote} needs a part of git's protocol that is not supported: {cause}");
            return GitError::new(ErrorKind::Other, text);
        }
        let text = format!("cannot fetch {remote}: {cause}");
        match error.can_retry_lenient() {
            true => GitError::temporary(ErrorKind::Other, text),
            false => GitError::new(ErrorKind::Other, text),
        }
    }

    fn by_disk(&self, error: &gix::Error) -> Option<GitError> {
        let kinds = [
            io::ErrorKind::StorageFull,
            io::ErrorKind::QuotaExceeded,
            io::ErrorKind::ReadOnlyFilesystem,
            io::ErrorKind::PermissionDenied,
        ];
        let found = io_errors(error).find(|found| kinds.contains(&found.kind()))?;
        let text = format!("cannot write the mirror of {}: {found}", self.remote);
        Some(GitError::new(ErrorKind::Local, text))
    }
}

/// The two innermost messages of an error: what was tried, and why that failed. Fit to be printed, tokens aside.
pub(crate) fn root_cause(error: &gix::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in error.iter_errors().map(ToString::to_string) {
        if !parts.iter().any(|known| known.contains(&part)) {
            parts.push(part);
        }
    }
    printable(&parts[parts.len().saturating_sub(2)..].join(": "))
}

/// The io errors in an error, also those inside of other io errors.
fn io_errors(error: &gix::Error) -> impl Iterator<Item = &io::Error> {
    error.iter_errors().filter_map(|cause| cause.downcast_ref::<io::Error>())
}

fn has_io(error: &gix::Error, kinds: &[io::ErrorKind]) -> bool {
    io_errors(error).any(|found| kinds.contains(&found.kind()))
}

fn has_message(error: &gix::Error, part: &str) -> bool {
    error.iter_errors().any(|cause| cause.to_string().contains(part))
}

/// Whether the other side hung up.
fn has_ended(error: &gix::Error) -> bool {
    has_io(error, &[io::ErrorKind::UnexpectedEof, io::ErrorKind::BrokenPipe]) || has_message(error, "there was none")
}

fn is_network(error: &gix::Error) -> bool {
    let kinds = [
        io::ErrorKind::ConnectionRefused,
        io::ErrorKind::ConnectionReset,
        io::ErrorKind::ConnectionAborted,
        io::ErrorKind::NotConnected,
        io::ErrorKind::HostUnreachable,
        io::ErrorKind::NetworkUnreachable,
        io::ErrorKind::NetworkDown,
        io::ErrorKind::TimedOut,
        io::ErrorKind::BrokenPipe,
    ];
    error.is_retryable() || has_io(error, &kinds) || has_message(error, "error sending request")
}

/// Whether gix itself would not send what it was given: a token over http.
fn withheld(error: &gix::Error) -> bool {
    let refused = |cause: &(dyn std::error::Error + 'static)| {
        matches!(cause.downcast_ref(), Some(client::Error::AuthenticationRefused(_)))
    };
    error.iter_errors().any(refused)
}
