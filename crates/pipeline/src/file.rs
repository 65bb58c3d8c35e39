//! A file on its way through the Hasher: what a change says of it, and what becomes of it.

use std::sync::Arc;

use warmer_content::{Artifact, ArtifactKey, Digest, Hint, Language, PATH_BYTES_MAX, PathFacts, Rules, SkipReason};
use warmer_git::{Attributes, Change, ChangeKind, Oid};
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

fn facts(attributes: Attributes) -> PathFacts {
    let Attributes { generated, vendored, language, binary } = attributes;
    PathFacts { generated, vendored, language, binary }
}

/// What path and attributes alone decide, and the files that have to be looked at.
pub(crate) fn sort(rules: &Rules, changes: Vec<Change>) -> (Vec<DigestedFile>, Vec<File>) {
    let (mut done, mut open) = (vec![], vec![]);
    for Change { path, kind } in changes {
        let judged = match kind {
            ChangeKind::Gone => Err((String::new(), Outcome::Gone)),
            ChangeKind::Symlink { oid } => Err((oid.to_string(), Outcome::Skip(SkipReason::Symlink))),
            ChangeKind::Submodule { oid } => Err((oid.to_string(), Outcome::Skip(SkipReason::Submodule))),
            ChangeKind::File { oid, attributes, .. } => rules
                .judge_path(&path, &facts(attributes))
                .map(|hint| (oid, hint))
                .map_err(|reason| (oid.to_string(), Outcome::Skip(reason))),
        };
        let path = entry_path(path);
        match judged {
            Ok((oid, hint)) => open.push(File { path, oid, hint }),
            Err((oid, outcome)) => {
                let entry = StagedEntry { path, oid, hint: String::new(), outcome };
                done.push(DigestedFile { entry, artifact: None, blob: None, missing: vec![] });
            }
        }
    }
    (done, open)
}

/// Of a path that is too long, so much stays readable, in characters.
const KEPT: usize = 200;

/// The path as the entry's key. What is not UTF-8 is escaped behind a replacement character, so that it cannot meet a
/// file of that name; what no index can hold is cut there, and told from others by its digest.
fn entry_path(path: Vec<u8>) -> String {
    let digest = Digest::of(&path);
    let text = String::from_utf8(path).unwrap_or_else(|error| format!("\u{fffd}{}", error.as_bytes().escape_ascii()));
    if text.len() <= PATH_BYTES_MAX {
        return text;
    }
    let kept: String = text.trim_start_matches('\u{fffd}').chars().take(KEPT).collect();
    format!("\u{fffd}{kept}\u{2026}{digest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_no_index_can_hold_is_cut_and_still_its_own() {
        let long = |end: &[u8]| [&b"d/".repeat(PATH_BYTES_MAX / 2), end].concat();
        assert_eq!(entry_path(long(b"")).len(), PATH_BYTES_MAX);
        let (a, b) = (entry_path(long(b"a")), entry_path(long(b"b")));
        assert!(a.starts_with("\u{fffd}d/d/") && a.len() < 300, "{a}");
        assert_ne!(a, b);
        assert_eq!(a, entry_path(long(b"a")), "what is gone is found by the same key");
        let escaped = entry_path([0xff; PATH_BYTES_MAX].to_vec());
        assert!(escaped.starts_with("\u{fffd}\\xff") && escaped.len() < 300, "{escaped}");
    }
}
