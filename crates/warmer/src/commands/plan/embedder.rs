//! What is known of whoever would embed: the model's tokenizer, and how fast it goes.

use serde_json::Value;
use warmer_content::EmbeddingId;
use warmer_embedding::{EmbedError, ModelError, ModelFiles, Tokenizer};
use warmer_pipeline::{EmbedderSettings, Tools, measure_speed};
use warmer_store::{AttemptOutcome, HistoryFilter, Store, StoreError};

use crate::context::Context;

/// Attempts of the history that are looked at.
const ATTEMPTS: u32 = 500;

/// A fill of fewer texts says nothing: its workers hardly ever work at the same time, and so do not compete for the
/// cores. One worker's speed in fills of 25 texts, times the workers, was 1.4 times what a whole warm did.
const TEXTS_LEAST: u64 = 128;

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

/// By the fills of this embedding that ended lately and were not small; where there are none, by a look at some of the
/// texts.
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
    let attempts = store.history(&filter, ATTEMPTS).await?.into_iter();
    let filled = attempts.filter(|attempt| attempt.outcome == AttemptOutcome::Filled);
    Ok(of_fills(filled.filter_map(|attempt| attempt.summary), embedding, workers))
}

/// By what fills said of themselves.
fn of_fills(summaries: impl Iterator<Item = Value>, embedding: EmbeddingId, workers: usize) -> Option<Found> {
    let (mut tokens, mut texts, mut seconds, embedding) = (0, 0, 0.0, embedding.to_string());
    for summary in summaries.filter(|summary| summary["embedding"] == *embedding) {
        let embedded = summary["vectors_embedded"].as_u64().unwrap_or(0);
        if embedded >= TEXTS_LEAST {
            tokens += summary["tokens"].as_u64().unwrap_or(0);
            texts += embedded;
            seconds += summary["stages"]["embedder"]["work_seconds"].as_f64().unwrap_or(0.0);
        }
    }
    let tokens_per_second = (seconds > 0.0).then(|| tokens as f64 / seconds * workers as f64)?;
    let (by, workers) = (Some("history"), Some(workers));
    Some(Found { tokens_per_second: Some(tokens_per_second), by, texts, workers, error: None })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use warmer_content::Digest;

    use super::*;

    #[test]
    fn only_fills_that_kept_all_workers_busy_say_how_fast_it_goes() {
        let [ours, other] = [b"ours" as &[u8], b"other"].map(|name| EmbeddingId(Digest::of(name)));
        let fill = |by: EmbeddingId, texts: u64, work_seconds: f64| {
            json!({ "embedding": by.to_string(), "vectors_embedded": texts, "tokens": texts * 200,
                    "stages": { "embedder": { "work_seconds": work_seconds } } })
        };
        let speed = |fills: &[Value]| of_fills(fills.iter().cloned(), ours, 2);
        let small: Vec<_> = (0..400).map(|_| fill(ours, 25, 1.0)).collect();
        assert_eq!(speed(&small), None, "however many there are");
        assert_eq!(speed(&[fill(other, 4_000, 100.0)]), None);
        let all = [small, vec![fill(ours, 1_000, 50.0), fill(ours, 3_000, 150.0), fill(other, 4_000, 1.0)]].concat();
        let found = speed(&all).expect("two fills are not small");
        assert_eq!((found.tokens_per_second, found.texts, found.by), (Some(8_000.0), 4_000, Some("history")));
    }
}
