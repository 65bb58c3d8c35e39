//! Keys: BLAKE3 over a domain-separated, length-prefixed encoding.
//!
//! Every key of the cache is made here, so that two different things can never have the same bytes hashed for them:
//! each kind of key has a domain of its own, and each field is preceded by its length.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A BLAKE3 digest, 32 bytes. Shown as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of plain bytes, without a domain: for files whose digest others must be able to compute.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(blake3::hash(bytes).into())
    }

    /// The first 12 hexadecimal digits, for people.
    #[must_use]
    pub fn short(&self) -> String {
        let mut text = self.to_string();
        text.truncate(12);
        text
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The text is not 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a digest is 64 hexadecimal digits")]
pub struct BadDigest;

impl FromStr for Digest {
    type Err = BadDigest;

    fn from_str(text: &str) -> Result<Self, BadDigest> {
        blake3::Hash::from_hex(text).map(|hash| Self(hash.into())).map_err(|_| BadDigest)
    }
}

impl TryFrom<&[u8]> for Digest {
    type Error = BadDigest;

    fn try_from(bytes: &[u8]) -> Result<Self, BadDigest> {
        bytes.try_into().map(Self).map_err(|_| BadDigest)
    }
}

/// Builds one key: a domain, then fields, each preceded by its length as 8 little-endian bytes.
pub struct KeyBuilder(blake3::Hasher);

impl KeyBuilder {
    /// `domain` names the kind of key and its version, for example `"warmer artifact v1"`.
    #[must_use]
    pub fn new(domain: &str) -> Self {
        Self(blake3::Hasher::new_derive_key(domain))
    }

    /// Adds one field.
    #[must_use]
    pub fn field(mut self, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// Adds a number as 8 little-endian bytes.
    #[must_use]
    pub fn number(self, number: u64) -> Self {
        self.field(number.to_le_bytes())
    }

    /// The key.
    #[must_use]
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub Digest);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

keys! {
    /// What turns a text into a vector: model and tokenizer bytes, pooling, normalisation, precision, maximum length.
    EmbeddingId
    /// What turns a blob into chunks: chunker, limits, header template, language table.
    ChunkingId
    /// What is indexed at all: include, exclude, size limits, skip rules.
    RulesDigest
    /// `(chunking_id, BLAKE3(content, language))`, the content being what [`crate::Content`] is.
    ArtifactKey
    /// What turns a text into its symbols: extractor, grammars, tables.
    SymbolsId
    /// BLAKE3 of an embedded text; with an [`EmbeddingId`] it names a vector.
    TextKey
}

impl EmbeddingId {
    /// No model was there, and none is known: nothing is filed under it, and any other takes its place at once.
    pub const NONE: Self = Self(Digest([0; 32]));
}

/// `embedding_id` and `chunking_id` together; a cluster has one active recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Recipe {
    /// What turns a text into a vector.
    pub embedding: EmbeddingId,
    /// What turns a blob into chunks.
    pub chunking: ChunkingId,
}

/// The key of an embedded text.
#[must_use]
pub fn text_key(text: &str) -> TextKey {
    TextKey(KeyBuilder::new("warmer text v1").field(text).finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_do_not_run_into_each_other() {
        let key = |a: &str, b: &str| KeyBuilder::new("test").field(a).field(b).finish();
        assert_ne!(key("ab", "c"), key("a", "bc"));
        assert_ne!(key("", "abc"), key("abc", ""));
    }

    #[test]
    fn domains_are_apart() {
        assert_ne!(KeyBuilder::new("a").field("x").finish(), KeyBuilder::new("b").field("x").finish());
    }

    #[test]
    fn digests_are_read_as_they_are_shown() {
        let digest = Digest::of(b"x");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!("12".parse::<Digest>(), Err(BadDigest));
    }
}
