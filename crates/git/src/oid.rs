//! An object's name in git: the hash of its content.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The id of a commit, tree, tag or blob. Prints and parses as hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Oid(pub(crate) gix::ObjectId);

impl Oid {
    /// The hash function that made this id, in lower case: `sha1`.
    #[must_use]
    pub fn hash_kind(&self) -> &'static str {
        match self.0.kind() {
            gix::hash::Kind::Sha1 => "sha1",
            _ => "unknown",
        }
    }
}

/// The text was not 40 hexadecimal digits.
#[derive(Debug, thiserror::Error)]
#[error("an object id has 40 hexadecimal digits")]
pub struct MalformedOid;

impl FromStr for Oid {
    type Err = MalformedOid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        gix::ObjectId::from_hex(text.as_bytes()).map(Self).map_err(|_| MalformedOid)
    }
}

impl TryFrom<String> for Oid {
    type Error = MalformedOid;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Oid> for String {
    fn from(oid: Oid) -> Self {
        oid.to_string()
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_oid_prints_what_it_was_parsed_from() {
        let text = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
        let oid: Oid = text.parse().expect("40 hexadecimal digits");
        assert_eq!((oid.to_string().as_str(), oid.hash_kind()), (text, "sha1"));
    }

    #[test]
    fn a_short_or_foreign_id_is_refused() {
        for text in ["", "4b825dc", "zb825dc642cb6eb9a060e54bf8d69288fbee4904", &"0".repeat(64)] {
            assert!(text.parse::<Oid>().is_err(), "{text}");
        }
    }
}
