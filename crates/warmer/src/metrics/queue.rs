//! The figures of the whole queue, as they were heard of last. One instance counts them, and all tell the same.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use tokio::sync::watch;
use warmer_store::{Heard, Status, Tally};

use super::instruments::Instruments;
use super::names::{self, Name};

/// What was heard last. A clone is the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queue(Arc<RwLock<Option<Told>>>);

#[derive(Debug)]
struct Told {
    at: Instant,
    tally: Tally,
}

impl Queue {
    /// Tells what is heard here, until nothing is any more.
    pub(crate) fn follow(&self, mut heard: watch::Receiver<Option<Heard>>) {
        let queue = self.clone();
        // It ends with who is heard.
        drop(warmer_supervision::spawn("figures of the queue", async move {
            while heard.changed().await.is_ok() {
                let tally = heard.borrow_and_update().as_ref().and_then(|heard| heard.tally.clone());
                if let Some(tally) = tally {
                    queue.hear(tally);
                }
            }
        }));
    }

    fn hear(&self, tally: Tally) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Told { at: Instant::now(), tally });
    }

    fn read<T>(&self, read: impl FnOnce(&Told) -> T) -> Option<T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(read)
    }

    fn count(&self, of: &Instruments, name: &Name, read: fn(&Status) -> u64) {
        let queue = self.clone();
        of.gauge(name, move |to| {
            if let Some(count) = queue.read(|told| read(&told.tally.figures)) {
                to.observe(count, &[]);
            }
        });
    }

    fn share(&self, of: &Instruments, name: &Name, read: fn(&Told) -> f64) {
        let queue = self.clone();
        of.share(name, move |to| {
            if let Some(share) = queue.read(read) {
                to.observe(share, &[]);
            }
        });
    }

    /// Tells of them from now on, once there are some.
    pub(super) fn observe(&self, of: &Instruments) {
        self.count(of, &names::QUEUE_DEPTH, |queue| queue.queue_depth);
        for name in [&names::OLDEST_JOB_AGE, &names::OLDEST_JOB_AGE_PLAIN] {
            self.share(of, name, |told| seconds(told.tally.figures.oldest_job));
        }
        self.count(of, &names::QUEUE_DELAYED, |queue| queue.delayed);
        self.count(of, &names::QUEUE_RUNNING, |queue| queue.running);
        self.count(of, &names::FILLS_QUEUED, |queue| queue.fills_queued);
        self.count(of, &names::FILLS_RUNNING, |queue| queue.fills_running);
        self.count(of, &names::TEXTS_MISSING, |queue| queue.texts_missing);
        self.count(of, &names::BUILDING_TEXTS_MISSING, |queue| queue.texts_building_missing);
        self.share(of, &names::COVERAGE, |told| coverage(&told.tally.figures));
        self.share(of, &names::OLDEST_OVERDUE, |told| seconds(told.tally.figures.oldest_overdue));
        self.count(of, &names::INSTANCES, |queue| queue.active_workers);
        self.count(of, &names::FLEET_SLOTS_HELD, |queue| queue.slots_held);
        self.count(of, &names::FLEET_SLOTS_LIMIT, |queue| queue.slots_in_force.into());
        self.share(of, &names::QUEUE_FIGURES_AGE, |told| (told.tally.age + told.at.elapsed()).as_secs_f64());
        let queue = self.clone();
        of.gauge(&names::STORE_TABLE_ROWS, move |to| {
            for (table, rows) in queue.read(|told| told.tally.figures.table_rows.clone()).into_iter().flatten() {
                to.observe(rows, &[KeyValue::new("table", table)]);
            }
        });
        let queue = self.clone();
        of.gauge(&names::REPOSITORIES, move |to| {
            for (state, count) in queue.read(|told| by_state(&told.tally.figures)).into_iter().flatten() {
                to.observe(count, &[KeyValue::new("state", state)]);
            }
        });
    }
}

/// One repository may be in several of these states.
fn by_state(queue: &Status) -> [(&'static str, u64); 8] {
    [
        ("followed", queue.repositories),
        ("served", queue.served),
        ("due", queue.due),
        ("overdue", queue.overdue),
        ("stale", queue.stale),
        ("dead", queue.dead),
        ("quarantined", queue.quarantined),
        ("refused", queue.refused),
    ]
}

/// The share of texts that have a vector; where there are no texts, nothing lacks.
fn coverage(queue: &Status) -> f64 {
    if queue.texts == 0 { 1.0 } else { queue.texts.saturating_sub(queue.texts_missing) as f64 / queue.texts as f64 }
}

fn seconds(time: Option<Duration>) -> f64 {
    time.unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_is_a_share_whatever_is_counted() {
        let of = |texts, texts_missing| coverage(&Status { texts, texts_missing, ..Status::default() });
        assert_eq!([of(0, 0), of(4, 1), of(4, 9)], [1.0, 0.75, 0.0]);
    }
}
