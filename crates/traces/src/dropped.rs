//! How many spans this process had and could not export.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

static DROPPED: AtomicU64 = AtomicU64::new(0);

/// So many more are lost.
pub fn drop_spans(more: u64) {
    DROPPED.fetch_add(more, Relaxed);
}

/// Since the process started.
#[must_use]
pub fn dropped_spans() -> u64 {
    DROPPED.load(Relaxed)
}
