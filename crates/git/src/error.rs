//! How git work fails, in the classes that callers tell apart, and why an argument names no repository.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A failure as one sentence that names the thing and the way out; it holds no secret, whatever caused it.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct GitError {
    kind: ErrorKind,
    remedy: Remedy,
    message: String,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ErrorKind {
    /// The local path is there, but git cannot read it as a repository.
    NotARepository,
    /// The repository has no commit yet.
    EmptyRepository,
    /// The remote has no such ref.
    MissingRef,
    /// The configuration does not allow this protocol or address.
    NotAllowed,
    /// The host did not answer, or could not at this time.
    Unreachable,
    /// The host wants other credentials than we have.
    Unauthenticated,
    /// The host answered that there is no such repository.
    NotFound,
    /// The host has had enough requests for now.
    RateLimited,
    /// The host is being worked on.
    Maintenance,
    /// The repository has another URL now.
    Moved,
    /// The owner has closed the repository.
    Archived,
    /// The host knows us and does not let us read, or a file of a local repository may not be read.
    Forbidden,
    /// The certificate of the host is not trusted.
    Certificate,
    /// What answers does not speak git.
    NotGit,
    /// A repository of a format that is not supported, for instance of another hash function.
    Unsupported,
    /// The source lacks objects: it is a partial clone.
    Partial,
    /// The source itself is damaged.
    BadSource,
    /// More bytes than the configuration allows.
    TooLarge,
    /// What was received or stored is damaged.
    Corrupt,
    /// The stop flag was raised.
    Interrupted,
    /// Another process holds the mirror.
    Busy,
    /// The mirror lacks an object.
    MissingObject,
    /// This machine cannot: a full disk, a missing program. Another may.
    Local,
    /// Anything else.
    Other,
}

/// What may help against a failure, for whoever decides what becomes of the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Remedy {
    /// Another attempt: it may have passed by then.
    Retry,
    /// An attempt after this time, where the host named one, and none by anybody before: the host asked for it.
    Later(Option<Duration>),
    /// Another instance: this one lacks a token, a key, a right, a path, a protocol or a program.
    Elsewhere,
    /// A change of the repository or of the configuration: nobody could do it as it stands.
    Never,
}

impl ErrorKind {
    /// What helps, unless more is known.
    const fn usual_remedy(self) -> Remedy {
        match self {
            Self::Unreachable
            | Self::BadSource
            | Self::Corrupt
            | Self::Interrupted
            | Self::Busy
            | Self::MissingObject => Remedy::Retry,
            Self::RateLimited | Self::Maintenance => Remedy::Later(None),
            Self::NotARepository
            | Self::NotAllowed
            | Self::Unauthenticated
            | Self::NotFound
            | Self::Forbidden
            | Self::Certificate
            | Self::Local => Remedy::Elsewhere,
            Self::EmptyRepository
            | Self::MissingRef
            | Self::Moved
            | Self::Archived
            | Self::NotGit
            | Self::Unsupported
            | Self::Partial
            | Self::TooLarge
            | Self::Other => Remedy::Never,
        }
    }
}

impl GitError {
    /// A failure with the usual remedy of its kind.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::with(kind, kind.usual_remedy(), message)
    }

    /// A failure that may have passed by the next time.
    pub(crate) fn temporary(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::with(kind, Remedy::Retry, message)
    }

    /// A failure with a remedy of its own.
    pub(crate) fn with(kind: ErrorKind, remedy: Remedy, message: impl Into<String>) -> Self {
        Self { kind, remedy, message: message.into() }
    }

    /// Our own disk failed us at `path`.
    pub(crate) fn disk(doing: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::new(ErrorKind::Local, format!("cannot {doing} {}: {error}", path.display()))
    }

    /// The class of the failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What may help.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        self.remedy
    }

    /// Whether trying again, with nothing changed anywhere, may succeed.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(self.remedy, Remedy::Retry | Remedy::Later(_))
    }
}

/// Why an argument does not name a remote. No text here repeats a part of the argument that could be a secret.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// Nothing is named, as by a variable of a shell that is not set.
    #[error("the name of a repository is empty: `.` is the one in the current folder")]
    Empty,
    /// There is nothing at this path.
    #[error(
        "there is no file or folder {}, and it is no URL either (https://, ssh://, file:// or user@host:path)",
        .0.display()
    )]
    Missing(PathBuf),
    /// There is something, but no repository around it.
    #[error(
        "{} is not a git repository, nor is any folder above it: make one with `git init` or name another",
        .0.display()
    )]
    NotARepository(PathBuf),
    /// There is something that this user may not read.
    #[error("cannot read {}: permission denied; give this user the right to", .0.display())]
    Unreadable(PathBuf),
    /// Whether something is there is not known.
    #[error(
        "{} cannot be read: its file system does not answer, or a file of the repository there is a pipe",
        .0.display()
    )]
    Silent(PathBuf),
    /// The path cannot be written as a URL.
    #[error(
        "the path {} is not UTF-8, and a repository is known by its path: give it another name or a link",
        .0.display()
    )]
    NotUtf8(PathBuf),
    /// Userinfo, or a query that may be a token.
    #[error(
        "the URL of {host} carries a user name, password or token: leave it out, and name user and token of that host \
        by [[git.credentials]] in the configuration"
    )]
    Secret {
        /// The host, or a word for it where it cannot be distinguished from the secret.
        host: String,
    },
    /// A scheme that is never spoken.
    #[error("{0} is not a supported protocol: use https://, ssh://, file:// or user@host:path")]
    Unsupported(String),
    /// Not a URL after all.
    #[error("this is not a complete {0} URL: it needs a host and a path, like {0}://host/path")]
    Malformed(&'static str),
}
