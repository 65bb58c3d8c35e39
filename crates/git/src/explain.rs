//! Turns gix's errors into ours: the class by what the error is, one sentence for a person, and no secret in it.

use std::io;

use gix::protocol::transport::client;

use crate::program::Complaint;
use crate::remote::Protocol;
use crate::{ErrorKind, GitError, Options, Remote};

/// What was being done when it failed.
pub(crate) struct Failure<'a> {
    pub(crate) remote: &'a Remote,
    options: &'a Options,
    complaint: Option<&'a Complaint>,
}

impl<'a> Failure<'a> {
    /// A failure with `remote`.
    pub(crate) fn new(remote: &'a Remote, options: &'a Options) -> Self {
        Self { remote, options, complaint: None }
    }

    /// Adds the program in between, which may know more.
    pub(crate) fn heard(self, complaint: Option<&'a Complaint>) -> Self {
        Self { complaint, ..self }
    }

    /// The class and the sentence of an error on the way to or from the remote.
    pub(crate) fn explain(&self, error: &gix::Error) -> GitError {
        let remote = self.remote;
        let cause = self.scrub(&root_cause(error));
        if error.is_cancelled() {
            return GitError::new(ErrorKind::Interrupted, format!("stopped while fetching {remote}"));
        }
        if let Some(failure) = http_status(error).and_then(|status| self.by_status(status)) {
            return failure;
        }
        if error.is_unauthenticated() || withheld(error) {
            return self.unauthenticated();
        }
        if has_message(error, "not our ref") {
            let text = format!("{remote} moved the ref while it was fetched: try again");
            return GitError::temporary(ErrorKind::MissingRef, text);
        }
        if error.is_resource_exhausted() {
            let max = self.options.fetched_object_bytes_max();
            let text = format!(
                "{remote} holds an object of more than the {max} bytes that a fetch may unpack: take it out, or raise git.object_size_max above its size"
            );
            return GitError::new(ErrorKind::TooLarge, text);
        }
        if let Some(failure) = self.by_disk(error) {
            return failure;
        }
        self.by_conversation(error, &cause)
    }

    /// How the conversation with the remote broke.
    fn by_conversation(&self, error: &gix::Error, cause: &str) -> GitError {
        let remote = self.remote;
        let ended = has_io(error, &[io::ErrorKind::UnexpectedEof, io::ErrorKind::BrokenPipe])
            || has_message(error, "there was none");
        if let Some(complaint) = self.complaint.filter(|_| ended)
            && let Some(failure) = self.by_complaint(&complaint.hear())
        {
            return failure;
        }
        if is_network(error) {
            return GitError::temporary(ErrorKind::Unreachable, format!("cannot reach {remote}: {cause}"));
        }
        if error.is_corrupted() {
            let text = format!("what {remote} sent, or the mirror of it holds, is damaged or incomplete: {cause}");
            return GitError::temporary(ErrorKind::Corrupt, text);
        }
        // What is cut short on our disk counts as corrupted.
        if ended {
            let text = format!("the connection to {remote} broke off: {cause}");
            return GitError::temporary(ErrorKind::Unreachable, text);
        }
        // No file is missing, so it is an object, and negotiation reads only those of the mirror.
        if error.is_not_found() && io_errors(error).next().is_none() {
            let text = format!("the mirror of {remote} lacks an object: {cause}");
            return GitError::temporary(ErrorKind::MissingObject, text);
        }
        if error.is_unsupported() {
            let text = format!("{remote} does not speak git the way we do: {cause}");
            return GitError::new(ErrorKind::Other, text);
        }
        let text = format!("cannot fetch {remote}: {cause}");
        match error.can_retry_lenient() {
            true => GitError::temporary(ErrorKind::Other, text),
            false => GitError::new(ErrorKind::Other, text),
        }
    }

    /// What the program said before it hung up; `None` when that tells nothing.
    fn by_complaint(&self, complaint: &str) -> Option<GitError> {
        let remote = self.remote;
        let said = |parts: &[&str]| parts.iter().any(|part| complaint.contains(part));
        let cause = self.scrub(complaint.trim());
        if cause.is_empty() {
            return None;
        }
        if said(&["dubious ownership"]) {
            let text = format!(
                "git does not serve {remote}, because another user owns it: allow it with `git config --global --add safe.directory PATH`"
            );
            return Some(GitError::new(ErrorKind::NotARepository, text));
        }
        if said(&["Permission denied", "Host key verification failed", "Too many authentication failures"]) {
            return Some(self.unauthenticated());
        }
        if said(&[
            "resolve hostname",
            "connect to host",
            "Connection closed",
            "Connection reset",
            "closed by remote host",
            "timed out",
            "Timeout",
        ]) {
            return Some(GitError::temporary(ErrorKind::Unreachable, format!("cannot reach {remote}: {cause}")));
        }
        if said(&[
            "not appear to be a git repository",
            "not a git repository",
            "not found",
            "does not exist",
            "Could not read from",
        ]) {
            let text = format!("{remote} is not there, or not for us: {cause}");
            return Some(GitError::new(ErrorKind::NotFound, text));
        }
        None
    }

