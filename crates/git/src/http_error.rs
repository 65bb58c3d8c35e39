//! An answer of an HTTP host that is not git's, classified by its status, its headers and its first line.

use std::error::Error;
use std::io::{self, Read as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gix_transport::client::AuthenticationRequired;
use reqwest::blocking::Response;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER, WWW_AUTHENTICATE};
use reqwest::{StatusCode, Url};

use crate::classify::{WAIT_MAX, of_words, sentence};
use crate::foreign_text::{lines, printable, scrub, shown};
use crate::networks::Private;
use crate::transcript::Transcript;
use crate::{ErrorKind, GitError, Options, Remedy, Remote};

/// How much of a refusal's body is read.
const BODY_BYTES_MAX: u64 = 4096;

/// Makes the errors of the HTTP requests to one remote.
#[derive(Clone)]
pub(crate) struct HttpErrors {
    remote: Remote,
    options: Options,
}

impl HttpErrors {
    pub(crate) fn new(remote: &Remote, options: &Options) -> Self {
        Self { remote: remote.clone(), options: options.clone() }
    }

    /// Lets a good answer pass. The reason of a refusal is written to `transcript`; the error is for gix.
    pub(crate) fn good(&self, response: Response, transcript: &Transcript) -> io::Result<Response> {
        let status = response.status();
        let kind = header(response.headers(), CONTENT_TYPE.as_str()).unwrap_or_default().to_owned();
        if status.is_success() && kind.starts_with("application/x-git-upload-pack-") {
            return Ok(response);
        }
        let asks = asks_for_credentials(&response);
        let headers = response.headers().clone();
        let said = self.first_words(response, &kind);
        let refusal = match status.is_success() {
            true => self.no_git(&kind, &said),
            false => self.refusal(status.as_u16(), &headers, &said),
        };
        transcript.set_refusal(Some(refusal));
        Err(asks.unwrap_or_else(|| io::Error::other(format!("HTTP status {}", status.as_u16()))))
    }

    /// Its host sends us where we do not go.
    pub(crate) fn moved(&self, to: &Url, transcript: &Transcript) -> io::Error {
        let remote = &self.remote;
        let url = self.clean(to.as_str().split(['?', '#']).next().unwrap_or_default());
        let text = format!("the host of {remote} redirects to {url}, from which it cannot be fetched: check the URL");
        transcript.set_refusal(Some(GitError::new(ErrorKind::Moved, text)));
        io::Error::other("an HTTP redirect that is not followed")
    }

    /// A private address that the configuration does not allow.
    pub(crate) fn private(&self, private: &Private, transcript: &Transcript) -> io::Error {
        transcript.set_refusal(Some(self.not_allowed(private)));
        io::Error::other(private.to_string())
    }

    /// No answer came.
    pub(crate) fn broken(&self, error: &reqwest::Error, transcript: &Transcript) -> io::Error {
        let causes = causes(error);
        let cause = self.clean(causes.last().map_or("", String::as_str));
        let says = |words: &str| causes.iter().any(|cause| cause.contains(words));
        let remote = &self.remote;
        let error = if let Some(private) = private_in(error) {
            self.not_allowed(private)
        } else if says("certificate") || says("UnknownIssuer") {
            let text = format!(
                "the certificate of the host of {remote} is not trusted ({cause}): add its authority to those of this \
                machine, or name the file that holds it in SSL_CERT_FILE"
            );
            GitError::new(ErrorKind::Certificate, text)
        } else if says("tunnel") || says("proxy") {
            let text = format!("cannot reach {remote} through the proxy that the environment names: {cause}");
            GitError::temporary(ErrorKind::Unreachable, text)
        } else if error.is_timeout() {
            GitError::new(ErrorKind::Unreachable, format!("cannot reach {remote}: its host does not answer in time"))
        } else {
            GitError::new(ErrorKind::Unreachable, format!("cannot reach {remote}: {cause}"))
        };
        transcript.set_refusal(Some(error));
        io::Error::new(io::ErrorKind::ConnectionAborted, cause)
    }

