//! A provider turns texts into vectors: a model in this process, or a service. The pipeline and the queries know only
//! this.

use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use tracing::field::Empty;
use tracing::{Instrument as _, info_span};
use warmer_content::{EmbeddingId, Vector};
use warmer_traces::names;

/// Turns texts into vectors of one `embedding_id`.
#[async_trait]
pub trait Provider: Send + Sync {
    /// What the vectors are filed under.
    fn embedding_id(&self) -> EmbeddingId;

    /// What people call the model; `None`: nobody told.
    fn model(&self) -> Option<&str> {
        None
    }

    /// Numbers in every vector; `None` as long as that is not known, as before a local model is loaded.
    fn dimensions(&self) -> Option<usize>;

    /// How much one call should carry.
    fn limits(&self) -> CallLimits;

    /// Whether the texts leave this machine: then they may only be given where the configuration allows an upload.
    fn uploads(&self) -> bool;

    /// Whether a call now would open nothing first. A model of this machine that is open says nothing that belongs to a
    /// job, so nobody has to enter the job's span for each of its texts.
    fn is_open(&self) -> bool {
        false
    }

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

impl EmbedError {
    /// The kind, in a word.
    fn class(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Retry { .. } => "retry",
            Self::Unfit(_) => "unfit",
            Self::Stopped => "stopped",
        }
    }
}

/// Asks the provider, and holds it to its word: an answer of another length, or with vectors of other dimensions than
/// it states, says nothing about any of the texts.
pub async fn ask(
    provider: &dyn Provider,
    texts: Vec<String>,
    stop: CancellationToken,
) -> Vec<Result<Embedding, EmbedError>> {
    let asked = texts.len();
    let answering = provider.embed(texts, stop);
    // A model of this machine is asked for each text alone: spans of that would be thousands.
    let answers = match provider.uploads() {
        true => told(provider, asked, answering).await,
        false => answering.await,
    };
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

/// A call of a service as a span, with what it comes to; one that the service retries by itself is one.
async fn told(
    provider: &dyn Provider,
    texts: usize,
    answering: impl Future<Output = Vec<Result<Embedding, EmbedError>>>,
) -> Vec<Result<Embedding, EmbedError>> {
    let fingerprint = provider.embedding_id().0.short();
    let model = provider.model().unwrap_or(&fingerprint);
    let span = info_span!(
        names::EMBEDDINGS,
        { names::OTEL_NAME } = format!("{} {model}", names::EMBEDDINGS),
        { names::OTEL_KIND } = "client",
        { names::GEN_AI_OPERATION } = names::EMBEDDINGS,
        { names::GEN_AI_PROVIDER } = "service",
        { names::GEN_AI_MODEL } = model,
        { names::MODEL_FINGERPRINT } = fingerprint,
        { names::TEXTS } = names::int(texts),
        { names::GEN_AI_DIMENSIONS } = Empty,
        { names::GEN_AI_TOKENS } = Empty,
        { names::ERROR_TYPE } = Empty,
        { names::OTEL_STATUS_MESSAGE } = Empty,
    );
    let answers = answering.instrument(span.clone()).await;
    let made = || answers.iter().flatten();
    span.record(names::GEN_AI_TOKENS, names::int(made().map(|made| made.tokens).sum::<u64>()));
    if let Some(made) = made().next() {
        span.record(names::GEN_AI_DIMENSIONS, names::int(made.vector.dimensions()));
    }
    if let Some(error) = answers.iter().find_map(|answer| answer.as_ref().err()) {
        span.record(names::ERROR_TYPE, error.class());
        span.record(names::OTEL_STATUS_MESSAGE, error.to_string());
    }
    answers
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt;
    use std::sync::{Arc, Mutex};

    use futures::FutureExt as _;
    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};
    use warmer_content::Digest;

    use super::*;

    /// Keeps the fields of the spans that begin, by their names.
    #[derive(Clone, Default)]
    struct Fields(Arc<Mutex<BTreeMap<String, String>>>);

    impl Visit for Fields {
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            self.0.lock().expect("no panic").insert(field.name().to_owned(), format!("{value:?}"));
        }
    }

    impl Subscriber for Fields {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, span: &Attributes<'_>) -> Id {
            span.record(&mut self.clone());
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, values: &Record<'_>) {
            values.record(&mut self.clone());
        }

        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, _: &Event<'_>) {}
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    /// Of two texts one has a vector.
    struct Half {
        uploads: bool,
    }

    #[async_trait]
    impl Provider for Half {
        fn embedding_id(&self) -> EmbeddingId {
            EmbeddingId(Digest::of(b"half"))
        }

        fn dimensions(&self) -> Option<usize> {
            None
        }

        fn limits(&self) -> CallLimits {
            CallLimits { texts: 2, size: u64::MAX }
        }

        fn model(&self) -> Option<&str> {
            Some("half-2")
        }

        fn uploads(&self) -> bool {
            self.uploads
        }

        async fn embed(&self, _: Vec<String>, _: CancellationToken) -> Vec<Result<Embedding, EmbedError>> {
            let made = Embedding { vector: Vector::normalized(&[1.0, 2.0]), tokens: 7 };
            vec![Ok(made), Err(EmbedError::Retry { why: "busy".to_owned(), after: None })]
        }
    }

    fn told(uploads: bool) -> BTreeMap<String, String> {
        let fields = Fields::default();
        let texts = vec!["a".to_owned(), "b".to_owned()];
        tracing::subscriber::with_default(fields.clone(), || {
            ask(&Half { uploads }, texts, CancellationToken::new()).now_or_never().expect("it waits for nothing")
        });
        let told = fields.0.lock().expect("no panic");
        told.clone()
    }

    #[test]
    fn a_call_of_a_service_is_told_with_what_it_came_to_and_a_text_that_is_embedded_here_is_not() {
        let fields = told(true);
        let fingerprint = Half { uploads: true }.embedding_id().0.short();
        for (name, value) in [
            (names::OTEL_NAME, "\"embeddings half-2\"".to_owned()),
            (names::OTEL_KIND, "\"client\"".to_owned()),
            (names::GEN_AI_MODEL, "\"half-2\"".to_owned()),
            (names::MODEL_FINGERPRINT, format!("{fingerprint:?}")),
            (names::GEN_AI_TOKENS, "7".to_owned()),
            (names::GEN_AI_DIMENSIONS, "2".to_owned()),
            (names::TEXTS, "2".to_owned()),
            (names::ERROR_TYPE, "\"retry\"".to_owned()),
        ] {
            assert_eq!(fields.get(name), Some(&value), "{name} in {fields:?}");
        }
        assert_eq!(told(false), BTreeMap::new());
    }
}
