//! The timeline of an attempt: what each stage did for it and what it waited for, and when. Spans, metrics, the
//! history and `warmer trace` are all made of it; nobody else has a watch.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use warmer_supervision::Wait;

use crate::call::Call;
use crate::counters::Stage;
use crate::kept::Kept;
use crate::slowest::{Ended, Slowest, SlowestAndLast, Took};

/// Steps and files that the history keeps for an attempt.
const LISTED: usize = 10;

/// Times by what was waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits([Duration; Wait::ALL.len()]);

impl Waits {
    /// So long was waited for this.
    pub fn add(&mut self, wait: Wait, time: Duration) {
        self.0[wait as usize] += time;
    }

    /// All of another.
    pub fn add_all(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, time)| *sum += time);
    }

    /// How long this was waited for.
    #[must_use]
    pub fn of(&self, wait: Wait) -> Duration {
        self.0[wait as usize]
    }

    /// How long anything was waited for.
    #[must_use]
    pub fn sum(&self) -> Duration {
        self.0.iter().sum()
    }

    /// Those that are not nothing.
    pub fn iter(&self) -> impl Iterator<Item = (Wait, Duration)> + '_ {
        Wait::ALL.into_iter().map(|wait| (wait, self.of(wait))).filter(|(_, time)| !time.is_zero())
    }
}

/// What one stage did with one batch. Moments count from the claim.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    /// Whose.
    pub stage: Stage,
    /// The batch was handed to the stage's mailbox.
    pub arrived: Duration,
    /// A worker took it.
    pub started: Duration,
    /// It was handed on, or came to its end.
    pub ended: Duration,
    /// Of that, work: of a batch whose texts are embedded one by one, their share of the workers' time.
    pub work: Duration,
    /// Of that, waits.
    pub waits: Waits,
    /// Files or texts.
    pub items: u64,
    /// Of them.
    pub bytes: u64,
    /// That were embedded.
    pub tokens: u64,
    /// Whom it called, the slowest.
    pub calls: Slowest<Call>,
}

impl Step {
    /// It arrived, and a worker has it now; so many of its calls are kept.
    pub(crate) fn of(stage: Stage, arrived: Duration, started: Duration, calls: usize) -> Self {
        let mut waits = Waits::default();
        waits.add(Wait::Mailbox, started.saturating_sub(arrived));
        Self {
            stage,
            arrived,
            started,
            ended: started,
            work: Duration::ZERO,
            waits,
            items: 0,
            bytes: 0,
            tokens: 0,
            calls: Slowest::of(calls),
        }
    }

    /// All its moments later by so much.
    fn later(mut self, by: Duration) -> Self {
        [&mut self.arrived, &mut self.started, &mut self.ended].into_iter().for_each(|moment| *moment += by);
        self.calls.iter_mut().for_each(|call| call.began += by);
        self
    }
}

impl Took for Step {
    fn took(&self) -> Duration {
        self.ended.saturating_sub(self.arrived)
    }
}

impl Ended for Step {
    fn ended(&self) -> Duration {
        self.ended
    }
}

/// What one stage did for an attempt, in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageTimes {
    /// The first batch arrived.
    pub first: Duration,
    /// The last one was handed on; of a stage that goes on, now.
    pub last: Duration,
    /// Summed over its workers.
    pub work: Duration,
    /// Summed over the batches.
    pub waits: Waits,
    /// How many there were.
    pub batches: u64,
    /// Files or texts.
    pub items: u64,
    /// Of them.
    pub bytes: u64,
    /// That were embedded.
    pub tokens: u64,
}

impl StageTimes {
    /// Nothing yet, from this moment on.
    fn from(first: Duration) -> Self {
        Self {
            first,
            last: first,
            work: Duration::ZERO,
            waits: Waits::default(),
            batches: 0,
            items: 0,
            bytes: 0,
            tokens: 0,
        }
    }

    fn add(&mut self, step: &Step) {
        self.first = self.first.min(step.arrived);
        self.last = self.last.max(step.ended);
        self.work += step.work;
        self.waits.add_all(&step.waits);
        self.batches += 1;
        self.items += step.items;
        self.bytes += step.bytes;
        self.tokens += step.tokens;
    }
}

