//! Where a repository is: an argument made into a URL without any secret.

use std::fmt;
use std::io;
use std::path::Path;

use gix::bstr::ByteSlice;
use serde::{Deserialize, Serialize};

use crate::current_dir;
use crate::error::RemoteError;
use crate::file_url::{self, unreadable_near};
use crate::protocol::Protocol;
use crate::timeout;
use crate::userinfo::{may_be_secret, refuse_secrets};

/// A repository to fetch from, without any secret in it: its `Display` is the URL and safe to print.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Remote {
    url: String,
    protocol: Protocol,
}

impl Remote {
    /// Reads a path, a `file://`, `https://`, `http://` or `ssh://` URL, or `user@host:path`.
    ///
    /// A local path is taken from `cwd`, must exist, and becomes the absolute `file://` URL of its repository's git
    /// directory, found upwards as git does.
    ///
    /// # Errors
    /// When it is none of these, when there is no repository, or when it carries a secret.
    pub fn parse(argument: &str, cwd: &Path) -> Result<Self, RemoteError> {
        if argument.trim().is_empty() {
            return Err(RemoteError::Empty);
        }
        match argument.split_once("://") {
            Some((scheme, _)) if !scheme.eq_ignore_ascii_case("file") => Self::network(argument),
            _ => {
                let (argument, path, cwd) = (argument.to_owned(), cwd.join(argument), cwd.to_owned());
                timeout::with_timeout(move || Self::look_up(&argument, &cwd)).unwrap_or(Err(RemoteError::Silent(path)))
            }
        }
    }

    /// Reads what may be a path. A file system that hangs hangs this.
    fn look_up(argument: &str, cwd: &Path) -> Result<Self, RemoteError> {
        if let Some((_, rest)) = argument.split_once("://") {
            return match file_url::path(rest) {
                path if !path.exists() && may_be_secret(rest) => {
                    Err(RemoteError::Secret { host: "this host".to_owned() })
                }
                path => Self::local(&path),
            };
        }
        let path = cwd.join(argument);
        if path.exists() {
            return Self::local(&path);
        }
        match argument.split_once(':') {
            Some((host, _)) if !host.contains('/') => Self::network(argument),
            _ if may_be_secret(argument) => Err(RemoteError::Secret { host: "this host".to_owned() }),
            // It may be there, behind a folder that this user may not enter.
            _ => Self::local(&path),
        }
    }

    /// Reads what [`url`](Self::url) gave once. Nothing is looked up: the repository may be gone by now.
    ///
    /// # Errors
    /// When it is no such URL, or carries a secret.
    pub fn from_url(stored: &str) -> Result<Self, RemoteError> {
        match stored.strip_prefix("file://") {
            Some(path) if path.starts_with('/') => Ok(Self { url: stored.to_owned(), protocol: Protocol::File }),
            Some(_) => Err(RemoteError::Malformed("file")),
            None => Self::network(stored),
        }
    }

