//! The cache: what is known of blobs, contents and texts, and what each repository serves.
//!
//! Storing anything twice leaves one row. Every probe that answers "exists" unmarks what it found
//! for the collection, so nothing that a running job relies on is deleted before it is published.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use warmer_content::{
    Artifact, ArtifactKey, ChunkingId, EmbeddingId, RulesDigest, SkipReason, Symbols, SymbolsId, TextKey, Vector,
    symbols_id,
};

use crate::error::StoreError;
use crate::job::ClaimId;
use crate::publication::{Publication, Published};
use crate::repository::RepositoryId;
use crate::upkeep::{Collect, Collected, Verified};

/// What git knows of a file before it is read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobKey {
    /// `sha1` or `sha256`.
    pub hash_kind: &'static str,
    /// Hexadecimal.
    pub oid: String,
    /// What path and attributes say of the language.
    pub language_hint: String,
}

/// What is known of a blob or a content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// It is stored, and readable by this version.
    Artifact {
        /// Its key.
        key: ArtifactKey,
        /// How many chunks it has.
        chunks: u32,
        /// The size of all of them together.
        size: u64,
    },
    /// It is not indexed.
    Skip(SkipReason),
}

/// What a finished batch stores: one transaction.
#[derive(Clone, Copy, Debug)]
pub struct Put<'a> {
    /// What made the chunks.
    pub chunking: ChunkingId,
    /// What decided the skips.
    pub rules: RulesDigest,
    /// Artifacts of contents; one that is stored but differs (a damaged or older one) is replaced.
    pub artifacts: &'a [(ArtifactKey, Arc<Artifact>)],
    /// What blobs turned out to be.
    pub blobs: &'a [(BlobKey, Result<ArtifactKey, SkipReason>)],
    /// Symbols of the artifacts.
    pub symbols: Extracted<'a>,
}

/// Symbols of stored artifacts, and what made them.
#[derive(Clone, Copy, Debug)]
pub struct Extracted<'a> {
    /// The extractor.
    pub by: SymbolsId,
    /// Those of another extractor, or damaged ones, are replaced; of an artifact that is not stored none are.
    pub symbols: &'a [(ArtifactKey, Arc<Symbols>)],
}

impl<'a> Extracted<'a> {
    /// By the extractor of this version.
    #[must_use]
    pub fn of(symbols: &'a [(ArtifactKey, Arc<Symbols>)]) -> Self {
        Self { by: symbols_id(), symbols }
    }
}

/// What of it was not there before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PutCounts {
    /// Artifacts.
    pub artifacts_new: u64,
}

/// What a path turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Indexed.
    Artifact(ArtifactKey),
    /// Not indexed; still an entry, so that it is counted.
    Skip(SkipReason),
    /// No longer in the commit.
    Gone,
}

/// One path of a job under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagedEntry {
    /// Relative to the repository's root.
    pub path: String,
    /// The blob's id, hexadecimal; empty where it is gone.
    pub oid: String,
    /// As in [`BlobKey`].
    pub language_hint: String,
    /// What it turned out to be.
    pub outcome: Outcome,
}

/// One path that is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Relative to the repository's root.
    pub path: String,
    /// The blob's id, hexadecimal.
    pub oid: String,
    /// As in [`BlobKey`].
    pub language_hint: String,
    /// What it shows; `None` where it was skipped.
    pub artifact: Option<ArtifactKey>,
    /// Why it was skipped.
    pub skip: Option<SkipReason>,
}

/// What a served path shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Relative to the repository's root.
    pub path: String,
    /// The artifact; `None` where the file is skipped.
    pub artifact: Option<ArtifactKey>,
}

/// What is served of one repository, in sum, as of its last publication. A content that is there twice counts twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Files with an artifact.
    pub indexed: u64,
    /// Files without, by reason.
    pub skipped: BTreeMap<SkipReason, u64>,
    /// Chunks of the indexed files.
    pub chunks: u64,
    /// The size of the chunks together.
    pub size: u64,
    /// Bytes of the indexed files.
    pub bytes: u64,
    /// Secrets that are asterisks in them.
    #[serde(default)]
    pub masked: u64,
}

