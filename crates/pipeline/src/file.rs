//! A file on its way through the Hasher: what a change says of it, and what becomes of it.

use std::sync::Arc;

use warmer_content::{
    Artifact, ArtifactKey, Content, Digest, LanguageHint, PATH_BYTES_MAX, PathFacts, Rules, SkipReason,
};
use warmer_git::{Attributes, Change, ChangeKind, Oid};
use warmer_store::{BlobKey, Outcome, StagedEntry};

use crate::batcher::DigestedFile;

/// A file that has to be looked at.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) oid: Oid,
    pub(crate) language_hint: LanguageHint,
}

/// A file whose text has no artifact yet, or none that was looked for.
pub(crate) struct Unchunked {
    pub(crate) file: File,
    pub(crate) content: Content,
    pub(crate) key: ArtifactKey,
}

impl File {
    pub(crate) fn key(&self) -> BlobKey {
        let language_hint = self.language_hint.as_str().to_owned();
        BlobKey { hash_kind: self.oid.hash_kind(), oid: self.oid.to_string(), language_hint }
    }

    pub(crate) fn entry(&self, outcome: Outcome) -> StagedEntry {
        let (path, language_hint) = (self.path.clone(), self.language_hint.as_str().to_owned());
        StagedEntry { path, oid: self.oid.to_string(), language_hint, outcome }
    }

    pub(crate) fn indexed(self, key: ArtifactKey, artifact: Option<(ArtifactKey, Arc<Artifact>)>) -> DigestedFile {
        let entry = self.entry(Outcome::Artifact(key));
        DigestedFile { entry, artifact, symbols: None, blob: Some((self.key(), Ok(key))) }
    }

    /// `always`: the reason holds for this blob for ever, so it need not be read again.
    pub(crate) fn skipped(self, reason: SkipReason, always: bool) -> DigestedFile {
        let blob = always.then(|| (self.key(), Err(reason)));
        DigestedFile { entry: self.entry(Outcome::Skip(reason)), artifact: None, symbols: None, blob }
    }
}

fn facts(attributes: Attributes) -> PathFacts {
    let Attributes { generated, vendored, language, binary, lfs } = attributes;
    PathFacts { generated, vendored, language, binary, lfs }
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
            Ok((oid, language_hint)) => open.push(File { path, oid, language_hint }),
            Err((oid, outcome)) => {
                let entry = StagedEntry { path, oid, language_hint: String::new(), outcome };
                done.push(DigestedFile { entry, artifact: None, symbols: None, blob: None });
            }
        }
    }
    (done, open)
}

/// The first character of every key that is not the path itself.
const ESCAPED: char = '\u{fffd}';

/// Of a path that is too long, so much stays readable, in characters.
const KEPT: usize = 200;

/// The path as the entry's key; two different paths never share one.
///
/// A path that is UTF-8 is its own key. All other keys begin with a replacement character: what is not UTF-8, or begins
/// with that character itself, is escaped behind it (in ASCII, a backslash as two); what no index can hold is cut
/// there: an ellipsis says so, and its digest distinguishes it from others.
fn entry_path(path: Vec<u8>) -> String {
    let digest = Digest::of(&path);
    let escaped = |bytes: &[u8]| format!("{ESCAPED}{}", bytes.escape_ascii());
    let text = match String::from_utf8(path) {
        Ok(text) if !text.starts_with(ESCAPED) => text,
        Ok(text) => escaped(text.as_bytes()),
        Err(error) => escaped(error.as_bytes()),
    };
    if text.len() <= PATH_BYTES_MAX {
        return text;
    }
    let kept: String = text.trim_start_matches(ESCAPED).chars().take(KEPT).collect();
    format!("{ESCAPED}{kept}\u{2026}{digest}")
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

    #[test]
    fn a_path_that_is_named_like_the_key_of_another_has_a_key_of_its_own() {
        let odd = |path: &[u8]| entry_path(path.to_vec());
        let bytes = odd(b"a\xff.py");
        assert_eq!(bytes, "\u{fffd}a\\xff.py");
        for first in [bytes, odd(&[0xff; PATH_BYTES_MAX]), odd(&[b'd'; PATH_BYTES_MAX + 1])] {
            // The file that is named by the key, the file that is named by the key of that one, and so on.
            let keys: Vec<String> =
                std::iter::successors(Some(first), |key| Some(odd(key.as_bytes()))).take(9).collect();
            let apart: std::collections::HashSet<&String> = keys.iter().collect();
            assert_eq!(apart.len(), keys.len(), "{keys:?}");
        }
        assert_eq!(odd("a\u{fffd}.py".as_bytes()), "a\u{fffd}.py", "behind the first character it is ordinary");
    }
}