    fn by_status(&self, status: u16) -> Option<GitError> {
        let remote = self.remote;
        match status {
            401 | 403 => Some(self.unauthenticated()),
            404 | 410 => {
                let text = format!(
                    "there is no repository {remote}, or its host hides it from us: check the URL, or configure [[git.credentials]] for it"
                );
                Some(GitError::new(ErrorKind::NotFound, text))
            }
            408 | 425 | 429 | 500.. => {
                let text = format!("cannot reach {remote}: its host answered with HTTP status {status}");
                Some(GitError::temporary(ErrorKind::Unreachable, text))
            }
            _ => None,
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

    fn unauthenticated(&self) -> GitError {
        let remote = self.remote;
        let host = remote.host().unwrap_or_default();
        let known = self.options.credentials.iter().find(|credential| credential.host == host);
        if let Some(Err(error)) = known.map(|credential| credential.token.read()) {
            let text = format!("{remote} asks for credentials, and the token for {host} cannot be read: {error}");
            return GitError::new(ErrorKind::Local, text);
        }
        let known = known.is_some();
        let text = match remote.protocol() {
            Protocol::Ssh => {
                format!("{remote} refused us: give ssh a key that may read it, and accept the host's key once")
            }
            Protocol::Http if known => {
                format!("{remote} asks for credentials, which are never sent in clear text: use https")
            }
            _ if known => {
                format!("{remote} refused the git credentials configured for {host}: check the token and its rights")
            }
            _ => format!("{remote} asks for credentials: configure [[git.credentials]] for {host}"),
        };
        GitError::new(ErrorKind::Unauthenticated, text)
    }

    /// Takes out of a foreign text what must not be printed.
    fn scrub(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.options.credentials.iter().filter_map(|credential| credential.token.read().ok()) {
            if !secret.expose().is_empty() {
                text = text.replace(secret.expose(), "[redacted]");
            }
        }
        printable(&text)
    }
}

/// How much of a foreign text goes into our sentence.
const CAUSE_CHARS_MAX: usize = 300;

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

/// A foreign text without userinfo and control characters, and not too long.
fn printable(text: &str) -> String {
    without_userinfo(text).chars().map(|c| if c.is_control() { ' ' } else { c }).take(CAUSE_CHARS_MAX).collect()
}

/// `scheme://user:password@host` without what stands before the `@`.
fn without_userinfo(text: &str) -> String {
    let mut pieces = text.split("://");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'')).unwrap_or(piece.len());
        let (url, rest) = piece.split_at(end);
        let url = url.rsplit_once('@').map_or(url, |(_, host)| host);
        out.push_str("://");
        out.push_str(url);
        out.push_str(rest);
    }
    out
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

/// gix keeps the status only in its text; the type below it belongs to the http client.
fn http_status(error: &gix::Error) -> Option<u16> {
    error.iter_errors().find_map(|cause| cause.to_string().strip_prefix("Received HTTP status ")?.trim().parse().ok())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn userinfo_in_a_foreign_text_is_cut_out() {
        let text = "cannot read \"https://me:s3cr3t@example.org/a\" nor http://t0k3n@example.org but git@host stays";
        let want = "cannot read \"https://example.org/a\" nor http://example.org but git@host stays";
        assert_eq!(without_userinfo(text), want);
    }

    #[test]
    fn a_token_and_control_characters_in_a_foreign_text_are_replaced() {
        let remote = Remote::from_url("https://example.org/a").expect("a URL");
        let credential = crate::Credential {
            host: "example.org".into(),
            username: "me".into(),
            token: crate::Token::Text(crate::Secret::new("s3cr3t")),
        };
        let options = Options { credentials: vec![credential], ..Options::default() };
        let text = Failure::new(&remote, &options).scrub("bad token s3cr3t\n\u{1b}[31mred");
        assert_eq!(text, "bad token [redacted]  [31mred");
    }
}
