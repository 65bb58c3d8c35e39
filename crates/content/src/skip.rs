//! Why a file is not indexed. Every skipped file is counted under its reason.

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident => $text:literal,)*) => {
        /// Why a file is not indexed; shown and stored by its name in snake_case.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum SkipReason { $($(#[$doc])* $name,)* }

        impl SkipReason {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The stored and shown name.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

reasons! {
    /// A NUL byte in the first 8 KiB, or `binary` or `-diff` in `.gitattributes`.
    Binary => "binary",
    /// A pointer of Git LFS, by its content or by `filter=lfs`: the file itself is kept elsewhere.
    LfsPointer => "lfs_pointer",
    /// Over the size limit.
    TooLarge => "too_large",
    /// Lines too long to be written by hand.
    Minified => "minified",
    /// A generator's own line at its head, or `linguist-generated`.
    Generated => "generated",
    /// A vendored directory, or `linguist-vendored`.
    Vendored => "vendored",
    /// A package manager's lock file.
    LockFile => "lock_file",
    /// A file of secrets, by its name or because it is a private key or a `kubectl` configuration: never cached.
    Secret => "secret",
    /// Not included, or excluded, by the configuration.
    Excluded => "excluded",
    /// The content is in no encoding of text: not in UTF-8, and in none that could be told.
    NotUtf8 => "not_utf8",
    /// The path is not UTF-8, is too long, has control characters, or a component `.` or `..`.
    OddPath => "odd_path",
    /// A symbolic link.
    Symlink => "symlink",
    /// A submodule: another repository.
    Submodule => "submodule",
    /// Reading it made the chunker or the model panic.
    Panicked => "panicked",
    /// Chunking or embedding it did not end in time.
    TooSlow => "too_slow",
}

impl SkipReason {
    /// Whether it may be the machine's fault and not the file's: then it is tried again.
    #[must_use]
    pub fn may_pass(self) -> bool {
        matches!(self, Self::Panicked | Self::TooSlow)
    }
}

impl std::fmt::Display for SkipReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for SkipReason {
    type Err = UnknownReason;

    fn from_str(text: &str) -> Result<Self, UnknownReason> {
        Self::ALL.iter().copied().find(|reason| reason.as_str() == text).ok_or(UnknownReason)
    }
}

/// A reason this version does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an unknown reason to skip a file")]
pub struct UnknownReason;
