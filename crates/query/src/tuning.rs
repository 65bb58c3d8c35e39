//! `Tuning`: what came of pools that were given another size for a while, and whether to keep it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;
use warmer_store::{EndedWithin, Reported, Standing, Status, Tuned};

/// Of its memory an instance may take so much: beyond it a job that takes more than others ends the process.
const MEMORY: f64 = 0.8;
/// What differs by less may be chance.
const NOTABLE: f64 = 0.1;
/// Below so many ended attempts nothing is said about rates.
const ENDED_LEAST: u64 = 10;
/// Below so many items a second, in the better minute of both, nothing is said about a stage: 10 in that minute.
const ITEMS_LEAST: f64 = 10.0 / 60.0;
/// A database that answers within this is not slow, whatever it did before: it is asked once, and where all cores embed
/// who asks waits for one (8 ms, with two Embedders on two cores).
const LATENCY_MS: f64 = 50.0;

/// Rates of all instances, before or meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rates {
    /// Refreshes that ended warmed or fresh, per minute.
    pub completed_per_min: f64,
    /// Attempts that were counted.
    pub ended: u64,
    /// Refreshes that ended by an error or a crash, per minute.
    pub failed_per_min: f64,
    /// Fills that came to their end, per minute.
    pub filled_per_min: f64,
    /// Texts of served files that had no vector, at the end of the time.
    pub texts_missing: u64,
}

/// One pool of one instance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TunedPool {
    /// Workers that were asked for. An instance that has fewer has a bound.
    pub asked: u32,
    /// The machine.
    pub host: String,
    /// Its name.
    pub instance: Uuid,
    /// How long the database took for a small question, in milliseconds: before and now.
    pub latency_ms: [f64; 2],
    /// Bytes of memory: before and now.
    pub memory_bytes: [u64; 2],
    /// Bytes that it may have; `None`: it does not know.
    pub memory_max_bytes: Option<u64>,
    /// The stage.
    pub stage: String,
    /// Workers: before and now.
    pub workers: [u32; 2],
}

/// What a stage of all instances did, in the minute before and in the last minute of the time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageSpeed {
    /// Files or texts a second: before and now.
    pub items_per_second: [f64; 2],
    /// Its name.
    pub stage: String,
}

/// Looks at the queue, from just before on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looks {
    /// How many there were.
    pub all: u64,
    /// Those that found nothing: no job that was due, and none that ran.
    pub idle: u64,
}

/// Whether the sizes are worth keeping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// More is done, and nothing suffers.
    Keep,
    /// Nothing is gained.
    NoGain,
    /// Something suffers.
    TakeBack,
    /// Too little ended to tell.
    Unknown,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tuning {
    /// Before.
    pub before: Rates,
    /// Each instance that took it.
    pub instances: Vec<TunedPool>,
    /// Of the looks at the queue, those that found nothing to do.
    pub idle: f64,
    /// Since then.
    pub now: Rates,
    /// Why the verdict is what it is, in sentences.
    pub reasons: Vec<String>,
    /// The stages whose pools have another size; empty where the time was too short to tell.
    pub stages: Vec<StageSpeed>,
    /// Whether to keep it.
    pub verdict: Verdict,
}

impl Rates {
    /// Of what ended within a time.
    #[must_use]
    pub fn of(ended: EndedWithin, time: Duration, texts_missing: u64) -> Self {
        let per_min = |count: u64| count as f64 * 60.0 / time.as_secs_f64().max(1.0);
        Self {
            completed_per_min: per_min(ended.completed),
            ended: ended.completed + ended.failed + ended.filled,
            failed_per_min: per_min(ended.failed),
            filled_per_min: per_min(ended.filled),
            texts_missing,
        }
    }

    fn done(&self) -> f64 {
        self.completed_per_min + self.filled_per_min
    }
}

impl TunedPool {
    /// Of a stage of which so many workers were asked for, as its instance told it.
    #[must_use]
    pub fn of(stage: &str, asked: u32, tuned: &Tuned) -> Self {
        let Tuned { instance, host, before, now, memory_max } = tuned;
        let latency = |standing: &Standing| standing.latency.as_secs_f64() * 1e3;
        Self {
            asked,
            host: host.clone(),
            instance: instance.0,
            latency_ms: [latency(before), latency(now)],
            memory_bytes: [before.memory, now.memory],
            memory_max_bytes: *memory_max,
            stage: stage.to_owned(),
            workers: [before.workers, now.workers],
        }
    }

    /// Whether anything changed for it.
    #[must_use]
    pub fn has_another_size(&self) -> bool {
        self.workers[0] != self.workers[1]
    }

    /// Whether its instance took fewer workers than were asked for, because it has a bound.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        self.asked > self.workers[1]
    }

    /// Of its memory, what it takes now.
    #[must_use]
    pub fn memory_share(&self) -> Option<f64> {
        self.memory_max_bytes.map(|max| self.memory_bytes[1] as f64 / max.max(1) as f64)
    }
}

impl StageSpeed {
    /// Of a stage, as all instances told of it: before and now.
    #[must_use]
    pub fn of(stage: &str, before: &[Reported], now: &[Reported]) -> Self {
        Self {
            items_per_second: [before, now].map(|reports| items_per_second(stage, reports)),
            stage: stage.to_owned(),
        }
    }
}

