//! The summary of a warm: for people, and as the JSON of the output contract.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use warmer_content::EmbeddingId;
use warmer_pipeline::Stage;
use warmer_query::Moment;
use warmer_store::{Coverage, Store, Totals};

use super::answers::{Answers, Asked};
use super::made::Made;
use super::progress::size;
use crate::memory::Peak;
use crate::output;

/// The whole run. Keys are only ever added.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    repositories: Vec<Warmed>,
    peak_memory_bytes: u64,
    peak_anonymous_bytes: u64,
}

#[derive(Debug, Serialize)]
struct Warmed {
    repository: Option<String>,
    #[serde(rename = "ref")]
    reference: Option<String>,
    commit: Option<String>,
    verdict: &'static str,
    files: Files,
    chunks: u64,
    masked: u64,
    vectors: Vectors,
    coverage: Covered,
    tokens: u64,
    bytes: u64,
    blobs_read: u64,
    pack_bytes: u64,
    attempts: usize,
    seconds: f64,
    stages: BTreeMap<&'static str, Times>,
    error: Option<String>,
}

#[derive(Debug, Default, Serialize)]
struct Files {
    indexed: u64,
    unchanged: u64,
    removed: u64,
    skipped: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Default, Serialize)]
struct Vectors {
    /// By this process.
    embedded: u64,
    /// By other instances meanwhile.
    elsewhere: u64,
    /// They were there.
    reused: u64,
}

/// What of the served chunks has a vector.
#[derive(Debug, Default, Serialize)]
struct Covered {
    /// Of the repository, as in `chunks`.
    chunks: u64,
    /// Texts that still lack one.
    missing: u64,
    /// Texts that cannot have one.
    failed: u64,
    complete: bool,
    /// Why those that are missing do not come for now.
    error: Option<String>,
    /// Until when who said so makes no vectors.
    hold_until: Option<Moment>,
    /// From the first claim until the last vector was there; nothing where some lack, or none lacked.
    seconds: Option<f64>,
}

#[derive(Debug, Default, Serialize)]
struct Times {
    work_seconds: f64,
    wait_seconds: f64,
}

impl Summary {
    /// What the answers and the store say.
    pub(super) async fn of(
        store: &dyn Store,
        answers: &Answers,
        (embedding, peak): (EmbeddingId, Peak),
    ) -> anyhow::Result<Self> {
        let mut repositories = vec![];
        for asked in &answers.0 {
            repositories.push(Warmed::of(store, asked, embedding).await?);
        }
        Ok(Self { repositories, peak_memory_bytes: peak.resident, peak_anonymous_bytes: peak.anonymous })
    }
}

impl Warmed {
    async fn of(store: &dyn Store, asked: &Asked, embedding: EmbeddingId) -> anyhow::Result<Self> {
        let (totals, served) = match asked.repository {
            None => (Totals::default(), None),
            Some(id) => (store.totals(id).await?, store.repository(id).await?.and_then(|repository| repository.served)),
        };
        let sum = |count: fn(&warmer_pipeline::Counters) -> u64| -> u64 {
            asked.attempts.iter().map(|ticket| count(&ticket.counters)).sum()
        };
        let of_fills = |count: fn(&warmer_pipeline::Counters) -> u64| -> u64 {
            asked.fills.iter().map(|ticket| count(&ticket.counters)).sum()
        };
        let coverage = Covered::of(store, asked, &totals).await?;
        let Made { here, elsewhere, reused } = Made::of(store, asked, embedding).await?;
        let published = asked.answer.as_ref().map(|answer| answer.files).unwrap_or_default();
        Ok(Self {
            repository: asked.remote.clone(),
            reference: served.as_ref().map(|served| served.reference.clone()).or_else(|| asked.reference.clone()),
            commit: served.map(|served| served.commit),
            verdict: asked.answer.as_ref().map_or("retry", |answer| answer.verdict),
            files: Files {
                indexed: published.indexed,
                unchanged: totals.indexed.saturating_sub(published.indexed),
                removed: published.removed,
                skipped: totals.skipped.iter().map(|(reason, count)| (reason.as_str(), *count)).collect(),
            },
            chunks: totals.chunks,
            masked: totals.masked,
            vectors: Vectors { embedded: here, elsewhere, reused },
            coverage,
            tokens: of_fills(|counters| counters.tokens.get()),
            bytes: sum(|counters| counters.bytes.get()),
            blobs_read: sum(|counters| counters.read.get()),
            pack_bytes: sum(|counters| counters.received.get()),
            attempts: asked.worked(),
            seconds: asked.seconds(),
            stages: stages(asked),
            error: asked.answer.as_ref().and_then(|answer| answer.error.clone()),
        })
    }
}

