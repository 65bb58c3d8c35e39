//! Reporting: every few seconds this instance writes what it does, beside everything else it does.

use std::sync::Arc;
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
        let (mut ticks, mut dropped) = (interval(EVERY), 0);
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
                dropped,
                ..sampler.figures()
            };
            match timeout(PATIENCE, store.report(identity.get(), &figures)).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => {
                    dropped += 1;
                    tracing::debug!(%error, "cannot write what this instance does");
                }
                Err(_) => {
                    dropped += 1;
                    tracing::debug!("the database took longer than a second for what this instance does");
                }
            }
        }
    }))
}
