//! What travels: on the way of a refresh a claimed job, listed files, digested files; on the way of a fill a claimed
//! job and texts.

use std::collections::HashSet;
use std::sync::Arc;

use warmer_content::{Artifact, ArtifactKey, SkipReason, Symbols, TextKey, Vector};
use warmer_git::{Change, Reader};
use warmer_store::{BlobKey, Entry, JobKind, StagedEntry};
use warmer_supervision::Load;

use crate::counters::Stage;
use crate::part::Part;
use crate::places::Place;
use crate::stage::{JobMessage, Message};

/// Files of one batch, at most.
pub const BATCH_FILES: usize = 32;
/// Bytes of text of one batch, at most; one larger file, or text, is a batch of its own.
pub const BATCH_BYTES: u64 = 1 << 20;
/// Texts of one batch that lack a vector, at most.
pub const BATCH_TEXTS: usize = 128;

/// A refresh for the Fetcher.
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

/// A fill for the Filler.
#[derive(Debug)]
pub struct Lacking {
    /// The job's first part.
    pub part: Part,
}

impl Load for Lacking {
    fn bytes(&self) -> u64 {
        0
    }

    fn class(&self) -> usize {
        JobKind::Fill as usize
    }
}

impl Message for Lacking {
    const STAGE: Stage = Stage::Filler;
}

impl JobMessage for Lacking {
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
    /// Entries of what is served, to be cut anew; at most as many.
    pub stored: Vec<Entry>,
    /// Opens the mirror; `None` where there is nothing to read.
    pub reader: Option<Reader>,
}

impl Listed {
    /// No files yet, with this part.
    pub fn of(part: Part) -> Self {
        Self { part, changes: vec![], stored: vec![], reader: None }
    }
}

impl Load for Listed {
    fn bytes(&self) -> u64 {
        let changes = self.changes.iter().map(|change| change.path.len());
        changes.chain(self.stored.iter().map(|entry| entry.path.len())).map(|path| path as u64 + 128).sum()
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

/// Files as the Hasher digested them.
#[derive(Debug)]
pub struct Files {
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
}

impl Files {
    /// No files yet, with this part.
    pub fn of(part: Part) -> Self {
        Self { part, entries: vec![], artifacts: vec![], symbols: vec![], blobs: vec![] }
    }
}

impl Load for Files {
    /// Every text that the batch keeps alive, once, and 256 bytes for each entry and symbol: names, a line and places.
    fn bytes(&self) -> u64 {
        let mut seen = HashSet::new();
        let artifacts = self.artifacts.iter().map(|(_, artifact)| artifact);
        let texts: u64 = artifacts
            .filter(|artifact| seen.insert(Arc::as_ptr(artifact)))
            .map(|artifact| artifact.text.len() as u64)
            .sum();
        let entries: u64 = self.entries.iter().map(|entry| entry.path.len() as u64 + 256).sum();
        let count = |(_, symbols): &(_, Arc<Symbols>)| symbols.definitions.len() + symbols.references.len();
        texts + entries + 256 * self.symbols.iter().map(count).sum::<usize>() as u64
    }
}

/// A text that has no vector yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The key of the embedded text.
    pub key: TextKey,
    /// The text that the model reads.
    pub text: Arc<str>,
    /// Its size, in the unit of the chunker.
    pub size: u32,
}

/// Texts of stored artifacts: those that lack a vector, or, behind the Embedder, with what became of each.
#[derive(Debug)]
pub struct Texts {
    /// The share of the job.
    pub part: Part,
    /// Texts that have no vector yet, each once.
    pub missing: Vec<Wanted>,
    /// Vectors made for this batch.
    pub vectors: Vec<(TextKey, Vector)>,
    /// Texts that could not be embedded.
    pub failed: Vec<(TextKey, SkipReason)>,
    /// The artifacts that hold these texts.
    pub artifacts: Vec<ArtifactKey>,
    /// The room that a bulk fill has in the stages behind: the rest is for what was just published.
    pub room: Option<Place>,
}

impl Texts {
    /// No texts yet, with this part.
    pub fn of(part: Part) -> Self {
        Self { part, missing: vec![], vectors: vec![], failed: vec![], artifacts: vec![], room: None }
    }

    /// Bytes of the texts that it still lacks vectors for.
    pub fn text_bytes(&self) -> u64 {
        self.missing.iter().map(|wanted| wanted.text.len() as u64).sum()
    }
}

impl Load for Texts {
    /// The texts, and 1 KiB for each vector it has or will have.
    fn bytes(&self) -> u64 {
        self.text_bytes() + 1024 * (self.missing.len() + self.vectors.len()) as u64
    }
}

/// What the Embedder's mailbox takes.
#[derive(Debug)]
pub enum Embed {
    /// Texts that lack vectors.
    Texts(Texts),
    /// "There may be texts to embed": sent when a worker that had some crashed, and when the provider may be asked
    /// again.
    Look,
}

impl Load for Embed {
    fn bytes(&self) -> u64 {
        match self {
            Self::Texts(texts) => texts.bytes(),
            Self::Look => 0,
        }
    }

    fn class(&self) -> usize {
        JobKind::Fill as usize
    }
}

impl Message for Embed {
    const STAGE: Stage = Stage::Embedder;
}

/// What the Storer's mailbox takes.
#[derive(Debug)]
pub enum Finished {
    /// Of a refresh.
    Files(Files),
    /// Of a fill.
    Texts(Texts),
}

impl Load for Finished {
    fn bytes(&self) -> u64 {
        match self {
            Self::Files(files) => files.bytes(),
            Self::Texts(texts) => texts.bytes(),
        }
    }

    fn class(&self) -> usize {
        match self {
            Self::Files(_) => JobKind::Refresh as usize,
            Self::Texts(_) => JobKind::Fill as usize,
        }
    }
}

impl Message for Finished {
    const STAGE: Stage = Stage::Storer;
}

impl Finished {
    /// Files, or texts with what became of them.
    pub(crate) fn items(&self) -> u64 {
        match self {
            Self::Files(files) => files.entries.len() as u64,
            Self::Texts(texts) => (texts.vectors.len() + texts.failed.len()) as u64,
        }
    }
}

impl JobMessage for Finished {
    fn part(&self) -> &Part {
        match self {
            Self::Files(files) => &files.part,
            Self::Texts(texts) => &texts.part,
        }
    }
}
