//! How a pipeline is, for who asks from outside: a probe, a watchdog.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use warmer_supervision::Pulse;

use crate::lease::Lease;

/// How long the root of the tree may take to answer. It does nothing but hear of its children, and answers within a
/// millisecond; on a machine whose cores are all taken it may wait for its turn.
const ANSWER: Duration = Duration::from_secs(3);

/// How a pipeline is. A clone is about the same pipeline. Neither question waits for a database.
#[derive(Clone, Debug)]
pub struct Vitals {
    pulse: Pulse,
    lease: Lease,
    closed: Arc<AtomicBool>,
}

impl Vitals {
    pub(crate) fn new(pulse: Pulse, lease: Lease, closed: Arc<AtomicBool>) -> Self {
        Self { pulse, lease, closed }
    }

    /// Whether the root of its tree answers. One that is being stopped ends within its own time limits, and is not
    /// asked.
    pub async fn answers(&self) -> bool {
        self.closed.load(Ordering::Acquire) || self.pulse.answers(ANSWER).await
    }

    /// Whether it may claim jobs: it is not being stopped, and nobody else can hold its locks.
    #[must_use]
    pub fn may_claim(&self) -> bool {
        !self.closed.load(Ordering::Acquire) && self.lease.is_good()
    }
}