/// What is known of blobs, contents and texts, and what each repository serves.
#[async_trait]
pub trait Cache: Send + Sync {
    /// What is known of these blobs, in their order; `None`: look at the content.
    /// Trust it only for an oid that the mirror really has.
    async fn known(
        &self,
        blobs: &[BlobKey],
        chunking: ChunkingId,
        rules: RulesDigest,
    ) -> Result<Vec<Option<Known>>, StoreError>;

    /// What is known of these contents, in their order, whatever blob they came in.
    async fn known_artifacts(&self, keys: &[ArtifactKey]) -> Result<Vec<Option<Known>>, StoreError>;

    /// The artifact. One that does not read, or is of an unknown version, is a miss and is counted.
    async fn artifact(&self, key: ArtifactKey) -> Result<Option<Artifact>, StoreError>;

    /// Those of these artifacts that are stored and read; the others are counted as by [`Cache::artifact`].
    async fn artifacts(&self, keys: &[ArtifactKey]) -> Result<HashMap<ArtifactKey, Artifact>, StoreError>;

    /// The vectors that there are of these texts.
    async fn vectors(&self, embedding: EmbeddingId, texts: &[TextKey]) -> Result<HashMap<TextKey, Vector>, StoreError>;

    /// The symbols of these artifacts by this extractor, in their order. `None`: there are none, or they do not read;
    /// whoever asks makes them from the artifact.
    async fn symbols(&self, keys: &[ArtifactKey], by: SymbolsId) -> Result<Vec<Option<Symbols>>, StoreError>;

    /// Stores symbols of artifacts that are stored already; a store that is open for reading keeps none.
    async fn put_symbols(&self, symbols: Extracted<'_>) -> Result<(), StoreError>;

    /// Those of `texts` that have no vector, each once, sorted.
    async fn missing_vectors(&self, embedding: EmbeddingId, texts: &[TextKey]) -> Result<Vec<TextKey>, StoreError>;

    /// Stores a finished batch. Twice is once.
    async fn put(&self, put: Put<'_>) -> Result<PutCounts, StoreError>;

    /// Notes what paths turned out to be, until the claim is published or settled. The last word on a path holds.
    /// False, and nothing noted: the claim was lost.
    async fn stage(&self, claim: ClaimId, entries: &[StagedEntry]) -> Result<bool, StoreError>;

    /// Makes what was staged visible and finishes the job, in one transaction; see [`Published`].
    async fn publish(&self, publication: &Publication) -> Result<Published, StoreError>;

    /// The entries behind `after`, in path order (by bytes), at most `limit`.
    async fn entries_page(
        &self,
        repository: RepositoryId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Entry>, StoreError>;

    /// The entries under this chunking behind `after`, in path order (by bytes), at most `limit`.
    async fn entries_under(
        &self,
        repository: RepositoryId,
        chunking: ChunkingId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Entry>, StoreError>;

    /// The entries behind `after` that show an artifact, in path order (by bytes), at most `limit`.
    async fn shown_page(
        &self,
        repository: RepositoryId,
        chunking: ChunkingId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Shown>, StoreError>;

    /// The entries that publications behind the one of number `since` changed, at most `limit`. What they removed is
    /// not among them.
    async fn shown_since(
        &self,
        repository: RepositoryId,
        chunking: ChunkingId,
        since: u64,
        limit: u32,
    ) -> Result<Vec<Shown>, StoreError>;

    /// What is served, in sum.
    async fn totals(&self, repository: RepositoryId) -> Result<Totals, StoreError>;

    /// Marks what nothing reaches, and deletes what has been marked for long enough and is still unreached.
    /// Small transactions; safe beside running jobs.
    async fn collect(&self, how: &Collect) -> Result<Collected, StoreError>;

    /// Looks for what cannot be read or does not fit together, and deletes it, so that the next look is a miss.
    /// `deep` reads every artifact and vector.
    async fn verify(&self, deep: bool) -> Result<Verified, StoreError>;
}
