//! What travels: a claimed job to the Fetcher, listed files to the Hasher, digested files to the Embedder and the
//! Storer.

use std::collections::HashSet;
use std::sync::Arc;

use warmer_content::{Artifact, ArtifactKey, SkipReason, Symbols, TextKey, Vector};
use warmer_git::{Change, Reader};
use warmer_store::{BlobKey, StagedEntry};
use warmer_supervision::Load;

use crate::counters::Stage;
use crate::part::Part;
use crate::stage::{JobMessage, Message};

/// Files of one batch, at most.
pub const BATCH_FILES: usize = 32;
/// Bytes of text of one batch, at most; one larger file is a batch of its own.
pub const BATCH_BYTES: u64 = 1 << 20;
/// Missing chunks of one batch, at most; a file with more spans batches.
pub const BATCH_CHUNKS: usize = 128;

/// A job for the Fetcher.
#[derive(Debug)]
pub struct Claimed {
    /// The job's first part.
    pub part: Part,
}

impl Load for Claimed {
    fn bytes(&self) -> u64 {
        0
    }
}

impl Message for Claimed {
    const STAGE: Stage = Stage::Fetcher;
}

impl JobMessage for Claimed {
    fn part(&self) -> &Part {
        &self.part
    }
}

/// Files that differ, as the Fetcher lists them.
pub struct Listed {
    /// The share of the job.
    pub part: Part,
    /// At most [`BATCH_FILES`].
    pub changes: Vec<Change>,
    /// Opens the mirror; `None` where there is nothing to read.
    pub reader: Option<Reader>,
}

impl Load for Listed {
    fn bytes(&self) -> u64 {
        self.changes.iter().map(|change| change.path.len() as u64 + 128).sum()
    }
}

impl Message for Listed {
    const STAGE: Stage = Stage::Hasher;
}

impl JobMessage for Listed {
    fn part(&self) -> &Part {
        &self.part
    }
}

/// Files as the Hasher digested them: with the vectors they lack, or, behind the Embedder, with all of them.
#[derive(Debug)]
pub struct Batch {
    /// The share of the job.
    pub part: Part,
    /// What the publication will show.
    pub entries: Vec<StagedEntry>,
    /// Artifacts that the cache does not have.
    pub artifacts: Vec<(ArtifactKey, Arc<Artifact>)>,
    /// What they define and refer to.
    pub symbols: Vec<(ArtifactKey, Arc<Symbols>)>,
    /// What became of blobs that were read, so that they need not be read again.
    pub blobs: Vec<(BlobKey, Result<ArtifactKey, SkipReason>)>,
    /// Texts that have no vector yet, each once.
    pub missing: Vec<Wanted>,
    /// Vectors made for this batch.
    pub vectors: Vec<(TextKey, Vector)>,
}

/// A text that has no vector yet.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The key of the embedded text.
    pub key: TextKey,
    /// Where the text stands: the chunk's number in the artifact.
    pub chunk: usize,
    /// The artifact that holds it.
    pub artifact: Arc<Artifact>,
}

impl Wanted {
    /// The text that the model reads.
    pub fn text(&self) -> String {
        self.artifact.embedded_text(&self.artifact.chunks[self.chunk])
    }

    /// Its tokens.
    pub fn tokens(&self) -> u64 {
        u64::from(self.artifact.chunks[self.chunk].tokens)
    }
}

impl Batch {
    /// An empty batch of this part.
    pub fn of(part: Part) -> Self {
        Self {
            part,
            entries: vec![],
            artifacts: vec![],
            symbols: vec![],
            blobs: vec![],
            missing: vec![],
            vectors: vec![],
        }
    }
}

impl Load for Batch {
    /// Every text that the batch keeps alive, once, 1 KiB for each vector it has or will have, and 256 bytes for each
    /// symbol: names, a line and places.
    fn bytes(&self) -> u64 {
        let mut seen = HashSet::new();
        let kept = self.artifacts.iter().map(|(_, artifact)| artifact).chain(self.missing.iter().map(|w| &w.artifact));
        let texts: u64 =
            kept.filter(|artifact| seen.insert(Arc::as_ptr(artifact))).map(|artifact| artifact.text.len() as u64).sum();
        let entries: u64 = self.entries.iter().map(|entry| entry.path.len() as u64 + 256).sum();
        let count = |(_, symbols): &(_, Arc<Symbols>)| symbols.definitions.len() + symbols.references.len();
        let symbols = 256 * self.symbols.iter().map(count).sum::<usize>() as u64;
        texts + entries + symbols + 1024 * (self.missing.len() + self.vectors.len()) as u64
    }
}

impl Message for Batch {
    const STAGE: Stage = Stage::Storer;
}

impl JobMessage for Batch {
    fn part(&self) -> &Part {
        &self.part
    }
}

/// What the Embedder's mailbox takes.
#[derive(Debug)]
pub enum Embed {
    /// A batch that may lack vectors.
    Batch(Batch),
    /// "There may be texts to embed": sent when a worker that had some crashed, and when the provider may be asked
    /// again.
    Look,
}

impl Load for Embed {
    fn bytes(&self) -> u64 {
        match self {
            Self::Batch(batch) => batch.bytes(),
            Self::Look => 0,
        }
    }
}

impl Message for Embed {
    const STAGE: Stage = Stage::Embedder;
}
