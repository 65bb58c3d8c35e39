//! What can go wrong with a store, by what the caller can do about it.

use crate::text_enum::text_enum;

text_enum! {
    /// What a caller can do about it.
    StoreErrorKind {
        /// Others are writing: again in a moment.
        Busy => "busy",
        /// Not there, or no longer.
        Gone => "gone",
        /// There, or to be made, and nothing was ever stored in it.
        Empty => "empty",
        /// The stored bytes are no database any more, or not a whole one.
        Damaged => "damaged",
        /// Opened for reading, or not writable here.
        ReadOnly => "read_only",
        /// No space left.
        Full => "full",
        /// Written by a newer version, or by another build of this one.
        Newer => "newer",
        /// Not yet brought to this version's schema.
        Older => "older",
        /// Another process is the pipeline of this store.
        Locked => "locked",
        /// On a file system that cannot keep it safe.
        NetworkFs => "network_fs",
        /// A bug, or something nobody thought of.
        Broken => "broken",
    }
}

/// Something is wrong with the store. Shown as one sentence that names the place and the way out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    kind: StoreErrorKind,
    message: String,
    code: Option<String>,
}

impl StoreError {
    /// `message` is one clear sentence in lower case, without a secret.
    #[must_use]
    pub fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), code: None }
    }

    /// With the database's own code, where it gave one.
    #[must_use]
    pub(crate) fn with_code(self, code: Option<String>) -> Self {
        Self { code, ..self }
    }

    /// The five characters by which PostgreSQL calls it (SQLSTATE); `None`: it did not say, or is another database.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// What can be done about it.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// The same call may succeed in a moment, without anybody doing anything.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.kind == StoreErrorKind::Busy
    }
}
