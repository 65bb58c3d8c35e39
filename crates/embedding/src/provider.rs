//! A provider turns texts into vectors: a model in this process, or a service. The pipeline and the queries know only
//! this.

use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use warmer_content::{EmbeddingId, Vector};

/// Turns texts into vectors of one `embedding_id`.
#[async_trait]
pub trait Provider: Send + Sync {
    /// What the vectors are filed under.
    fn embedding_id(&self) -> EmbeddingId;

    /// Numbers in every vector; `None` as long as that is not known, as before a local model is loaded.
    fn dimensions(&self) -> Option<usize>;

    /// How much one call should carry.
    fn limits(&self) -> CallLimits;

    /// Whether the texts leave this machine: then they may only be given where the configuration allows an upload.
    fn uploads(&self) -> bool;

    /// What this process lacks, where it can embed nothing at all, in one sentence with the way out: nobody need ask.
    fn missing(&self) -> Option<&str> {
        None
    }

    /// From now on so many calls are made at once: what is kept for more is let go.
    fn keep_for(&self, _calls: usize) {}

    /// The embeddings of any number of texts, one result for each, in their order. What a text is embedded with does
    /// not change its vector (W-13). More texts than [`Self::limits`] name cost more than one request.
    ///
    /// A provider that waits for somebody else gives up in time by itself, with [`EmbedError::Retry`]: what the caller
    /// has to stop is held against the texts, for it cannot know better.
    ///
    /// Once `stop` is cancelled the call ends soon, with [`EmbedError::Stopped`] for what has no vector by then. A call
    /// that is dropped ends as well, but nobody learns when.
    async fn embed(&self, texts: Vec<String>, stop: CancellationToken) -> Vec<Result<Embedding, EmbedError>>;
}

/// What a provider makes of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    /// Its vector.
    pub vector: Vector,
    /// How long the text is in the provider's tokens, without special ones and each once, however often it was read.
    pub tokens: u64,
}

/// How much one call of a provider should carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallLimits {
    /// Texts, at least one.
    pub texts: usize,
    /// [`warmer_content::size`] of all texts together, which is about their tokens and may be half of them; one text
    /// may have more by itself.
    pub size: u64,
}

/// Why a text has no vector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmbedError {
    /// This text has none, whoever asks and when.
    #[error("the text cannot be embedded: {0}")]
    Text(String),
    /// The provider cannot embed now, whatever the text: it is busy, unreachable, or out of its quota.
    #[error("the embedding provider cannot answer now: {why}")]
    Retry {
        /// What it said.
        why: String,
        /// For how long it wants to be left alone, if it says so.
        after: Option<Duration>,
    },
    /// The provider can embed nothing in this process: there is no model, or no permission.
    #[error("{0}")]
    Unfit(String),
    /// The call was told to stop.
    #[error("the embedding was stopped")]
    Stopped,
}

/// Asks the provider, and holds it to its word: an answer of another length, or with vectors of other dimensions than
/// it states, says nothing about any of the texts.
pub async fn ask(
    provider: &dyn Provider,
    texts: Vec<String>,
    stop: CancellationToken,
) -> Vec<Result<Embedding, EmbedError>> {
    let asked = texts.len();
    let answers = provider.embed(texts, stop).await;
    let wrong = |why| vec![Err(EmbedError::Retry { why, after: None }); asked];
    if answers.len() != asked {
        return wrong(format!("it gave {} vectors for {asked} texts", answers.len()));
    }
    let found = || answers.iter().flatten().map(|made| made.vector.dimensions());
    let expected = provider.dimensions().or_else(|| found().next());
    match found().find(|dimensions| Some(*dimensions) != expected) {
        None => answers,
        Some(other) => {
            wrong(format!("it gave a vector of {other} numbers, and not of {}", expected.unwrap_or_default()))
        }
    }
}