    /// The failure to ask a private address.
    pub(crate) fn not_allowed(&self, private: &Private) -> GitError {
        let (remote, private) = (&self.remote, self.clean(&private.to_string()));
        let text = format!(
            "cannot fetch {remote}: {private}, and git.private_networks does not allow it; name its own URL if you \
            trust it"
        );
        GitError::new(ErrorKind::NotAllowed, text)
    }

    fn no_git(&self, kind: &str, said: &str) -> GitError {
        let (remote, kind) = (&self.remote, self.clean(kind.split(';').next().unwrap_or_default()));
        let text = format!(
            "what answers for {remote} is no git answer but a page{} of type {kind}: check the URL, and whether its \
            host wants a login first",
            said_of(said)
        );
        GitError::with(ErrorKind::NotGit, Remedy::Elsewhere, text)
    }

    fn refusal(&self, status: u16, headers: &HeaderMap, said: &str) -> GitError {
        let remote = &self.remote;
        let (wait, words) = (wait(headers, SystemTime::now()), said_of(said));
        let answer = format!("HTTP status {status}{words}");
        let limited = status == 429 || (status == 403 && (headers.contains_key(RETRY_AFTER) || is_used_up(headers)));
        let by_words = of_words(said, remote, &self.options).map(|error| error.kind());
        match (status, by_words) {
            _ if limited => sentence(ErrorKind::RateLimited, remote, &answer, wait),
            (400.., Some(kind @ (ErrorKind::RateLimited | ErrorKind::Maintenance))) => {
                sentence(kind, remote, &answer, wait)
            }
            (400..500, Some(kind @ (ErrorKind::Archived | ErrorKind::Moved))) => sentence(kind, remote, &answer, wait),
            (503, _) if wait.is_some() => sentence(ErrorKind::Maintenance, remote, &answer, wait),
            (401, _) => self.unauthenticated(&words),
            (402 | 403, _) if self.token().is_some() => {
                let text =
                    format!("the host of {remote} does not let us read it ({answer}): check the rights of the token");
                GitError::new(ErrorKind::Forbidden, text)
            }
            (402 | 403, _) => {
                let host = remote.host().unwrap_or_default();
                let text = format!(
                    "the host of {remote} does not let us read it ({answer}): a repository that is not public needs \
                    [[git.credentials]] for {host}"
                );
                GitError::new(ErrorKind::Forbidden, text)
            }
            (404 | 410, _) => {
                let text = format!(
                    "there is no repository {remote}, or its host hides it from us{words}: check the URL, or configure \
                    [[git.credentials]] for it"
                );
                GitError::new(ErrorKind::NotFound, text)
            }
            (407, _) => {
                let text = format!(
                    "cannot reach {remote}: the proxy wants a user and a password, which its URL in the environment \
                    may hold"
                );
                GitError::new(ErrorKind::Local, text)
            }
            (451, _) => GitError::new(ErrorKind::Archived, format!("{remote} is withheld for legal reasons{words}")),
            (408 | 425 | 500.., _) => {
                GitError::new(ErrorKind::Unreachable, format!("cannot reach {remote}: its host answered with {answer}"))
            }
            _ => GitError::new(ErrorKind::NotGit, format!("cannot fetch {remote}: its host answered with {answer}")),
        }
    }

    /// The host wants credentials, or others.
    pub(crate) fn unauthenticated(&self, words: &str) -> GitError {
        let remote = &self.remote;
        let host = remote.host().unwrap_or_default();
        let text = match self.token() {
            Some(Err(error)) => {
                let text = format!("{remote} asks for credentials, and the token for {host} cannot be read: {error}");
                return GitError::new(ErrorKind::Local, text);
            }
            Some(Ok(_)) if remote.url().starts_with("http:") => {
                format!("{remote} asks for credentials, which are never sent in clear text: use https")
            }
            Some(Ok(_)) => {
                format!(
                    "{remote} refused the git credentials configured for {host}{words}: check the token and its rights"
                )
            }
            None => format!("{remote} asks for credentials{words}: configure [[git.credentials]] for {host}"),
        };
        GitError::new(ErrorKind::Unauthenticated, text)
    }

    fn token(&self) -> Option<io::Result<crate::Secret>> {
        let host = self.remote.host()?;
        self.options.credentials.iter().find(|credential| credential.host == host).map(|known| known.token.read())
    }

