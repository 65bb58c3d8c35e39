//! Reporting: every few seconds this instance writes what it does, beside everything else it does, and hears the
//! figures of the whole queue, and whether something else is asked of it, by the same statement.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};
use warmer_pipeline::{Identity, Machine, Observer, Sampler};
use warmer_store::{Heard, InstanceFigures, Store};
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

/// A configuration that was read again and is wrong: the instance runs by what it had before. `None`: it runs by what
/// it read last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refused(Arc<Mutex<Option<(Instant, String)>>>);

impl Refused {
    /// It was read just now: why it is wrong, if it is.
    pub(crate) fn set(&self, why: Option<String>) {
        *self.lock() = why.map(|why| (Instant::now(), why));
    }

    /// Figures with it in place of the last error of a job: it lasts until somebody mends it, and that one is in the
    /// history.
    fn over(&self, figures: InstanceFigures) -> InstanceFigures {
        let Some((at, why)) = &*self.lock() else { return figures };
        InstanceFigures { last_error: Some(why.clone()), last_error_seconds: at.elapsed().as_secs_f64(), ..figures }
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Instant, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the reporting when it is dropped.
#[must_use]
pub(crate) struct Reporting {
    task: JoinHandle<()>,
    heard: watch::Receiver<Option<Heard>>,
    refused: Refused,
}

impl Reporting {
    /// What was heard last, 5 s ago at most while the database answers; the age of the tally comes on top.
    pub(crate) fn heard(&self) -> watch::Receiver<Option<Heard>> {
        self.heard.clone()
    }

    /// Where it is noted that a configuration is wrong.
    pub(crate) fn refused(&self) -> Refused {
        self.refused.clone()
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
    let (tell, heard) = watch::channel(None);
    let refused = Refused::default();
    let noted = refused.clone();
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
            let figures = noted.over(figures);
            let reported = observer.database(names::DB_REPORT, store.report(identity.get(), &figures));
            match timeout(PATIENCE, reported).await {
                // It is not alive: whoever declared it dead is heard elsewhere.
                Ok(Ok(None)) => {}
                Ok(Ok(Some(heard))) => {
                    if counts {
                        counting.look(heard.tally.as_ref(), EVERY);
                    }
                    tell.send_replace(Some(heard));
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
    Reporting { task, heard, refused }
}