/// A file that took long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlowFile {
    /// Within the repository.
    pub path: String,
    /// To be cut into chunks.
    pub took: Duration,
}

impl Took for SlowFile {
    fn took(&self) -> Duration {
        self.took
    }
}

/// See the module.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Timeline {
    /// Since the claim.
    pub age: Duration,
    /// Nothing of the job ran any more; what followed is its end.
    pub reported: Option<Duration>,
    /// In the order of the data; `None`: nothing came there.
    pub stages: [Option<StageTimes>; 5],
    /// The slowest of each stage, and its last.
    pub steps: [SlowestAndLast<Step>; 5],
    /// The slowest.
    pub files: Slowest<SlowFile>,
    /// What belongs to no batch: the settlement.
    pub calls: Vec<Call>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self::of(Kept::default())
    }
}

impl Timeline {
    /// Of nothing yet; keeps so much.
    pub(crate) fn of(kept: Kept) -> Self {
        Self {
            age: Duration::ZERO,
            reported: None,
            stages: [None; 5],
            steps: std::array::from_fn(|_| SlowestAndLast::of(kept.batches)),
            files: Slowest::of(LISTED),
            calls: vec![],
        }
    }

    /// What a stage did.
    #[must_use]
    pub fn stage(&self, stage: Stage) -> Option<&StageTimes> {
        self.stages[stage as usize].as_ref()
    }

    /// One step more.
    pub(crate) fn add(&mut self, step: Step) {
        let at = step.stage as usize;
        self.stages[at].get_or_insert_with(|| StageTimes::from(step.arrived)).add(&step);
        self.steps[at].add(step);
    }

    /// What a process of its own did for the same attempt, which began so much later.
    pub(crate) fn add_all(&mut self, other: &Self, later: Duration) {
        for (at, times) in other.stages.iter().enumerate() {
            let Some(times) = times else { continue };
            let ours = self.stages[at].get_or_insert_with(|| StageTimes::from(times.first + later));
            let theirs = StageTimes { first: times.first + later, last: times.last + later, ..*times };
            ours.first = ours.first.min(theirs.first);
            ours.last = ours.last.max(theirs.last);
            ours.work += theirs.work;
            ours.waits.add_all(&theirs.waits);
            ours.batches += theirs.batches;
            ours.items += theirs.items;
            ours.bytes += theirs.bytes;
            ours.tokens += theirs.tokens;
            other.steps[at].iter().for_each(|step| self.steps[at].add(step.clone().later(later)));
            self.steps[at].leave_out(other.steps[at].left_out());
        }
        other.files.iter().for_each(|file| self.files.keep(file.clone()));
        self.files.seen += other.files.seen;
        self.calls.extend(other.calls.iter().map(|call| Call { began: call.began + later, ..call.clone() }));
    }

    /// As the history keeps it: each stage, and the ten slowest steps and files. Times are in seconds since the claim.
    #[must_use]
    pub fn stages_json(&self) -> Value {
        let stages = Stage::ALL.into_iter().filter_map(|stage| Some((stage, self.stage(stage)?)));
        let of = |times: &StageTimes| {
            let mut shown = json!({
                "first_seconds": seconds(times.first),
                "last_seconds": seconds(times.last),
                "work_seconds": seconds(times.work),
                "wait_seconds": seconds(times.waits.sum()),
                "waits": waits_json(&times.waits),
            });
            let figures =
                [("batches", times.batches), ("items", times.items), ("bytes", times.bytes), ("tokens", times.tokens)];
            put(&mut shown, figures);
            shown
        };
        Value::Object(stages.map(|(stage, times)| (stage.as_str().to_owned(), of(times))).collect())
    }

    /// The ten slowest steps of all stages.
    #[must_use]
    pub fn slowest_json(&self) -> Value {
        let mut slowest = Slowest::of(LISTED);
        self.steps.iter().flat_map(SlowestAndLast::iter).for_each(|step| slowest.keep(step.clone()));
        let of = |step: &Step| {
            let mut shown = json!({
                "stage": step.stage.as_str(),
                "first_seconds": seconds(step.arrived),
                "last_seconds": seconds(step.ended),
                "work_seconds": seconds(step.work),
                "waits": waits_json(&step.waits),
            });
            put(&mut shown, [("items", step.items), ("bytes", step.bytes), ("tokens", step.tokens)]);
            shown
        };
        slowest.sorted().into_iter().map(of).collect()
    }