    /// The URL: `file:///absolute/path` (not percent-encoded), `https://…`, `ssh://…` or `user@host:path`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether the repository is on this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.protocol == Protocol::File
    }

    /// What people call it: the last part of its path, without `.git`.
    #[must_use]
    pub fn name(&self) -> String {
        let path = self.url.trim_end_matches('/');
        let path = path.strip_suffix("/.git").unwrap_or(path);
        let last = path.rsplit(['/', ':']).next().unwrap_or(path);
        last.strip_suffix(".git").unwrap_or(last).to_owned()
    }

    pub(crate) fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The git directory, if the repository is on this machine.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.url.strip_prefix("file://").map(Path::new)
    }

    /// The host with its port, as a credential names it.
    pub(crate) fn host(&self) -> Option<String> {
        host_of(&gix::url::parse(self.url.as_str()).ok()?)
    }

    fn local(path: &Path) -> Result<Self, RemoteError> {
        let path = path.canonicalize().map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => RemoteError::Unreadable(path.to_owned()),
            _ => RemoteError::Missing(path.to_owned()),
        })?;
        current_dir::leave_if_gone(&path);
        let none = |_| {
            unreadable_near(&path).map_or_else(|| RemoteError::NotARepository(path.clone()), RemoteError::Unreadable)
        };
        let (found, _trust) = gix::discover::upwards(&path).map_err(none)?;
        let (git_dir, _work_tree) = found.into_repository_and_work_tree_directories();
        let git_dir = git_dir.canonicalize().map_err(|_| RemoteError::NotARepository(path.clone()))?;
        match git_dir.to_str() {
            Some(text) => Ok(Self { url: format!("file://{text}"), protocol: Protocol::File }),
            None => Err(RemoteError::NotUtf8(git_dir)),
        }
    }

    fn network(argument: &str) -> Result<Self, RemoteError> {
        let protocol = Protocol::of(argument)?;
        refuse_secrets(argument, protocol)?;
        let malformed = || RemoteError::Malformed(protocol.as_str());
        // Schemes are known to gix in lower case only.
        let argument = match argument.split_once("://") {
            Some((_, rest)) => format!("{}://{rest}", protocol.as_str()),
            None => argument.to_owned(),
        };
        let url = gix::url::parse(argument.as_str()).map_err(|_| malformed())?;
        let (user, host) = (url.user().unwrap_or_default(), url.host().unwrap_or_default());
        // A leading dash would make it an option of ssh.
        if host.is_empty()
            || host.starts_with('-')
            || user.starts_with('-')
            || url.path.trim_with(|c| c == '/').is_empty()
        {
            return Err(malformed());
        }
        let text = url.to_bstring().to_string();
        Ok(Self { url: text.trim_end_matches('/').to_owned(), protocol })
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

/// `host` or `host:port` of a URL.
pub(crate) fn host_of(url: &gix::Url) -> Option<String> {
    let host = url.host()?;
    Some(url.port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(argument: &str) -> Result<Remote, RemoteError> {
        Remote::parse(argument, Path::new("/nonexistent"))
    }

    #[test]
    fn network_urls_are_kept_and_named() {
        for (argument, url, name, protocol) in [
            ("https://example.org/a/b.git", "https://example.org/a/b.git", "b", Protocol::Https),
            ("HTTPS://Example.org:8443/a/b/", "https://example.org:8443/a/b", "b", Protocol::Https),
            ("http://example.org/a", "http://example.org/a", "a", Protocol::Http),
            ("ssh://git@example.org/a/b", "ssh://git@example.org/a/b", "b", Protocol::Ssh),
            ("git@example.org:a/b.git", "git@example.org:a/b.git", "b", Protocol::Ssh),
            ("example.org:b.git", "example.org:b.git", "b", Protocol::Ssh),
        ] {
            let remote = parse(argument).expect(argument);
            assert_eq!((remote.url(), remote.name().as_str(), remote.protocol()), (url, name, protocol), "{argument}");
            assert_eq!(Remote::from_url(remote.url()).expect("a stored URL reads back"), remote);
            assert!(!remote.is_local());
        }
    }

    #[test]
    fn what_is_no_remote_is_refused() {
        for argument in [
            "ext::sh -c id",
            "git://example.org/a",
            "https://",
            "https://example.org",
            "ssh://-oProxyCommand=x/y",
            "-oProxyCommand=x@example.org:y",
            "file://host/x",
            "",
        ] {
            assert!(Remote::from_url(argument).is_err(), "{argument}");
        }
        for empty in ["", " ", "\t"] {
            assert!(matches!(parse(empty), Err(RemoteError::Empty)), "it is not the current folder");
        }
        for path in ["no/such/folder", "no/such/@scope/folder"] {
            assert!(matches!(parse(path), Err(RemoteError::Missing(_))), "{path}");
        }
    }
}