impl Covered {
    async fn of(store: &dyn Store, asked: &Asked, totals: &Totals) -> anyhow::Result<Self> {
        let Some(id) = asked.repository else { return Ok(Self::default()) };
        let coverage = match &asked.coverage {
            Some(coverage) if coverage.chunks > 0 => coverage.clone(),
            _ => store.coverage(Some(&[id])).await?.remove(&id).unwrap_or_default(),
        };
        let complete = coverage.complete();
        let Coverage { missing, failed, hold_until, .. } = coverage;
        let (error, hold_until) = (asked.hold.as_ref().map(|hold| hold.why.clone()), hold_until.map(Moment));
        let seconds = asked.complete_after().map(|after| after.as_secs_f64());
        Ok(Self { chunks: totals.chunks, missing, failed, complete, error, hold_until, seconds })
    }
}

/// What each stage did in all attempts.
fn stages(asked: &Asked) -> BTreeMap<&'static str, Times> {
    let mut stages: BTreeMap<_, _> = Stage::ALL.into_iter().map(|stage| (stage.as_str(), Times::default())).collect();
    for timeline in asked.attempts.iter().chain(&asked.fills).map(|ticket| ticket.timeline()) {
        for stage in Stage::ALL {
            if let (Some(times), Some(sum)) = (timeline.stage(stage), stages.get_mut(stage.as_str())) {
                sum.work_seconds += times.work.as_secs_f64();
                sum.wait_seconds += times.waits.sum().as_secs_f64();
            }
        }
    }
    stages
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for repository in &self.repositories {
            writeln!(f, "{repository}")?;
        }
        let (resident, anonymous) = (size(self.peak_memory_bytes), size(self.peak_anonymous_bytes));
        writeln!(f, "peak memory  {resident}, {anonymous} of it anonymous")
    }
}

impl fmt::Display for Warmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.repository.as_deref().unwrap_or("(not a repository)");
        writeln!(f, "{}  {}", output::printable(name), self.verdict)?;
        if let Some(error) = &self.error {
            writeln!(f, "  error      {}", output::printable_line(error))?;
        }
        if let Some(commit) = &self.commit {
            let reference = self.reference.as_deref().unwrap_or("HEAD");
            writeln!(f, "  commit     {} ({})", commit.get(..12).unwrap_or(commit), output::printable(reference))?;
            self.fmt_files(f)?;
        }
        let Vectors { embedded, elsewhere, .. } = self.vectors;
        // Another instance may have done all of it, or a part.
        if self.attempts as u64 + embedded + elsewhere + self.coverage.missing > 0 {
            self.fmt_work(f)?;
        }
        Ok(())
    }
}

impl Warmed {
    fn fmt_files(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = &self.files;
        write!(f, "  files      {} indexed, {} unchanged, {} removed", files.indexed, files.unchanged, files.removed)?;
        let skipped: u64 = files.skipped.values().sum();
        let reasons: Vec<_> = files.skipped.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        match skipped {
            0 => writeln!(f, ", none skipped")?,
            _ => writeln!(f, ", {skipped} skipped ({})", reasons.join(", "))?,
        }
        if self.masked > 0 {
            writeln!(f, "  masked     {}", output::counted(self.masked, "secret"))?;
        }
        writeln!(f, "  chunks     {}", self.chunks)
    }

    /// Nothing where every chunk has its vector.
    fn fmt_coverage(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Covered { missing, failed, error, .. } = &self.coverage;
        if *missing > 0 {
            let why = error.as_deref().map(|why| format!(": {}", output::printable_line(why))).unwrap_or_default();
            writeln!(f, "  missing    {} without a vector yet{why}", output::counted(*missing, "text"))?;
        }
        if *failed > 0 {
            writeln!(f, "  failed     {} that cannot be embedded", output::counted(*failed, "text"))?;
        }
        Ok(())
    }

    fn fmt_work(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Vectors { embedded, elsewhere, reused } = self.vectors;
        let others = if elsewhere > 0 { format!(", {elsewhere} made by other instances") } else { String::new() };
        writeln!(f, "  vectors    {embedded} embedded ({} tokens){others}, {reused} reused", self.tokens)?;
        self.fmt_coverage(f)?;
        let (read, pack) = (size(self.bytes), size(self.pack_bytes));
        writeln!(f, "  bytes      {read} read from {}, {pack} received", output::counted(self.blobs_read, "blob"))?;
        let again = if self.attempts > 1 { format!(", {} attempts", self.attempts) } else { String::new() };
        let vectors = self.coverage.seconds.map(|seconds| format!(" until served, {} with its vectors", time(seconds)));
        writeln!(f, "  time       {}{}{again}", time(self.seconds), vectors.unwrap_or_default())?;
        for stage in Stage::ALL {
            let times = &self.stages[stage.as_str()];
            let (work, wait) = (times.work_seconds, times.wait_seconds);
            writeln!(f, "    {:<9} {:>9} work {:>9} wait", stage.as_str(), time(work), time(wait))?;
        }
        Ok(())
    }
}

/// `12.34s`; below a second `850ms`.
fn time(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.0}ms", seconds * 1e3) } else { format!("{seconds:.2}s") }
}
