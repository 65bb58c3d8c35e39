//! Measurements: what a pipeline holds now, and what it has done since it started.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use warmer_store::{AttemptOutcome, Connections, Counters as StoreCounters, JobKind};
use warmer_supervision::{Gauges, Limits, Occupied};

use crate::counters::Stage;
use crate::ledger::Count;
use crate::observer::{Event, Listener};
use crate::timeline::{Step, Waits};

/// Everything that is measured, at one moment. A process has them by [`crate::Running::measurements`].
#[derive(Clone, Debug)]
pub struct Measurements {
    /// What happened since the start.
    pub totals: Totals,
    /// What each stage's mailbox holds, in the order of the data.
    pub stages: [Gauges; 5],
    /// What each stage's workers have done with their time, in the order of the data.
    pub workers: [Occupied; 5],
    /// Claims that are open.
    pub claims: Count,
    /// The most of all that.
    pub limits: Limited,
    /// What heavy jobs that are due wait for: `slots` or `permits`; `None`: they are let in.
    pub short_of: Option<&'static str>,
    /// This process claims no fills for now.
    pub fills_held: bool,
    /// The part of the tree that makes vectors is paused.
    pub fills_paused: bool,
    /// Parts that wait for the lease.
    pub parts_parked: usize,
    /// Threads that did not stop and still run.
    pub abandoned_threads: usize,
    /// What went wrong in the store without being an error.
    pub store: StoreCounters,
    /// What the store has open.
    pub connections: Connections,
}

/// What a process may hold, as its settings are now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limited {
    /// Of each stage, in the order of the data.
    pub stages: [Limits; 5],
    /// Refreshes at the same time.
    pub refreshes: usize,
    /// Fills at the same time.
    pub fills: usize,
}

/// Sums over all events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Attempts that ended, by how they did.
    pub attempts: BTreeMap<AttemptOutcome, u64>,
    /// Slots held now.
    pub slots_held: u64,
    /// What each stage did, by kind of job; of jobs in processes of their own what those told.
    pub stages: BTreeMap<(Stage, JobKind), StageTotals>,
    /// How often heavy jobs have waited longer for a slot than they should.
    pub starved: u64,
    /// Heartbeats that failed.
    pub heartbeats_failed: u64,
    /// Jobs of dead instances that this one put back.
    pub jobs_rescued: u64,
    /// The last attempt that failed for good or is to be made again, and why.
    pub last_error: Option<(Instant, String)>,
    /// When the embedding provider could not answer. Of jobs in processes of their own nothing is in it.
    pub provider: ProviderTotals,
}

/// How often and for how long the embedding provider could not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProviderTotals {
    /// It cannot answer now.
    pub away: bool,
    /// Pauses that began; an outage may have several.
    pub pauses: u64,
    /// Outages that ended: it answered again.
    pub outages: u64,
    /// Summed over those, each from the first call that failed.
    pub outage_time: Duration,
}

/// Sums of one stage for one kind of job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StageTotals {
    /// Batches that it is done with.
    pub batches: u64,
    /// Files or texts in them.
    pub items: u64,
    /// Bytes of those.
    pub bytes: u64,
    /// Tokens that were embedded.
    pub tokens: u64,
    /// Summed over its workers.
    pub work: Duration,
    /// Summed over the batches.
    pub waits: Waits,
}

impl StageTotals {
    fn add(&mut self, step: &Step) {
        self.batches += 1;
        self.items += step.items;
        self.bytes += step.bytes;
        self.tokens += step.tokens;
        self.work += step.work;
        self.waits.add_all(&step.waits);
    }
}

/// Listens, and sums.
#[derive(Debug, Default)]
pub(crate) struct Sums(Mutex<Totals>);

impl Sums {
    pub(crate) fn totals(&self) -> Totals {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Totals> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener for Sums {
    fn on_event(&self, event: &Event) {
        let mut totals = self.lock();
        match event {
            // Each is counted by who exports it.
            Event::Began(_) | Event::Asked(_) | Event::Git(_) | Event::Embedded(_) | Event::Skipped(..) => {}
            Event::Slot { held: true, .. } => totals.slots_held += 1,
            Event::Slot { held: false, .. } => totals.slots_held = totals.slots_held.saturating_sub(1),
            Event::Ended(ended) => {
                *totals.attempts.entry(ended.outcome).or_default() += 1;
                if let Some(error) = ended.error.as_ref().filter(|_| !ended.is_good() && !ended.goes_on()) {
                    totals.last_error = Some((Instant::now(), error.clone()));
                }
            }
            Event::Stepped(ticket, step) => {
                totals.stages.entry((step.stage, ticket.kind())).or_default().add(step);
            }
            Event::Starved => totals.starved += 1,
            Event::HeartbeatFailed => totals.heartbeats_failed += 1,
            Event::Rescued(jobs) => totals.jobs_rescued += jobs,
            Event::ProviderPaused(_) => {
                totals.provider.away = true;
                totals.provider.pauses += 1;
            }
            Event::ProviderResumed(outage) => {
                totals.provider.away = false;
                totals.provider.outages += 1;
                totals.provider.outage_time += *outage;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use warmer_supervision::Wait;

    use super::*;
    use crate::ending::PublishedFiles;
    use crate::observer::{Ended, Observer};
    use crate::ticket::testing;

    #[test]
    fn what_happens_is_summed() {
        let (sums, (ticket, _part, _reports)) = (Arc::new(Sums::default()), testing::ticket());
        let observer = Observer::default().and(sums.clone());
        observer.slot(&ticket, true);
        let second = Duration::from_secs(1);
        let mut step = Step::of(Stage::Storer, Duration::ZERO, second * 5, 0);
        (step.work, step.items) = (second * 2, 7);
        [(); 2].iter().for_each(|()| observer.stepped(&ticket, step.clone()));
        observer.tell(&Event::Starved);
        observer.tell(&Event::HeartbeatFailed);
        observer.tell(&Event::Rescued(3));
        let (outcome, files) = (AttemptOutcome::Lost, PublishedFiles::default());
        observer.ended(Ended { ticket: ticket.clone(), outcome, error: None, given_up: false, files });
        let totals = sums.totals();
        assert_eq!(totals.attempts, [(AttemptOutcome::Lost, 1)].into());
        assert_eq!((totals.slots_held, totals.starved, totals.heartbeats_failed, totals.jobs_rescued), (1, 1, 1, 3));
        let storer = totals.stages[&(Stage::Storer, JobKind::Refresh)];
        assert_eq!((storer.batches, storer.items, storer.work), (2, 14, second * 4));
        assert_eq!((storer.waits.of(Wait::Mailbox), totals.stages.len()), (second * 10, 1));
        observer.slot(&ticket, false);
        assert_eq!(sums.totals().slots_held, 0);
    }
}
