//! The threads that would not stop. Rust cannot kill a thread, only count it; over a bound the process had better end.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, LazyLock};

use tokio::sync::watch;

/// Threads left behind by [`blocking()`](crate::blocking()) and still running. There is one count, because there is one
/// process to fill up.
#[derive(Clone, Copy, Debug)]
pub struct Abandoned {
    count: usize,
    most: usize,
}

/// Each such thread may hold a mirror, a session or 100 MB of parse tree.
const MOST: usize = 8;

static ABANDONED: LazyLock<watch::Sender<Abandoned>> =
    LazyLock::new(|| watch::Sender::new(Abandoned { count: 0, most: MOST }));

/// Calls of one part of the process that did not end when they were told to, and still run: they are counted there, and
/// no bound of the process is reached by them. A clone is the same count.
#[derive(Clone, Debug, Default)]
pub struct LeftBehind(Arc<AtomicUsize>);

impl LeftBehind {
    /// How many.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.load(SeqCst)
    }

    pub(crate) fn add(&self) {
        self.0.fetch_add(1, SeqCst);
    }

    pub(crate) fn remove(&self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Abandoned {
    /// Threads abandoned and still running.
    #[must_use]
    pub fn count() -> usize {
        ABANDONED.borrow().count
    }

    /// Sets the bound (8 until then).
    pub fn allow(most: usize) {
        ABANDONED.send_modify(|abandoned| abandoned.most = most);
    }

    /// Returns when more threads than allowed are abandoned, and not before.
    pub async fn exceeded() {
        let mut abandoned = ABANDONED.subscribe();
        abandoned.wait_for(|now| now.count > now.most).await.expect("the sender is never dropped");
    }

    pub(crate) fn add() {
        ABANDONED.send_modify(|abandoned| abandoned.count += 1);
    }

    pub(crate) fn remove() {
        ABANDONED.send_modify(|abandoned| abandoned.count -= 1);
    }
}
