//! The sampler: what this instance did in the last minute and does now, in figures.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use warmer_store::{InstanceFigures, JobFigures, JobKind, KindFigures, StageFigures};
use warmer_supervision::{Occupied, Wait};

use crate::counters::Stage;
use crate::hold::Hold;
use crate::ledger::Ledger;
use crate::live::Live;
use crate::mailboxes::Mailboxes;
use crate::measurements::Sums;
use crate::pause::Pause;
use crate::settings::Settings;
use crate::slots::Slots;
use crate::ticket::Ticket;

/// What shares and rates are about.
const WINDOW: Duration = Duration::from_mins(1);
/// Jobs that are told of.
const JOBS: usize = 8;
/// Letters of an error or a hold.
const TEXT: usize = 300;

/// Takes samples; whoever has it does so every few seconds.
pub struct Sampler {
    pub(crate) mailboxes: Mailboxes,
    pub(crate) ledger: Ledger,
    pub(crate) sums: Arc<Sums>,
    pub(crate) hold: Hold,
    pub(crate) pause: Arc<Pause>,
    pub(crate) slots: Slots,
    pub(crate) settings: Live<Settings>,
    pub(crate) samples: VecDeque<Sample>,
}

/// Sums at one moment.
pub(crate) struct Sample {
    at: Instant,
    workers: [Occupied; 5],
    done: [Done; 5],
    /// How long the provider was left alone.
    left_alone: Duration,
}

#[derive(Clone, Copy, Debug, Default)]
struct Done {
    batches: u64,
    items: u64,
    tokens: u64,
}

impl Sampler {
    /// The figures since about a minute ago; what the machine uses is not in them.
    #[must_use]
    pub fn figures(&mut self) -> InstanceFigures {
        let now = self.sample();
        while self.samples.front().is_some_and(|first| now.at.duration_since(first.at) > WINDOW) {
            self.samples.pop_front();
        }
        let totals = self.sums.totals();
        let left_alone = self.left_alone(&now);
        let figures = InstanceFigures {
            seconds: self.samples.front().map_or(0.0, |first| now.at.duration_since(first.at).as_secs_f64()),
            stages: Stage::ALL.into_iter().map(|stage| (stage.as_str().to_owned(), self.stage(stage, &now))).collect(),
            kinds: self.kinds(),
            short_of: self.slots.short_of().map(str::to_owned),
            hold: self.no_vectors(),
            left_alone,
            left_alone_why: self.pause.so_far().1.filter(|_| left_alone > 0.0).map(|why| bounded(&why)),
            jobs: self.jobs(),
            last_error: totals.last_error.as_ref().map(|(_, error)| bounded(error)),
            last_error_seconds: totals.last_error.map_or(0.0, |(at, _)| at.elapsed().as_secs_f64()),
            ..InstanceFigures::default()
        };
        self.samples.push_back(now);
        figures
    }

    fn sample(&self) -> Sample {
        let mut done = [Done::default(); 5];
        for ((stage, _), totals) in &self.sums.totals().stages {
            let done = &mut done[*stage as usize];
            done.batches += totals.batches;
            done.items += totals.items;
            done.tokens += totals.tokens;
        }
        Sample { at: Instant::now(), workers: self.mailboxes.occupied(), done, left_alone: self.pause.so_far().0 }
    }

    fn stage(&self, stage: Stage, now: &Sample) -> StageFigures {
        let (at, gauges) = (stage as usize, self.mailboxes.gauges()[stage as usize]);
        let limits = self.settings.now().limits()[at];
        let mut figures = StageFigures {
            workers: now.workers[at].workers as u64,
            held: gauges.inside as u64,
            held_max: limits.permits() as u64,
            ..StageFigures::default()
        };
        let Some(before) = self.samples.front() else { return figures };
        let spent = now.workers[at].since(&before.workers[at]);
        let all = (spent.busy + spent.starved + spent.blocked()).as_secs_f64();
        let share = |time: Duration| if all > 0.0 { rounded(time.as_secs_f64() / all) } else { 0.0 };
        figures.busy = share(spent.busy);
        figures.starved = share(spent.starved);
        let waits = Wait::ALL.into_iter().map(|wait| (wait.as_str().to_owned(), share(spent.blocked_by(wait))));
        figures.blocked = waits.filter(|(_, share)| *share > 0.0).collect();
        figures.batches = now.done[at].batches - before.done[at].batches;
        figures.items = now.done[at].items - before.done[at].items;
        figures.tokens = now.done[at].tokens - before.done[at].tokens;
        figures
    }

    /// Of the time since about a minute ago.
    fn left_alone(&self, now: &Sample) -> f64 {
        let Some(before) = self.samples.front() else { return 0.0 };
        let (paused, all) = (now.left_alone - before.left_alone, now.at.duration_since(before.at));
        if all.is_zero() { 0.0 } else { rounded((paused.as_secs_f64() / all.as_secs_f64()).min(1.0)) }
    }

    /// A pause is no hold: jobs wait for its end.
    fn no_vectors(&self) -> Option<String> {
        let paused = || Some(format!("the embedding provider does not answer for now: {}", self.pause.why()?));
        self.hold.now().map(|held| held.why.to_string()).or_else(paused).map(|why| bounded(&why))
    }

    fn kinds(&self) -> BTreeMap<String, KindFigures> {
        let (count, settings) = (self.ledger.count(), self.settings.now());
        let of = |running: usize, permits: usize| KindFigures { running: running as u64, permits: permits as u64 };
        BTreeMap::from([
            (JobKind::Refresh.as_str().to_owned(), of(count.refreshes, settings.claimer.concurrency)),
            (JobKind::Fill.as_str().to_owned(), of(count.fills, settings.fill.concurrency)),
        ])
    }

    /// Those that have run longest.
    fn jobs(&self) -> Vec<JobFigures> {
        let mut tickets = self.ledger.tickets();
        tickets.sort_by_key(|ticket| std::cmp::Reverse(ticket.age()));
        tickets.iter().take(JOBS).map(|ticket| job(ticket)).collect()
    }
}

fn job(ticket: &Ticket) -> JobFigures {
    let counters = &ticket.counters;
    let (done, all) = match ticket.kind() {
        JobKind::Refresh => (counters.stored.get(), counters.listed.get()),
        JobKind::Fill => (counters.embedded.get() + counters.reused.get(), counters.wanted.get()),
    };
    JobFigures {
        job: ticket.claim.job.0,
        kind: ticket.kind().as_str().to_owned(),
        repository: ticket.claim.repository.id.0,
        seconds: rounded(ticket.age().as_secs_f64()),
        done,
        all,
        stages: ticket.timeline().stages_json(),
    }
}

/// To a thousandth.
fn rounded(share: f64) -> f64 {
    (share * 1e3).round() / 1e3
}

/// As much of a text as an instance's figures have room for.
#[must_use]
pub fn bounded(text: &str) -> String {
    text.chars().take(TEXT).collect()
}
