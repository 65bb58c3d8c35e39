//! How often this process opened a model.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

static LOADS: AtomicU64 = AtomicU64::new(0);

/// Once more.
pub(crate) fn loaded() {
    LOADS.fetch_add(1, Relaxed);
}

/// Since the process started: a session for each call at a time, and again where one was let go of.
#[must_use]
pub fn model_loads() -> u64 {
    LOADS.load(Relaxed)
}
