//! How git work fails, in the classes that callers tell apart.

/// A failure as one sentence that names the place and the way out; it holds no secret, whatever caused it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct GitError {
    kind: ErrorKind,
    temporary: bool,
    message: String,
}

/// What went wrong, for whoever decides what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The local path is there, but git cannot read it as a repository.
    NotARepository,
    /// The repository has no commit yet.
    EmptyRepository,
    /// The remote has no such ref.
    MissingRef,
    /// The configuration does not allow this protocol.
    NotAllowed,
    /// The host did not answer, or could not at this time.
    Unreachable,
    /// The host wants other credentials than we have.
    Unauthenticated,
    /// The host answered that there is no such repository.
    NotFound,
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
    /// Anything else, for instance a remote of another hash function.
    Other,
}

impl GitError {
    /// A failure that will be the same next time.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, temporary: false, message: message.into() }
    }

    /// A failure that may have passed by the next time.
    pub(crate) fn temporary(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, temporary: true, message: message.into() }
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

    /// Whether trying again later, with nothing changed here, may succeed.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.temporary
    }
}
