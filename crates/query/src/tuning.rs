//! `Tuning`: what came of pools that were given another size for a while, and whether to keep it.

use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;
use warmer_store::{EndedWithin, Reported, Standing, Tuned};

use crate::text::duration;

/// Of its memory an instance may take so much: beyond it a job that takes more than others ends the process.
const MEMORY: f64 = 0.8;
/// What differs by less may be chance.
const NOTABLE: f64 = 0.1;
/// Below so many ended attempts nothing is said about rates.
const ENDED_LEAST: u64 = 10;
/// Below so many items a second, in the better minute of both, nothing is said about a stage: 10 in that minute.
const ITEMS_LEAST: f64 = 10.0 / 60.0;
/// A database that answers within this is not slow, whatever it did before.
const LATENCY: Duration = Duration::from_millis(5);

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
    /// Of a stage, as its instance told it.
    #[must_use]
    pub fn of(stage: &str, tuned: &Tuned) -> Self {
        let Tuned { instance, host, before, now, memory_max } = tuned;
        let latency = |standing: &Standing| standing.latency.as_secs_f64() * 1e3;
        Self {
            host: host.clone(),
            instance: instance.0,
            latency_ms: [latency(before), latency(now)],
            memory_bytes: [before.memory, now.memory],
            memory_max_bytes: *memory_max,
            stage: stage.to_owned(),
            workers: [before.workers, now.workers],
        }
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
    reports.iter().map(of).sum()
}

impl Tuning {
    /// Judges it.
    #[must_use]
    pub fn of(before: Rates, now: Rates, instances: Vec<TunedPool>, stages: Vec<StageSpeed>) -> Self {
        let harms = harms(&before, &now, &instances);
        let (verdict, reasons) =
            if harms.is_empty() { gain(&before, &now, &stages) } else { (Verdict::TakeBack, harms) };
        Self { before, instances, now, reasons, stages, verdict }
    }
}

/// What suffers.
fn harms(before: &Rates, now: &Rates, instances: &[TunedPool]) -> Vec<String> {
    let mut harms = Vec::new();
    for pool in instances {
        let (stage, host) = (&pool.stage, &pool.host);
        if let Some(share) = pool.memory_share().filter(|share| *share > MEMORY) {
            let percent = share * 100.0;
            harms.push(format!(
                "the memory of {host} is at {percent:.0} %, of which 80 % are the most: fewer {stage} workers"
            ));
        }
        let [was, is] = pool.latency_ms.map(|ms| Duration::from_secs_f64(ms / 1e3));
        if is > LATENCY && is > 2 * was {
            let (was, is) = (duration(was), duration(is));
            harms.push(format!("the database answers {host} in {is} instead of {was}: it has too much to do"));
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
        let reason =
            "too little was done before and meanwhile to tell: try it for a minute or more while there is work";
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
    (Verdict::NoGain, vec![format!("{rates}: the bottleneck is elsewhere, or there is no more work")])
}

#[cfg(test)]
mod tests {
    use warmer_store::InstanceId;

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn rates(completed: u64, failed: u64) -> Rates {
        Rates::of(EndedWithin { completed, failed, filled: 0 }, 10 * MINUTE, 0)
    }

    fn pool(memory: u64, latency_ms: [u64; 2]) -> TunedPool {
        let [before, now] = latency_ms.map(|ms| Standing { workers: 2, memory, latency: Duration::from_millis(ms) });
        let instance = InstanceId::random();
        TunedPool::of("hasher", &Tuned { instance, host: "h".into(), before, now, memory_max: Some(100) })
    }

    fn verdict(before: Rates, now: Rates, pool: TunedPool) -> (Verdict, String) {
        let tuning = Tuning::of(before, now, vec![pool], vec![]);
        (tuning.verdict, tuning.reasons.concat())
    }

    #[test]
    fn more_work_is_kept_and_no_more_is_no_gain() {
        let well = || pool(80, [1, 2]);
        assert_eq!(verdict(rates(100, 0), rates(111, 0), well()).0, Verdict::Keep);
        assert_eq!(verdict(rates(100, 0), rates(109, 0), well()).0, Verdict::NoGain);
        assert_eq!(verdict(rates(100, 0), rates(80, 0), well()).0, Verdict::TakeBack);
        assert_eq!(verdict(rates(3, 0), rates(9, 0), well()).0, Verdict::Unknown);
    }

    #[test]
    fn where_few_jobs_end_the_work_of_the_stage_is_judged() {
        let speed = |items_per_second| StageSpeed { items_per_second, stage: "embedder".to_owned() };
        let of = |items, missing| {
            let rates = |texts_missing| Rates { texts_missing, ..rates(1, 0) };
            let tuning = Tuning::of(rates(9_000), rates(missing), vec![pool(1, [1, 1])], vec![speed(items)]);
            (tuning.verdict, tuning.reasons.concat())
        };
        let (verdict, why) = of([30.0, 40.0], 5_000);
        assert_eq!(verdict, Verdict::Keep);
        assert!(why.starts_with("the embedder does 40.0 items a second instead of 30.0"), "{why}");
        assert_eq!(of([30.0, 31.0], 5_000).0, Verdict::NoGain);
        assert_eq!(of([30.0, 20.0], 5_000).0, Verdict::TakeBack);
        assert_eq!(of([30.0, 20.0], 0).0, Verdict::Unknown, "it is slower because there is no more to do");
        assert_eq!(of([0.1, 0.1], 5_000).0, Verdict::Unknown);
    }

    #[test]
    fn what_suffers_is_named_whatever_is_gained() {
        for (now, pool, why) in [
            (rates(200, 0), pool(81, [1, 1]), "at 81 %"),
            (rates(200, 0), pool(1, [3, 7]), "in 7ms instead of 3ms"),
            (rates(200, 2), pool(1, [1, 1]), "0.2 attempts fail each minute instead of 0.0"),
        ] {
            let (verdict, reasons) = verdict(rates(100, 0), now, pool);
            assert!(verdict == Verdict::TakeBack && reasons.contains(why), "{reasons}");
        }
        assert_eq!(verdict(rates(100, 0), rates(200, 1), pool(1, [1, 4])).0, Verdict::Keep, "as it may be by chance");
    }
}
