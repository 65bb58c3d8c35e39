//! Cuts digested files into batches: at most 1 MiB of text and 128 missing chunks each; one large file may span
//! batches.

use std::sync::Arc;

use warmer_content::{Artifact, ArtifactKey, SkipReason, Symbols};
use warmer_store::{BlobKey, StagedEntry};

use crate::batch::{BATCH_BYTES, BATCH_CHUNKS, Batch, Wanted};
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
    /// Its texts that have no vector.
    pub missing: Vec<Wanted>,
}

/// The batches of these files. The part is split for every batch but the last, which takes it; a file's entry and
/// artifact are in the batch of its last chunk.
pub(crate) fn cut(part: Part, files: Vec<DigestedFile>) -> Vec<Batch> {
    let mut done = vec![];
    let mut batch = Batch::of(part);
    let mut bytes = 0;
    for file in files {
        let text = file.artifact.as_ref().map_or(0, |(_, artifact)| artifact.text.len() as u64);
        if bytes > 0 && bytes + text > BATCH_BYTES {
            batch = next(&mut done, batch);
            bytes = 0;
        }
        bytes += text;
        for wanted in file.missing {
            if batch.missing.len() == BATCH_CHUNKS {
                batch = next(&mut done, batch);
                bytes = text;
            }
            batch.missing.push(wanted);
        }
        batch.entries.push(file.entry);
        batch.artifacts.extend(file.artifact);
        batch.symbols.extend(file.symbols);
        batch.blobs.extend(file.blob);
    }
    done.push(batch);
    done
}

fn next(done: &mut Vec<Batch>, full: Batch) -> Batch {
    let following = Batch::of(full.part.split());
    done.push(full);
    following
}

#[cfg(test)]
mod tests {
    use warmer_content::{Chunk, Content, Digest, Language, TextKey, text_key};
    use warmer_store::Outcome;

    use super::*;
    use crate::ticket::testing;

    fn file(name: &str, bytes: usize, chunks: usize) -> DigestedFile {
        let key = |n: usize| text_key(&format!("{name} {n}"));
        let chunk = |n| Chunk {
            start: 0,
            end: 1,
            start_line: 1,
            end_line: 1,
            symbol: None,
            header: String::new(),
            tokens: 1,
            key: key(n),
        };
        let content = Content::plain("x".repeat(bytes), Language::text());
        let artifact = Arc::new(Artifact::of(content, (0..chunks).map(chunk).collect()));
        let missing = (0..chunks).map(|chunk| Wanted { key: key(chunk), chunk, artifact: artifact.clone() }).collect();
        let id = ArtifactKey(Digest::of(name.as_bytes()));
        let entry = StagedEntry {
            path: name.into(),
            oid: name.into(),
            language_hint: "text".into(),
            outcome: Outcome::Artifact(id),
        };
        DigestedFile { entry, artifact: Some((id, artifact)), symbols: None, blob: None, missing }
    }

    #[test]
    fn small_files_travel_together() {
        let (_ticket, part, _reports) = testing::ticket();
        let batches = cut(part, (0..32).map(|n| file(&n.to_string(), 100, 2)).collect());
        assert_eq!(batches.len(), 1);
        assert_eq!((batches[0].entries.len(), batches[0].missing.len()), (32, 64));
    }

    #[test]
    fn a_batch_ends_before_a_mebibyte_of_text() {
        let (_ticket, part, _reports) = testing::ticket();
        let batches = cut(part, (0..4).map(|n| file(&n.to_string(), 400 << 10, 1)).collect());
        assert_eq!(batches.iter().map(|batch| batch.entries.len()).collect::<Vec<_>>(), [2, 2]);
    }

    #[test]
    fn a_large_file_spans_batches_and_comes_with_its_last_chunk() {
        let (_ticket, part, _reports) = testing::ticket();
        let batches = cut(part, vec![file("small", 10, 1), file("large", 10, 300), file("other", 10, 1)]);
        let sizes: Vec<_> = batches.iter().map(|batch| (batch.missing.len(), batch.entries.len())).collect();
        assert_eq!(sizes, [(128, 1), (128, 0), (46, 2)]);
        let keys: std::collections::BTreeSet<TextKey> =
            batches.iter().flat_map(|batch| batch.missing.iter().map(|wanted| wanted.key)).collect();
        assert_eq!(keys.len(), 302);
    }
}
