//! Cuts digested files into batches: at most 1 MiB of text each.

use std::sync::Arc;

use warmer_content::{Artifact, ArtifactKey, SkipReason, Symbols};
use warmer_store::{BlobKey, StagedEntry};

use crate::batch::{BATCH_BYTES, Files};
use crate::part::Part;

/// One file as the Hasher leaves it.
#[derive(Debug)]
pub(crate) struct DigestedFile {
    /// What the publication will show of it.
    pub entry: StagedEntry,
    /// Its artifact, where the cache does not have it.
    pub artifact: Option<(ArtifactKey, Arc<Artifact>)>,
    /// What the artifact's text defines and refers to.
    pub symbols: Option<(ArtifactKey, Arc<Symbols>)>,
    /// What became of its blob, where it was read.
    pub blob: Option<(BlobKey, Result<ArtifactKey, SkipReason>)>,
}

/// The batches of these files. The part is split for every batch but the last, which takes it.
pub(crate) fn cut(part: Part, files: Vec<DigestedFile>) -> Vec<Files> {
    let mut done = vec![];
    let mut batch = Files::of(part);
    let mut bytes = 0;
    for file in files {
        let text = file.artifact.as_ref().map_or(0, |(_, artifact)| artifact.text.len() as u64);
        if bytes > 0 && bytes + text > BATCH_BYTES {
            let following = Files::of(batch.part.split());
            done.push(std::mem::replace(&mut batch, following));
            bytes = 0;
        }
        bytes += text;
        batch.entries.push(file.entry);
        batch.artifacts.extend(file.artifact);
        batch.symbols.extend(file.symbols);
        batch.blobs.extend(file.blob);
    }
    done.push(batch);
    done
}

#[cfg(test)]
mod tests {
    use warmer_content::{Content, Digest, Language};
    use warmer_store::Outcome;

    use super::*;
    use crate::ticket::testing;

    fn file(name: &str, bytes: usize) -> DigestedFile {
        let artifact = Arc::new(Artifact::of(Content::plain("x".repeat(bytes), Language::text()), vec![]));
        let id = ArtifactKey(Digest::of(name.as_bytes()));
        let entry = StagedEntry {
            path: name.into(),
            oid: name.into(),
            language_hint: "text".into(),
            outcome: Outcome::Artifact(id),
        };
        DigestedFile { entry, artifact: Some((id, artifact)), symbols: None, blob: None }
    }

    #[test]
    fn small_files_travel_together() {
        let (_ticket, part, _reports) = testing::ticket();
        let batches = cut(part, (0..32).map(|n| file(&n.to_string(), 100)).collect());
        assert_eq!(batches.iter().map(|batch| batch.entries.len()).collect::<Vec<_>>(), [32]);
    }

    #[test]
    fn a_batch_ends_before_a_mebibyte_of_text() {
        let (_ticket, part, _reports) = testing::ticket();
        let batches = cut(part, (0..4).map(|n| file(&n.to_string(), 400 << 10)).collect());
        assert_eq!(batches.iter().map(|batch| batch.entries.len()).collect::<Vec<_>>(), [2, 2]);
    }
}
