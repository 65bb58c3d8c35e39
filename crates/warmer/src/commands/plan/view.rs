//! The plan as the JSON of the output contract.

use std::collections::BTreeMap;

use serde::Serialize;
use warmer_pipeline::{Planned, PlannedTexts};

use super::embedder::Found;

/// A plan. Keys are only ever added.
#[derive(Debug, Serialize)]
pub(super) struct View {
    pub(super) repositories: Vec<PlannedRepository>,
    /// All of them together: a text that several have counts once.
    pub(super) total: Costs,
    pub(super) embedder: Speed,
    /// As it is configured.
    pub(super) price_per_million_tokens: Option<f64>,
}

/// One repository that was asked for.
#[derive(Debug, Serialize)]
pub(super) struct PlannedRepository {
    /// Its URL, or nothing where the argument was none: what it said is not repeated.
    pub(super) repository: Option<String>,
    #[serde(rename = "ref")]
    pub(super) reference: Option<String>,
    pub(super) commit: Option<String>,
    /// `new`: nothing of it is served; `changed`: something else is; `current`: just this is.
    pub(super) state: Option<&'static str>,
    #[serde(flatten)]
    pub(super) costs: Costs,
    /// Bytes that came from the remote for the plan; a warm need not fetch them again.
    pub(super) pack_bytes: u64,
    /// Why it was not counted.
    pub(super) error: Option<String>,
}

/// What a warm costs.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Costs {
    pub(super) files: Files,
    /// Chunks and bytes of the indexed files, the unchanged ones among them.
    pub(super) chunks: u64,
    pub(super) bytes: u64,
    pub(super) texts: Texts,
    /// Bytes of the texts that are to be embedded.
    pub(super) text_bytes: u64,
    /// Their tokens; nothing where there is no tokenizer.
    pub(super) tokens: Option<u64>,
    /// The time that embedding them takes.
    pub(super) seconds: Option<f64>,
    pub(super) price: Option<f64>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Files {
    pub(super) indexed: u64,
    pub(super) unchanged: u64,
    pub(super) removed: u64,
    pub(super) skipped: BTreeMap<&'static str, u64>,
}

/// The texts of the chunks, each once.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Texts {
    pub(super) distinct: u64,
    /// They have a vector.
    pub(super) reused: u64,
    /// They cannot have one.
    pub(super) failed: u64,
    /// They are to be embedded.
    pub(super) missing: u64,
}

/// How fast the texts would be embedded.
#[derive(Debug, Default, Serialize)]
pub(super) struct Speed {
    pub(super) tokens_per_second: Option<f64>,
    /// `history`: by fills that ended lately; `sample`: on some of the texts, just now.
    pub(super) measured_by: Option<&'static str>,
    /// On so many.
    pub(super) texts: u64,
    /// By so many workers.
    pub(super) workers: Option<usize>,
    /// Why it is not known.
    pub(super) error: Option<String>,
}

impl From<Found> for Speed {
    fn from(found: Found) -> Self {
        let Found { tokens_per_second, by, texts, workers, error } = found;
        Self { tokens_per_second, measured_by: by, texts, workers, error }
    }
}

impl PlannedRepository {
    pub(super) fn found(remote: &str, state: &'static str, planned: Planned) -> Self {
        let Planned { reference, commit, files, chunks, bytes, texts, pack_bytes } = planned;
        let skipped = files.skipped.iter().map(|(reason, count)| (reason.as_str(), *count)).collect();
        let (indexed, unchanged, removed) = (files.indexed, files.unchanged, files.removed);
        let files = Files { indexed, unchanged, removed, skipped };
        Self {
            repository: Some(remote.to_owned()),
            reference: Some(reference),
            commit: Some(commit),
            state: Some(state),
            costs: Costs { files, chunks, bytes, ..Costs::of(texts) },
            pack_bytes,
            error: None,
        }
    }

    pub(super) fn failed(remote: Option<&str>, reference: Option<&str>, why: &str) -> Self {
        Self {
            repository: remote.map(str::to_owned),
            reference: reference.map(str::to_owned),
            commit: None,
            state: None,
            costs: Costs::default(),
            pack_bytes: 0,
            error: Some(why.to_owned()),
        }
    }
}

impl Costs {
    fn of(texts: PlannedTexts) -> Self {
        let PlannedTexts { distinct, reused, failed, missing, bytes, tokens } = texts;
        let texts = Texts { distinct, reused, failed, missing };
        Self { texts, text_bytes: bytes, tokens: Some(tokens), ..Self::default() }
    }

    /// What the tokens come to.
    fn price(&mut self, counts_tokens: bool, tokens_per_second: Option<f64>, per_million: Option<f64>) {
        self.tokens = self.tokens.filter(|_| counts_tokens);
        let tokens = self.tokens.map(|tokens| tokens as f64);
        self.seconds = match tokens {
            Some(0.0) => tokens,
            _ => tokens.zip(tokens_per_second).map(|(tokens, speed)| tokens / speed),
        };
        self.price = tokens.zip(per_million).map(|(tokens, price)| tokens * price / 1e6);
    }
}

impl View {
    pub(super) fn of(
        mut repositories: Vec<PlannedRepository>,
        texts: PlannedTexts,
        (speed, counts_tokens): (Found, bool),
        per_million: Option<f64>,
    ) -> Self {
        let mut total = Costs::of(texts);
        for Costs { files, chunks, bytes, .. } in repositories.iter().map(|repository| &repository.costs) {
            total.files.indexed += files.indexed;
            total.files.unchanged += files.unchanged;
            total.files.removed += files.removed;
            for (reason, count) in &files.skipped {
                *total.files.skipped.entry(reason).or_default() += count;
            }
            total.chunks += chunks;
            total.bytes += bytes;
        }
        let counted = repositories.iter_mut().filter(|repository| repository.error.is_none());
        for costs in counted.map(|repository| &mut repository.costs).chain([&mut total]) {
            costs.price(counts_tokens, speed.tokens_per_second, per_million);
        }
        Self { repositories, total, embedder: speed.into(), price_per_million_tokens: per_million }
    }
}
