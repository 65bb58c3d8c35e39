//! Reporting: every few seconds this instance writes what it does, beside everything else it does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};
use warmer_pipeline::{Identity, Machine, Sampler};
use warmer_store::{InstanceFigures, Store};

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
pub(crate) struct Reporting(JoinHandle<()>);

impl Drop for Reporting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Begins to report; the first figures are those of the first seconds.
pub(crate) fn begin(store: Arc<dyn Store>, identity: Identity, mut sampler: Sampler, machine: Machine) -> Reporting {
    Reporting(warmer_supervision::spawn("reporting", async move {
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
                dropped: dropped(),
                ..sampler.figures()
            };
            match timeout(PATIENCE, store.report(identity.get(), &figures)).await {
                Ok(Ok(_)) => {}
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
    }))
}
