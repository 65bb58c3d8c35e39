//! Fills: the vectors that served entries lack, made from stored artifacts.
//!
//! A publication notes which of its artifacts have a text without a vector; a fill takes these page by page and stores
//! vectors as they come. Complete is a repository of which nothing is noted: there is no other count.

use std::collections::HashMap;
use std::time::SystemTime;

use async_trait::async_trait;
use warmer_content::{ArtifactKey, EmbeddingId, Recipe, SkipReason, TextKey, Vector};

use crate::error::StoreError;
use crate::job::ClaimId;
use crate::repository::RepositoryId;

/// Where a page of [`Fills::lacking`] ended, and what is left of the fill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct After {
    /// What was published up to then; in the lane `new` what came before is left as a whole.
    pub(crate) stamp: i64,
    /// Bucket and artifact behind which something is left.
    pub(crate) low: (i64, i64),
    /// And before which.
    pub(crate) high: (i64, i64),
    /// From there it goes on.
    pub(crate) down: bool,
}

/// An artifact with texts that lack a vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lacking {
    /// The artifact.
    pub artifact: ArtifactKey,
    /// Its texts without a vector, sorted, each once.
    pub texts: Vec<TextKey>,
}

/// What a fill does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// May be empty where another fill did all of it meanwhile.
    pub artifacts: Vec<Lacking>,
    /// Where the next page begins; `None`: this was the last one.
    pub last: Option<After>,
    /// Another fill that runs lacks some of these artifacts too: of a fork, say. What is stored soon is not made twice.
    pub contested: bool,
}

/// What a fill made: one transaction.
#[derive(Clone, Copy, Debug)]
pub struct Filled<'a> {
    /// What made the vectors.
    pub embedding: EmbeddingId,
    /// Vectors of texts; of one that is there the first stays.
    pub vectors: &'a [(TextKey, Vector)],
    /// Texts that cannot be embedded, and why.
    pub failed: &'a [(TextKey, SkipReason)],
    /// The artifacts that may be complete now.
    pub artifacts: &'a [ArtifactKey],
}

/// What a repository has of the vectors by which searches find it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Chunks of its entries; a content that is there twice counts twice.
    pub chunks: u64,
    /// Texts of its artifacts that lacked a vector when that was noted, of all artifacts that still lack one.
    pub missing: u64,
    /// Texts that cannot be embedded: their chunks are served without a vector.
    pub failed: u64,
    /// Grows when vectors were added, at most every two seconds.
    pub version: u64,
    /// Why the last fill got no further; `None` after one that did.
    pub last_error: Option<String>,
    /// Until when who said so makes no vectors; `None` where that is over.
    pub hold_until: Option<SystemTime>,
    /// Nobody makes those that lack: it is cut in a way that the fleet left. A refresh cuts it anew.
    pub left: bool,
}

impl Coverage {
    /// Nothing is to be done: every text has a vector, or cannot have one.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.missing == 0
    }
}

/// Which fills are put in the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FillRequest<'a> {
    /// Only of these repositories; `None` looks at all.
    pub repositories: Option<&'a [RepositoryId]>,
    /// A person asks: those that were put off are due at once.
    pub force: bool,
    /// For at most so many repositories and lanes.
    pub limit: u32,
}

impl FillRequest<'_> {
    /// Of all repositories, for so many of them and lanes at most.
    #[must_use]
    pub fn all(limit: u32) -> Self {
        Self { limit, ..Self::default() }
    }
}

/// Why a fill is not to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unwanted {
    /// A person took it out.
    #[error("a person cancelled it")]
    Cancelled,
    /// It waits until that ends.
    #[error("its repository is paused")]
    Paused,
    /// Searches use another, and the fleet makes another.
    #[error("the generation that it makes vectors of has retired")]
    Retired,
    /// Somebody else has it, or its repository is gone.
    #[error("the claim was lost")]
    Lost,
}

/// The vectors that served entries lack.
#[async_trait]
pub trait Fills: Send + Sync {
    /// The next artifacts of the claimed fill whose texts lack vectors, `limit` at most, behind `after`: in the lane
    /// `new` those of the latest publication first, then and in `bulk` those of its shard by their keys; none that was
    /// published after the first page was read, so that a fill ends under constant pushes. Where fills of other
    /// repositories run that lack the same, each two walk towards each other. What the repository no longer serves, or
    /// what lacks nothing any more, is forgotten on the way.
    ///
    /// The inner error is the fence of a fill.
    async fn lacking(
        &self,
        claim: ClaimId,
        after: Option<&After>,
        limit: u32,
    ) -> Result<Result<Page, Unwanted>, StoreError>;

    /// Stores vectors, and which texts cannot have one; twice is once. Artifacts that lack nothing any more are done
    /// with in every repository that serves them. The number of new vectors.
    async fn put_vectors(&self, filled: Filled<'_>) -> Result<u64, StoreError>;

    /// Those of `texts` that cannot be embedded, and are not to be tried again: a fill leaves them out. Each once,
    /// sorted.
    async fn failed_texts(&self, embedding: EmbeddingId, texts: &[TextKey]) -> Result<Vec<TextKey>, StoreError>;

    /// A person asks for it: the texts of what the repository serves that cannot be embedded are tried again by the
    /// next fills, whatever they failed for and however often. How many.
    async fn try_failed_again(&self, repository: RepositoryId) -> Result<u64, StoreError>;

    /// Notes which text a claimed fill has in hand, where that has a process of its own; `None`: none. Should the
    /// process die, that text is one that cannot be embedded; where nobody saw that, it is so the second time. False,
    /// and nothing noted: the claim was lost.
    async fn try_text(&self, claim: ClaimId, text: Option<TextKey>) -> Result<bool, StoreError>;

    /// The coverage of these repositories, or of all, by the embedding under which each is found; of one that serves
    /// nothing there is none.
    async fn coverage(
        &self,
        repositories: Option<&[RepositoryId]>,
    ) -> Result<HashMap<RepositoryId, Coverage>, StoreError>;

    /// The coverage of a repository under one recipe, whether searches use it or not; `None`: nothing was published
    /// under it.
    async fn coverage_under(&self, repository: RepositoryId, recipe: Recipe) -> Result<Option<Coverage>, StoreError>;

    /// Has the generation that the fleet makes, and the one that searches use, cover what is served under their
    /// chunking: from what is stored, so that fills make what lacks. That of `recipe` gets its row first, where the
    /// fleet makes it. Of these repositories, or of all; for `limit` repositories at most. How many were covered; after
    /// none there is nothing left.
    async fn seed(&self, recipe: Recipe, repositories: Option<&[RepositoryId]>, limit: u32) -> Result<u64, StoreError>;

    /// Puts fills in the queue for what lacks vectors of this embedding and has no fill, of generations that are
    /// building or active. The number of jobs; after none there is nothing left.
    async fn enqueue_fills(&self, embedding: EmbeddingId, request: FillRequest<'_>) -> Result<u64, StoreError>;
}
