//! Hints: another process may have put something in the queue. They save the wait for the next look, and nothing relies
//! on them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ractor::ActorRef;
use ractor::concurrency::JoinHandle;
use warmer_store::Store;

use crate::claimer::ClaimerMessage;

/// Listens for what other processes put in the queue.
pub(crate) struct Hints {
    /// One is on its way to the Claimer: more would say nothing else.
    told: Arc<AtomicBool>,
    listener: JoinHandle<()>,
}

impl Hints {
    pub(crate) fn listen(store: Arc<dyn Store>, claimer: ActorRef<ClaimerMessage>) -> Self {
        let told = Arc::<AtomicBool>::default();
        let listener = warmer_supervision::spawn("notifications", {
            let told = told.clone();
            async move {
                loop {
                    store.notification().await;
                    if !told.swap(true, Ordering::AcqRel) && claimer.cast(ClaimerMessage::Hint).is_err() {
                        return;
                    }
                }
            }
        });
        Self { told, listener }
    }

    /// What comes from now on is news.
    pub(crate) fn heard(&self) {
        self.told.store(false, Ordering::Release);
    }
}

impl Drop for Hints {
    fn drop(&mut self) {
        self.listener.abort();
    }
}
