//! Counting: the figures of the whole queue, for all instances, when nobody has for 15 seconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::sleep;
use warmer_pipeline::Observer;
use warmer_store::{Store, TALLY_EVERY, Tally};
use warmer_traces::names;

/// What is not counted within that is dropped, and another count begins where this one would have ended: it is less
/// than the time between two.
const LIMIT: Duration = Duration::from_secs(10);

/// At most one count under way, beside everything else. It ends when this is dropped.
pub(crate) struct Counting {
    store: Arc<dyn Store>,
    observer: Observer,
    under_way: Option<JoinHandle<()>>,
    dropped: Arc<AtomicU64>,
}

impl Counting {
    pub(crate) fn of(store: Arc<dyn Store>, observer: Observer) -> Self {
        Self { store, observer, under_way: None, dropped: Arc::default() }
    }

    /// Counts that failed.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Has the queue counted when that is due, if it is before whoever says this looks again.
    pub(crate) fn look(&mut self, tally: Option<&Tally>, until_next_look: Duration) {
        let wait = tally.map_or(Duration::ZERO, |tally| TALLY_EVERY.saturating_sub(tally.age));
        if wait >= until_next_look || self.under_way.as_ref().is_some_and(|count| !count.is_finished()) {
            return;
        }
        let (store, observer, dropped) = (self.store.clone(), self.observer.clone(), self.dropped.clone());
        self.under_way = Some(warmer_supervision::spawn("counting the queue", async move {
            sleep(wait).await;
            match observer.database(names::DB_COUNT, store.count_queue(TALLY_EVERY, LIMIT)).await {
                Ok(true) => tracing::debug!("counted the queue for all instances"),
                Ok(false) => {}
                Err(error) => {
                    dropped.fetch_add(1, Ordering::Relaxed);
                    tracing::debug!(%error, "cannot count the queue; an instance tries again in {TALLY_EVERY:?}");
                }
            }
        }));
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        if let Some(count) = &self.under_way {
            count.abort();
        }
    }
}