fn items_per_second(stage: &str, reports: &[Reported]) -> f64 {
    let of = |reported: &Reported| {
        let items = reported.figures.stages.get(stage).map_or(0, |figures| figures.items);
        items as f64 / reported.figures.seconds.max(1.0)
    };
    // A sum of nothing is -0.
    reports.iter().map(of).fold(0.0, |sum, one| sum + one)
}

impl Tuning {
    /// Judges it.
    #[must_use]
    pub fn of((before, now): (Rates, Rates), looks: Looks, instances: Vec<TunedPool>, stages: Vec<StageSpeed>) -> Self {
        let resized: Vec<_> = instances.iter().filter(|pool| pool.has_another_size()).collect();
        let stages: Vec<_> =
            stages.into_iter().filter(|speed| resized.iter().any(|pool| pool.stage == speed.stage)).collect();
        let harms = harms(&before, &now, &resized);
        let idle = looks.share();
        let (verdict, reasons) = if resized.is_empty() {
            (Verdict::Unknown, vec![unchanged(&instances)])
        } else if !harms.is_empty() {
            (Verdict::TakeBack, harms)
        } else if idle > NOTABLE {
            (Verdict::Unknown, vec![too_little(idle)])
        } else {
            gain(&before, &now, &stages)
        };
        Self { before, idle, instances, now, reasons, stages, verdict }
    }
}

impl Looks {
    /// Notes what a look has found.
    pub fn note(&mut self, status: &Status) {
        self.all += 1;
        self.idle += u64::from(status.queue_depth + status.running + status.fills_running == 0);
    }

    fn share(&self) -> f64 {
        self.idle as f64 / self.all.max(1) as f64
    }
}

/// Whatever differs then, the sizes have not made it.
fn unchanged(instances: &[TunedPool]) -> String {
    if instances.is_empty() {
        return "no instance has taken it: nothing to judge".to_owned();
    }
    let bounded = instances.iter().filter(|pool| pool.is_bounded()).map(|pool| pool.stage.as_str());
    let stages: Vec<_> = bounded.collect::<BTreeSet<_>>().into_iter().collect();
    let held_back = match stages[..] {
        [] => String::new(),
        _ => format!(" ([tune] max has no room for more workers of {})", stages.join(", ")),
    };
    format!("no pool has another size{held_back}: nothing to judge")
}

/// Rates go by what there is to do, not by the pools, where all of that is done.
fn too_little(idle: f64) -> String {
    let percent = idle * 100.0;
    format!("nothing was to be done for {percent:.0} % of the time, too little to judge: try it while there is work")
}

/// What suffers, by the pools that have another size.
fn harms(before: &Rates, now: &Rates, resized: &[&TunedPool]) -> Vec<String> {
    let mut harms = Vec::new();
    for pool in resized {
        let (stage, host) = (&pool.stage, &pool.host);
        if let Some(share) = pool.memory_share().filter(|share| *share > MEMORY) {
            let percent = share * 100.0;
            harms.push(format!(
                "the memory of {host} is at {percent:.0} %, of which 80 % are the most: fewer {stage} workers"
            ));
        }
        let [was, is] = pool.latency_ms;
        if is > LATENCY_MS && is > 2.0 * was {
            harms.push(format!("the database answers {host} in {is:.1} ms instead of {was:.1}: it has too much to do"));
        }
    }
    // One that fails in ten minutes is no news.
    if now.failed_per_min > before.failed_per_min * (1.0 + NOTABLE) + 0.1 {
        let (was, is) = (before.failed_per_min, now.failed_per_min);
        harms.push(format!(
            "{is:.1} attempts fail each minute instead of {was:.1}: `warmer jobs list --failed` says why"
        ));
    }
    harms
}

/// What is gained: jobs that end, or, where few do because they are long, what the stage gets done.
fn gain(before: &Rates, now: &Rates, stages: &[StageSpeed]) -> (Verdict, Vec<String>) {
    if before.ended.max(now.ended) >= ENDED_LEAST {
        let (was, is) = (before.done(), now.done());
        return judged(was, is, format!("{is:.1} jobs end each minute instead of {was:.1}"));
    }
    let busiest = stages.iter().max_by(|one, other| most(one).total_cmp(&most(other)));
    let Some(StageSpeed { items_per_second: [was, is], stage }) = busiest.filter(|stage| most(stage) >= ITEMS_LEAST)
    else {
        let reason = "too little was done before and meanwhile to tell: try it for two minutes while there is work";
        return (Verdict::Unknown, vec![reason.to_owned()]);
    };
    let (verdict, mut reasons) =
        judged(*was, *is, format!("the {stage} does {is:.1} items a second instead of {was:.1}"));
    if before.texts_missing > 0 && now.texts_missing == 0 && stage == "embedder" {
        reasons.push("no text lacks a vector any more: the end of the work is in that".to_owned());
        return (Verdict::Unknown, reasons);
    }
    (verdict, reasons)
}

fn most(stage: &StageSpeed) -> f64 {
    stage.items_per_second.into_iter().fold(0.0, f64::max)
}

fn judged(was: f64, is: f64, rates: String) -> (Verdict, Vec<String>) {
    if is > was * (1.0 + NOTABLE) {
        return (Verdict::Keep, vec![format!("{rates}: set it in the configuration to keep it")]);
    }
    if is < was * (1.0 - NOTABLE) {
        return (Verdict::TakeBack, vec![rates]);
    }
    (Verdict::NoGain, vec![format!("{rates}: the bottleneck is elsewhere")])
}

#[cfg(test)]
mod tests;