    /// The first line of a text for people, or the title of a page.
    fn first_words(&self, response: Response, kind: &str) -> String {
        let mut body = Vec::new();
        // A body that breaks off has said what it has.
        let _ = response.take(BODY_BYTES_MAX).read_to_end(&mut body);
        let text = String::from_utf8_lossy(&body);
        let line = if kind.starts_with("text/plain") {
            lines(&text).into_iter().next()
        } else if kind.starts_with("text/html") {
            title(&text)
        } else {
            None
        };
        line.map(|line| shown(&[line], &self.options)).unwrap_or_default()
    }

    fn clean(&self, text: &str) -> String {
        scrub(text, &self.options)
    }
}

/// What gix takes for a question for credentials.
fn asks_for_credentials(response: &Response) -> Option<io::Error> {
    if response.status() != StatusCode::UNAUTHORIZED {
        return None;
    }
    let asked = response.headers().get_all(WWW_AUTHENTICATE).iter().map(|value| value.as_bytes().into()).collect();
    Some(io::Error::new(io::ErrorKind::PermissionDenied, AuthenticationRequired { www_authenticate: asked }))
}

fn said_of(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": “{said}”") }
}

fn title(page: &str) -> Option<String> {
    let start = page.to_ascii_lowercase().find("<title>")? + "<title>".len();
    let title = page[start..].split('<').next()?.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(title).filter(|title| !title.is_empty())
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Forges say by headers that the requests of this hour are used up.
fn is_used_up(headers: &HeaderMap) -> bool {
    ["x-ratelimit-remaining", "ratelimit-remaining"].iter().any(|name| header(headers, name) == Some("0"))
}

/// How long the host asks us to wait: in seconds, as a date, or as the moment of a new allowance.
fn wait(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let until = |at: u64| {
        let at = UNIX_EPOCH.checked_add(Duration::from_secs(at));
        at.map_or(WAIT_MAX, |at| at.duration_since(now).unwrap_or_default())
    };
    let after = header(headers, RETRY_AFTER.as_str()).map(str::trim).and_then(|text| match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => gix::date::parse(text, None).ok().and_then(|at| u64::try_from(at.seconds).ok()).map(until),
    });
    let reset = ["x-ratelimit-reset", "ratelimit-reset"].iter().find_map(|name| header(headers, name)?.parse().ok());
    let reset = reset.filter(|_| is_used_up(headers)).map(|at: u64| match at {
        // No allowance lasts for 30 years: this is a moment.
        1_000_000_000.. => until(at),
        seconds => Duration::from_secs(seconds),
    });
    after.or(reset).map(|wait| wait.clamp(Duration::from_secs(1), WAIT_MAX))
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

fn causes(error: &reqwest::Error) -> Vec<String> {
    chain(error).map(|cause| printable(&cause.to_string())).collect()
}

fn private_in(error: &reqwest::Error) -> Option<&Private> {
    chain(error).find_map(|cause| cause.downcast_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    #[test]
    fn the_time_to_wait_is_told_in_seconds_as_a_date_or_as_the_moment_of_a_new_allowance() {
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        for (reported, seconds) in [
            (vec![("retry-after", "60")], Some(60)),
            (vec![("retry-after", "Tue, 14 Nov 2023 22:15:20 GMT")], Some(120)),
            (vec![("retry-after", "Tue, 14 Nov 2000 22:15:20 GMT")], Some(1)),
            (vec![("retry-after", "99999999999")], Some(WAIT_MAX.as_secs())),
            (vec![("retry-after", "soon")], None),
            (vec![("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1700000300")], Some(300)),
            (vec![("ratelimit-remaining", "0"), ("ratelimit-reset", "30")], Some(30)),
            (vec![("x-ratelimit-remaining", "7"), ("x-ratelimit-reset", "1700000300")], None),
            (vec![], None),
        ] {
            assert_eq!(wait(&headers(&reported), now), seconds.map(Duration::from_secs), "{reported:?}");
        }
    }

    #[test]
    fn the_title_of_a_page_says_what_it_is() {
        assert_eq!(title("<html><Title>\n Sign  in </title>").as_deref(), Some("Sign in"));
        assert_eq!((title("<title> </title>"), title("no page")), (None, None));
    }
}
