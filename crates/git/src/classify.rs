//! The messages of git, ssh and hosts, classified.
//!
//! The messages are those of git 2.47, OpenSSH 9 and the forges (GitHub, GitLab, Gitea, Bitbucket) as they print them
//! today. What no rule knows is shown all the same, and counts as a refusal where the other side calls it an error.

use std::time::Duration;

use crate::foreign_text::{lines, shown};
use crate::{ErrorKind, GitError, Options, Remedy, Remote};

/// Words of a kind, in lower case. The first rule that matches counts, so what says more stands first.
const RULES: [(ErrorKind, &[&str]); 13] = [
    (ErrorKind::RateLimited, &["rate limit", "ratelimit", "too many requests", "quota exceeded", "abuse detection"]),
    (
        ErrorKind::Maintenance,
        &[
            "maintenance",
            "temporarily unavailable",
            "temporarily down",
            "try again later",
            "service unavailable",
            "undergoing",
            "being upgraded",
        ],
    ),
    (ErrorKind::Archived, &["archived"]),
    (ErrorKind::Moved, &["has moved", "was moved", "been moved", "been renamed", "repository moved", "new location"]),
    (ErrorKind::Partial, &["from promisor remote", "lazy fetching", "filtered out"]),
    (
        ErrorKind::Unsupported,
        &["unknown repository extension", "git repo version", "unknown ref storage", "unsupported object format"],
    ),
    (
        ErrorKind::Local,
        &[
            "unable to negotiate",
            "no matching host key",
            "no matching key exchange",
            "bad owner or permissions",
            "bad configuration option",
            "unprotected private key",
            "no such identity",
            "load key",
        ],
    ),
    (
        ErrorKind::Unauthenticated,
        &[
            "permission denied (",
            "permission denied, please",
            "host key verification failed",
            "too many authentication failures",
            "authentication failed",
            "no supported authentication methods",
            "key you are authenticating with",
        ],
    ),
    (
        ErrorKind::Forbidden,
        &[
            "saml",
            "sso",
            "single sign-on",
            "not authorized",
            "not allowed",
            "unauthorized",
            "access denied",
            "forbidden",
            "insufficient",
            "suspended",
            "is disabled",
            "has been disabled",
            "been blocked",
            "permission denied",
            "operation not permitted",
        ],
    ),
    (
        ErrorKind::NotFound,
        &[
            "not found",
            "could not be found",
            "does not exist",
            "not appear to be a git repository",
            "no such",
            "not a git repository",
        ],
    ),
    (
        ErrorKind::BadSource,
        &[
            "corrupt",
            "does not match index",
            "bad tree object",
            "bad object",
            "unable to read",
            "missing blob",
            "missing tree",
            "missing object",
            "bad config line",
            "inflate:",
            "is too small",
            "is empty",
        ],
    ),
    (
        ErrorKind::Unreachable,
        &[
            "resolve hostname",
            "connect to host",
            "connection closed",
            "connection reset",
            "connection refused",
            "connection timed out",
            "closed by remote host",
            "timed out",
            "timeout",
            "network is unreachable",
            "no route to host",
            "broken pipe",
        ],
    ),
    (ErrorKind::NotFound, &["could not read from remote"]),
];

/// What begins a line by which the other side refuses.
const REFUSALS: [&str; 2] = ["error:", "fatal:"];

/// The failure that messages report; `None` where no rule knows them and they are no refusal.
pub(crate) fn of_words(said: &str, remote: &Remote, options: &Options) -> Option<GitError> {
    let lines = lines(said);
    let without: Vec<_> = lines.iter().map(|line| without_names(line, remote)).collect();
    let shown = || shown(&lines, options);
    if let Some(kind) = kind_of(&without) {
        return Some(sentence(kind, remote, &shown(), wait_in(&without)));
    }
    let refused = without.iter().any(|line| REFUSALS.iter().any(|start| line.starts_with(start)));
    refused.then(|| {
        GitError::with(ErrorKind::Other, Remedy::Elsewhere, format!("the host of {remote} refused: {}", shown()))
    })
}

/// The failure of a program that ended with a message that no rule knows; `None` where it said nothing.
pub(crate) fn of_an_end(said: &str, remote: &Remote, options: &Options) -> Option<GitError> {
    let lines = lines(said);
    let text = || format!("the connection to {remote} broke off: {}", shown(&lines, options));
    (!lines.is_empty()).then(|| GitError::new(ErrorKind::Unreachable, text()))
}

