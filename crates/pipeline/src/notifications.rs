//! Notifications: another process may have put something in the queue. They save the wait for the next look, and
//! nothing relies on them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinHandle;
use warmer_store::Store;

/// Listens for what other processes put in the queue.
pub(crate) struct Notifications {
    /// One is on its way: more would say nothing else.
    sent: Arc<AtomicBool>,
    listener: JoinHandle<()>,
}

impl Notifications {
    /// Calls `notify` for each that is news, until that says that nobody is there any more.
    pub(crate) fn listen(store: Arc<dyn Store>, notify: impl Fn() -> bool + Send + 'static) -> Self {
        let sent = Arc::<AtomicBool>::default();
        let listener = warmer_supervision::spawn("notifications", {
            let sent = sent.clone();
            async move {
                loop {
                    store.notification().await;
                    if !sent.swap(true, Ordering::AcqRel) && !notify() {
                        return;
                    }
                }
            }
        });
        Self { sent, listener }
    }

    /// What comes from now on is news.
    pub(crate) fn heard(&self) {
        self.sent.store(false, Ordering::Release);
    }
}

impl Drop for Notifications {
    fn drop(&mut self) {
        self.listener.abort();
    }
}
