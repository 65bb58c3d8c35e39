//! The figures of the whole queue, as they were read last. One instance computes them, and all tell the same.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;

use super::instruments::Instruments;
use super::names::{self, Name};

/// The figures of the queue at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct QueueFigures {
    /// Refreshes queued and due.
    pub(crate) depth: u64,
    /// How long the oldest of those has been due; zero where there is none.
    pub(crate) oldest: Duration,
    /// Refreshes queued for later.
    pub(crate) delayed: u64,
    /// Refreshes that run.
    pub(crate) running: u64,
    /// Fills queued.
    pub(crate) fills_queued: u64,
    /// Fills that run.
    pub(crate) fills_running: u64,
    /// Texts of what is served without a vector.
    pub(crate) texts_missing: u64,
    /// Texts of what is served; `None`: nobody counted them.
    pub(crate) texts: Option<u64>,
    /// Repositories by state.
    pub(crate) repositories: RepositoryCounts,
    /// For how long the first has been overdue; zero where none is.
    pub(crate) oldest_overdue: Duration,
    /// Live instances.
    pub(crate) instances: u64,
    /// Slots held by all of them.
    pub(crate) slots_held: u64,
    /// Slots that there are now; 0 is without limit.
    pub(crate) slots: u64,
    /// How old all that was when it was read.
    pub(crate) age: Duration,
}

/// Repositories; one may be in several of these states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RepositoryCounts {
    /// All.
    pub(crate) followed: u64,
    /// Something of it can be found.
    pub(crate) served: u64,
    /// To be checked now.
    pub(crate) due: u64,
    /// Beyond its budget of staleness.
    pub(crate) overdue: u64,
    /// Gone at its source.
    pub(crate) stale: u64,
    /// Failed too often.
    pub(crate) dead: u64,
    /// Processes died of it.
    pub(crate) quarantined: u64,
    /// Left by an instance to others.
    pub(crate) refused: u64,
}

/// What was read last. A clone is the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queue(Arc<RwLock<Option<(Instant, QueueFigures)>>>);

impl Queue {
    /// These were read now.
    #[expect(dead_code, reason = "for whoever reads them")]
    pub(crate) fn set(&self, figures: QueueFigures) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), figures));
    }

    fn read<T>(&self, read: impl FnOnce(Instant, &QueueFigures) -> T) -> Option<T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(at, figures)| read(*at, figures))
    }

    fn count(&self, of: &Instruments, name: &Name, read: fn(&QueueFigures) -> u64) {
        let queue = self.clone();
        of.gauge(name, move |to| {
            queue.read(|_, figures| to.observe(read(figures), &[]));
        });
    }

    fn share(&self, of: &Instruments, name: &Name, read: fn(Instant, &QueueFigures) -> Option<f64>) {
        let queue = self.clone();
        of.share(name, move |to| {
            if let Some(share) = queue.read(read).flatten() {
                to.observe(share, &[]);
            }
        });
    }

    /// Tells of them from now on, once there are some.
    pub(super) fn observe(&self, of: &Instruments) {
        self.count(of, &names::QUEUE_DEPTH, |queue| queue.depth);
        for name in [&names::OLDEST_JOB_AGE, &names::OLDEST_JOB_AGE_PLAIN] {
            self.share(of, name, |_, queue| Some(queue.oldest.as_secs_f64()));
        }
        self.count(of, &names::QUEUE_DELAYED, |queue| queue.delayed);
        self.count(of, &names::QUEUE_RUNNING, |queue| queue.running);
        self.count(of, &names::FILLS_QUEUED, |queue| queue.fills_queued);
        self.count(of, &names::FILLS_RUNNING, |queue| queue.fills_running);
        self.count(of, &names::TEXTS_MISSING, |queue| queue.texts_missing);
        self.share(of, &names::COVERAGE, |_, queue| Some(coverage(queue.texts?, queue.texts_missing)));
        self.share(of, &names::OLDEST_OVERDUE, |_, queue| Some(queue.oldest_overdue.as_secs_f64()));
        self.count(of, &names::INSTANCES, |queue| queue.instances);
        self.count(of, &names::FLEET_SLOTS_HELD, |queue| queue.slots_held);
        self.count(of, &names::FLEET_SLOTS_LIMIT, |queue| queue.slots);
        self.share(of, &names::QUEUE_FIGURES_AGE, |at, queue| Some((queue.age + at.elapsed()).as_secs_f64()));
        let queue = self.clone();
        of.gauge(&names::REPOSITORIES, move |to| {
            for (state, repositories) in queue.read(|_, queue| queue.repositories.by_state()).into_iter().flatten() {
                to.observe(repositories, &[KeyValue::new("state", state)]);
            }
        });
    }
}

impl RepositoryCounts {
    fn by_state(&self) -> [(&'static str, u64); 8] {
        [
            ("followed", self.followed),
            ("served", self.served),
            ("due", self.due),
            ("overdue", self.overdue),
            ("stale", self.stale),
            ("dead", self.dead),
            ("quarantined", self.quarantined),
            ("refused", self.refused),
        ]
    }
}

/// Of so many texts; where there are none, nothing lacks.
fn coverage(texts: u64, missing: u64) -> f64 {
    if texts == 0 { 1.0 } else { texts.saturating_sub(missing) as f64 / texts as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_is_a_share_whatever_is_counted() {
        assert_eq!([coverage(0, 0), coverage(4, 1), coverage(4, 9)], [1.0, 0.75, 0.0]);
    }
}
