//! Reporting: every few seconds this instance writes what it does, beside everything else it does, and hears the
//! figures of the whole queue by the same statement.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};
use warmer_pipeline::{Identity, Machine, Observer, Sampler};
use warmer_store::{Heard, InstanceFigures, Store, Tally};
use warmer_traces::names;

use crate::counting::Counting;
use crate::memory;

/// How often: a person who looks sees what is, and it is a fifth of a statement a second.
const EVERY: Duration = Duration::from_secs(5);
/// What cannot be written within that is dropped: the next figures are newer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Figures that could not be written since the process began.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// How many could not.
pub(crate) fn dropped() -> u64 {
    DROPPED.load(Relaxed)
}

/// Ends the reporting when it is dropped.
#[must_use]
pub(crate) struct Reporting {
    task: JoinHandle<()>,
    tally: watch::Receiver<Option<Tally>>,
}

impl Reporting {
    /// The figures of the whole queue as they were last heard of, 5 s ago at most while the database answers; their own
    /// age comes on top.
    pub(crate) fn tally(&self) -> watch::Receiver<Option<Tally>> {
        self.tally.clone()
    }
}

impl Drop for Reporting {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Begins to report; the first figures are those of the first seconds. `counts`: it counts the queue when nobody else
/// does, as a daemon.
pub(crate) fn begin(
    (store, observer): (Arc<dyn Store>, Observer),
    identity: Identity,
    mut sampler: Sampler,
    machine: Machine,
    counts: bool,
) -> Reporting {
    let (tell, tally) = watch::channel(None);
    let task = warmer_supervision::spawn("reporting", async move {
        let mut counting = Counting::of(store.clone(), observer.clone());
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick comes at once: from then on shares count.
        ticks.tick().await;
        drop(sampler.figures());
        loop {
            ticks.tick().await;
            let figures = InstanceFigures {
                cores: machine.cores as f64,
                memory: memory::now(),
                memory_max: machine.memory,
                dropped: dropped() + counting.dropped(),
                ..sampler.figures()
            };
            let reported = observer.database(names::DB_REPORT, store.report(identity.get(), &figures));
            match timeout(PATIENCE, reported).await {
                // It is not alive: whoever declared it dead is heard elsewhere.
                Ok(Ok(None)) => {}
                Ok(Ok(Some(Heard { tally }))) => {
                    if counts {
                        counting.look(tally.as_ref(), EVERY);
                    }
                    tell.send_replace(tally);
                }
                Ok(Err(error)) => {
                    DROPPED.fetch_add(1, Relaxed);
                    tracing::debug!(%error, "cannot write what this instance does");
                }
                Err(_) => {
                    DROPPED.fetch_add(1, Relaxed);
                    tracing::debug!("the database took longer than a second for what this instance does");
                }
            }
        }
    });
    Reporting { task, tally }
}