/// The failure of a kind with what was said about it.
pub(crate) fn sentence(kind: ErrorKind, remote: &Remote, said: &str, wait: Option<Duration>) -> GitError {
    let local = remote.is_local();
    let text = match kind {
        ErrorKind::RateLimited => {
            let text = format!("the host of {remote} limits the rate of requests ({said}): {}", patience(wait));
            return GitError::with(kind, Remedy::Later(wait), text);
        }
        ErrorKind::Maintenance => {
            let text = format!("the host of {remote} is down for maintenance ({said}): {}", patience(wait));
            return GitError::with(kind, Remedy::Later(wait), text);
        }
        ErrorKind::Archived => format!("{remote} was archived ({said}): ask its owner, or follow it no longer"),
        ErrorKind::Moved => format!("{remote} has moved ({said}): follow it at its new location"),
        ErrorKind::Partial => {
            format!(
                "{remote} is a partial clone that lacks objects ({said}): name the repository that it is a clone of"
            )
        }
        ErrorKind::Unsupported => format!("{remote} is of a format that is not supported ({said})"),
        ErrorKind::Local => format!("ssh cannot be used for {remote}: {said}"),
        ErrorKind::Unauthenticated => {
            format!("{remote} refused us ({said}): give ssh a key that may read it, and accept the host's key once")
        }
        ErrorKind::Forbidden if local => format!("cannot read {remote}: {said}: give this user the right to read it"),
        ErrorKind::Forbidden => format!("the host of {remote} does not let us read it: {said}"),
        ErrorKind::NotFound => format!("{remote} was not found, or we may not see it: {said}"),
        ErrorKind::BadSource => {
            format!("the repository {remote} is damaged ({said}): run `git fsck` there to see what is missing")
        }
        ErrorKind::Unreachable => format!("cannot reach {remote}: {said}"),
        _ => format!("cannot fetch {remote}: {said}"),
    };
    GitError::new(kind, text)
}

fn patience(wait: Option<Duration>) -> String {
    match wait {
        Some(wait) => format!("retrying after {} s", wait.as_secs()),
        None => "retrying later".to_owned(),
    }
}

/// The kind of the last line that any rule but that of broken connections knows: those come after the reason. Else of
/// the last line that any rule knows.
fn kind_of(lines: &[String]) -> Option<ErrorKind> {
    let of_line = |line: &String| {
        let rule = RULES.iter().find(|(_, words)| words.iter().any(|words| line.contains(words)));
        rule.map(|(kind, _)| *kind)
    };
    let kinds = || lines.iter().rev().filter_map(of_line);
    let vague = [ErrorKind::Unreachable, ErrorKind::BadSource];
    kinds()
        .find(|kind| !vague.contains(kind))
        .or_else(|| kinds().find(|kind| *kind == ErrorKind::BadSource))
        .or_else(|| kinds().next())
}

/// A line in lower case, without what the owner of the repository named: a repository may be called `maintenance`.
fn without_names(line: &str, remote: &Remote) -> String {
    let line = line.to_lowercase();
    let location = remote.location().to_string().to_lowercase();
    let path = location.split_once('/').map_or(location.as_str(), |(_, path)| path);
    let line = line.replace(&remote.url().to_lowercase(), "").replace(path, "");
    match remote.name().to_lowercase() {
        name if name.len() < 4 => line,
        name => line.replace(&name, ""),
    }
}

/// How long the words ask us to wait: `try again in 10 minutes`.
fn wait_in(lines: &[String]) -> Option<Duration> {
    let words: Vec<&str> = lines.iter().flat_map(|line| line.split_whitespace()).collect();
    words.windows(3).find_map(|three| {
        let ["in" | "after", number, unit] = three else { return None };
        let unit = match *unit {
            unit if unit.starts_with("second") => 1,
            unit if unit.starts_with("minute") => 60,
            unit if unit.starts_with("hour") => 3600,
            _ => return None,
        };
        Some(Duration::from_secs(number.parse::<u32>().ok().map(u64::from)? * unit).min(WAIT_MAX))
    })
}

/// The longest that a host can make us wait: what it says may be a mistake.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    fn classified(said: &str) -> GitError {
        let remote = Remote::from_url("git@git.example.com:maintenance/archived-app.git").expect("a URL");
        of_words(said, &remote, &Options::default()).expect(said)
    }

    #[test]
    fn a_reason_counts_before_the_broken_connection_that_follows_it() {
        let said = "remote: The server is in maintenance mode, try again in 10 minutes\nConnection to h closed by \
            remote host.";
        let error = classified(said);
        assert_eq!(error.kind(), ErrorKind::Maintenance, "{error}");
        assert_eq!(error.remedy(), Remedy::Later(Some(Duration::from_mins(10))), "{error}");
        assert_eq!(classified("Connection closed by 192.0.2.1 port 22").kind(), ErrorKind::Unreachable);
    }

    #[test]
    fn what_the_owner_called_the_repository_decides_nothing() {
        for said in ["ERROR: Repository 'maintenance/archived-app' not found.", "fatal: archived-app: not found"] {
            assert_eq!(classified(said).kind(), ErrorKind::NotFound, "{said}");
        }
    }

    #[test]
    fn what_nobody_listed_is_shown_and_is_a_refusal_where_the_other_side_calls_it_an_error() {
        let error = classified("ERROR: something unheard of");
        assert!(error.remedy() == Remedy::Elsewhere && error.to_string().contains("something unheard"), "{error}");
        let remote = Remote::from_url("h.example:a").expect("a URL");
        let said = |said, of: fn(&str, &Remote, &Options) -> Option<GitError>| of(said, &remote, &Options::default());
        assert!(said("something unheard of", of_words).is_none());
        let error = said("something unheard of", of_an_end).expect("something was said");
        assert!(error.remedy() == Remedy::Retry && error.to_string().contains("something unheard"), "{error}");
        assert!(said("=====\n", of_words).is_none() && said("=====\n", of_an_end).is_none());
    }
}
