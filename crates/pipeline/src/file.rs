//! One file on its way through the Hasher.

use std::sync::Arc;

use warmer_content::{Artifact, ArtifactKey, Hint, Language, PathFacts, SkipReason};
use warmer_git::{Attributes, Oid};
use warmer_store::{BlobKey, Outcome, StagedEntry};

use crate::batch::Wanted;
use crate::cutter::DigestedFile;

/// A file that has to be looked at.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) oid: Oid,
    pub(crate) hint: Hint,
}

/// A file whose text has no artifact yet, or none that was looked for.
pub(crate) struct Unchunked {
    pub(crate) file: File,
    pub(crate) text: String,
    pub(crate) language: &'static Language,
    pub(crate) key: ArtifactKey,
}

impl File {
    pub(crate) fn key(&self) -> BlobKey {
        let hint = self.hint.as_str().to_owned();
        BlobKey { hash_kind: self.oid.hash_kind(), oid: self.oid.to_string(), hint }
    }

    pub(crate) fn entry(&self, outcome: Outcome) -> StagedEntry {
        let (path, hint) = (self.path.clone(), self.hint.as_str().to_owned());
        StagedEntry { path, oid: self.oid.to_string(), hint, outcome }
    }

    pub(crate) fn indexed(
        self,
        key: ArtifactKey,
        artifact: Option<(ArtifactKey, Arc<Artifact>)>,
        missing: Vec<Wanted>,
    ) -> DigestedFile {
        let entry = self.entry(Outcome::Artifact(key));
        DigestedFile { entry, artifact, blob: Some((self.key(), Ok(key))), missing }
    }

    /// `always`: the reason holds for this blob for ever, so it need not be read again.
    pub(crate) fn skipped(self, reason: SkipReason, always: bool) -> DigestedFile {
        let blob = always.then(|| (self.key(), Err(reason)));
        DigestedFile { entry: self.entry(Outcome::Skip(reason)), artifact: None, blob, missing: vec![] }
    }
}

pub(crate) fn facts(attributes: Attributes) -> PathFacts {
    let Attributes { generated, vendored, language, binary } = attributes;
    PathFacts { generated, vendored, language, binary }
}

/// The path as the entry's key. What is not UTF-8 is escaped behind a replacement character, so that it cannot meet a
/// file of that name.
pub(crate) fn entry_path(path: Vec<u8>) -> String {
    String::from_utf8(path).unwrap_or_else(|error| format!("\u{fffd}{}", error.as_bytes().escape_ascii()))
}
