//! Who made the vectors of a repository that was asked for, and when the last of them was there.

use std::time::Duration;

use warmer_content::EmbeddingId;
use warmer_pipeline::Counters;
use warmer_store::{ClaimId, HistoryFilter, JobKind, RepositoryId, Store, StoreError};

use super::answers::{Answer, Asked};

/// Vectors of a repository, by who made them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Made {
    /// By fills of this process.
    pub(super) here: u64,
    /// By other instances, since it was asked for.
    pub(super) elsewhere: u64,
    /// They were there, or were made for another text that is the same.
    pub(super) reused: u64,
}

impl Made {
    /// What the counters of this process and the history of the others say.
    pub(super) async fn of(store: &dyn Store, asked: &Asked, embedding: EmbeddingId) -> Result<Self, StoreError> {
        let others = match asked.repository.filter(|_| store.is_shared()) {
            Some(repository) => by_others(store, asked, repository, embedding).await?,
            None => 0,
        };
        Ok(Self::by(asked, others))
    }

    /// `others`: vectors that others' fills say they made. One may have begun long before: no more than lacked count.
    fn by(asked: &Asked, others: u64) -> Self {
        let sum = |count: fn(&Counters) -> u64| asked.fills.iter().map(|ticket| count(&ticket.counters)).sum::<u64>();
        let missing = asked.coverage.as_ref().map_or(0, |coverage| coverage.missing);
        let (here, met) = (sum(|of| of.embedded.get()), sum(|of| of.elsewhere.get()));
        let lacked = asked.lacked_first.max(asked.lacked_by_publication());
        let told = others.min(lacked.saturating_sub(missing + here));
        let chunks: u64 = asked.attempts.iter().map(|ticket| ticket.counters.chunks.get()).sum();
        // What was not even tried is still missing.
        let found = chunks.saturating_sub(sum(|of| of.wanted.get()).max(missing));
        // Those that a fill here met are among those of the others, where these were made for the same repository.
        let reused = found.saturating_sub(told.saturating_sub(met)) + sum(|of| of.reused.get()).saturating_sub(met);
        Self { here, elsewhere: told.max(met), reused }
    }
}

async fn by_others(
    store: &dyn Store,
    asked: &Asked,
    repository: RepositoryId,
    embedding: EmbeddingId,
) -> Result<u64, StoreError> {
    let (repositories, since) = (Some(vec![repository]), Some(asked.age()));
    let filter = HistoryFilter { repositories, changed: true, since, ..HistoryFilter::default() };
    let (ours, embedding) = (|claim: ClaimId| asked.fills.iter().any(|t| t.claim.id == claim), embedding.to_string());
    let attempts = store.history(&filter, u32::MAX).await?;
    let fills = attempts.iter().filter(|attempt| attempt.kind == JobKind::Fill && !ours(attempt.claim));
    let summaries = fills.filter_map(|attempt| attempt.summary.as_ref());
    let of_ours = summaries.filter(|summary| summary["embedding"] == *embedding);
    Ok(of_ours.filter_map(|summary| summary["vectors_embedded"].as_u64()).sum())
}

impl Asked {
    /// Since the first claim here, or since it was asked for where others do it.
    pub(super) fn age(&self) -> Duration {
        self.attempts.first().map_or_else(|| self.since.elapsed(), |first| first.age())
    }

    /// Texts that lacked a vector when an attempt of this process published.
    fn lacked_by_publication(&self) -> u64 {
        let published = |answer: &Answer| answer.verdict == "warmed" && !answer.elsewhere && !self.is_left;
        let last = self.attempts.last().filter(|_| self.answer.as_ref().is_some_and(published));
        last.map_or(0, |ticket| {
            let counters = &ticket.counters;
            counters.chunks.get().saturating_sub(counters.spared.get() + counters.hopeless.get())
        })
    }

    /// How long it took until the last vector was there, whoever made it: the end of a fill here, or the look that
    /// found it. `None`: some lack or are being counted, or none lacked in what was served before.
    pub(super) fn complete_after(&self) -> Option<Duration> {
        let complete = self.complete_seen.filter(|_| self.is_settled() && self.is_complete())?;
        let last_lack = self.lack_seen.unwrap_or_default();
        if let Some(filled) = self.filled.filter(|filled| *filled > last_lack) {
            return Some(filled);
        }
        let answer = self.answer.as_ref()?;
        let (lacked, warmed) =
            (self.lack_seen.is_some() || self.lacked_by_publication() > 0, answer.verdict == "warmed");
        if lacked || warmed && answer.elsewhere { Some(complete) } else { self.took.filter(|_| warmed) }
    }
}
