//! What is known of whoever would embed: the model's tokenizer, and how fast it goes.

use warmer_content::EmbeddingId;
use warmer_embedding::{EmbedError, ModelError, ModelFiles, Tokenizer};
use warmer_pipeline::{EmbedderSettings, Tools, measure_speed};
use warmer_store::{AttemptOutcome, HistoryFilter, Store, StoreError};

use crate::context::Context;

/// Attempts of the history that are looked at.
const ATTEMPTS: u32 = 500;

/// Fewer tokens say nothing: a text has about 200, and the first of a process waits for its model.
const TOKENS_LEAST: u64 = 2_000;

/// The model, as far as counting needs it.
pub(super) struct Embedder {
    /// What its vectors are filed under.
    pub(super) embedding: EmbeddingId,
    /// What it counts tokens by.
    pub(super) tokenizer: Tokenizer,
}

impl Embedder {
    /// The model of the configuration, or what of it is missing.
    pub(super) fn of(context: &Context) -> Result<Self, String> {
        let load = || -> Result<_, ModelError> {
            let files = ModelFiles::locate(&context.paths.model, context.config.model.length_max())?;
            Ok(Self { embedding: files.fingerprint()?, tokenizer: Tokenizer::load(&files)? })
        };
        load().map_err(|error| error.to_string())
    }
}

/// How fast texts would be embedded by this process, and by what that is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Found {
    pub(super) tokens_per_second: Option<f64>,
    /// `history` or `sample`.
    pub(super) by: Option<&'static str>,
    /// Texts that it was measured on.
    pub(super) texts: u64,
    /// Texts that are embedded at the same time.
    pub(super) workers: Option<usize>,
    /// Why it is not known.
    pub(super) error: Option<String>,
}

impl Found {
    /// It is not known.
    pub(super) fn nothing(why: String) -> Self {
        Self { error: Some(why), ..Self::default() }
    }
}

/// By the fills of this embedding that ended lately; where there are none, by a look at some of the texts.
pub(super) async fn speed(tools: &Tools, settings: &EmbedderSettings, sample: &[String]) -> Result<Found, StoreError> {
    let workers = settings.limits().workers;
    if let Some(found) = of_history(tools.store.as_ref(), tools.recipe.embedding, workers).await? {
        return Ok(found);
    }
    if sample.is_empty() {
        return Ok(Found::default());
    }
    Ok(match measure_speed(&tools.provider, sample, workers, settings.text_deadline).await {
        Ok(speed) => Found {
            tokens_per_second: Some(speed.tokens_per_second).filter(|speed| *speed > 0.0),
            by: Some("sample"),
            texts: speed.texts as u64,
            workers: Some(workers),
            error: None,
        },
        Err(error) => Found::nothing(sentence(&error)),
    })
}

fn sentence(error: &EmbedError) -> String {
    match error {
        EmbedError::Unfit(why) => why.clone(),
        error => error.to_string(),
    }
}

/// What one worker of the Embedder did in a second of its work, for so many.
async fn of_history(store: &dyn Store, embedding: EmbeddingId, workers: usize) -> Result<Option<Found>, StoreError> {
    let filter = HistoryFilter { changed: true, ..HistoryFilter::default() };
    let (mut tokens, mut texts, mut seconds, embedding) = (0, 0, 0.0, embedding.to_string());
    for attempt in store.history(&filter, ATTEMPTS).await? {
        let Some(summary) = attempt.summary.filter(|_| attempt.outcome == AttemptOutcome::Filled) else { continue };
        if summary["embedding"] != *embedding {
            continue;
        }
        tokens += summary["tokens"].as_u64().unwrap_or(0);
        texts += summary["vectors_embedded"].as_u64().unwrap_or(0);
        seconds += summary["stages"]["embedder"]["work_seconds"].as_f64().unwrap_or(0.0);
    }
    let is_enough = tokens >= TOKENS_LEAST && seconds > 0.0;
    let found = || {
        let tokens_per_second = Some(tokens as f64 / seconds * workers as f64);
        Found { tokens_per_second, by: Some("history"), texts, workers: Some(workers), error: None }
    };
    Ok(is_enough.then(found))
}