    /// The ten slowest files.
    #[must_use]
    pub fn files_json(&self) -> Value {
        let of = |file: &SlowFile| json!({ "path": file.path, "seconds": seconds(file.took) });
        self.files.sorted().into_iter().map(of).collect()
    }
}

fn waits_json(waits: &Waits) -> Value {
    Value::Object(waits.iter().map(|(wait, time)| (wait.as_str().to_owned(), seconds(time).into())).collect())
}

/// Puts those figures in that are not 0.
fn put<const N: usize>(shown: &mut Value, figures: [(&str, u64); N]) {
    let figures: Map<_, _> = figures
        .into_iter()
        .filter(|(_, figure)| *figure > 0)
        .map(|(name, figure)| (name.to_owned(), figure.into()))
        .collect();
    if let Some(shown) = shown.as_object_mut() {
        shown.extend(figures);
    }
}

/// To the microsecond: more digits are noise, and bytes of each row.
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn step(stage: Stage, arrived: u32, ended: u32) -> Step {
        let mut step = Step::of(stage, SECOND * arrived, SECOND * (arrived + 1), 16);
        (step.ended, step.work, step.items) = (SECOND * ended, SECOND * (ended - arrived - 1), 3);
        step
    }

    #[test]
    fn a_stage_lasts_from_its_first_batch_to_its_last_whatever_their_order() {
        let mut timeline = Timeline::default();
        [(5, 9), (1, 7), (4, 6)].into_iter().for_each(|(from, to)| timeline.add(step(Stage::Hasher, from, to)));
        let hasher = timeline.stage(Stage::Hasher).expect("it had three batches");
        assert_eq!((hasher.first, hasher.last, hasher.batches, hasher.items), (SECOND, SECOND * 9, 3, 9));
        assert_eq!((hasher.work, hasher.waits.of(Wait::Mailbox)), (SECOND * 9, SECOND * 3));
        assert!(timeline.stage(Stage::Storer).is_none());
        let shown = timeline.stages_json();
        assert_eq!(shown["hasher"]["waits"], json!({ "mailbox": 3.0 }));
        assert_eq!(shown["hasher"].get("tokens"), None, "nothing is said of what is not there");
        assert_eq!(timeline.slowest_json()[0]["first_seconds"], 1.0, "the longest step comes first");
    }

    #[test]
    fn what_a_process_of_its_own_did_is_later_by_when_that_began() {
        let (mut ours, mut theirs) = (Timeline::default(), Timeline::default());
        ours.add(step(Stage::Fetcher, 0, 9));
        theirs.add(step(Stage::Fetcher, 0, 2));
        theirs.add(step(Stage::Storer, 1, 4));
        ours.add_all(&theirs, SECOND * 3);
        let fetcher = ours.stage(Stage::Fetcher).expect("both");
        assert_eq!((fetcher.first, fetcher.last, fetcher.batches), (Duration::ZERO, SECOND * 9, 2));
        let storer = ours.stage(Stage::Storer).expect("theirs");
        assert_eq!((storer.first, storer.last), (SECOND * 4, SECOND * 7));
        assert_eq!(ours.steps[Stage::Storer as usize].iter().next().map(|step| step.arrived), Some(SECOND * 4));
    }

    #[test]
    fn the_history_keeps_a_timeline_in_few_bytes_however_long_it_is() {
        let mut timeline = Timeline::default();
        for number in 0..10_000 {
            Stage::ALL.into_iter().for_each(|stage| timeline.add(step(stage, number, number + 5)));
        }
        assert_eq!(timeline.steps[0].iter().count(), Kept::default().batches + 1);
        let bytes = timeline.stages_json().to_string().len() + timeline.slowest_json().to_string().len();
        assert!(bytes < 4096, "{bytes}");
    }
}
