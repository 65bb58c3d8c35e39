//! The deadline of a long computation, which may also be cancelled before.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Whoever computes looks at it now and then.
#[derive(Clone, Debug)]
pub struct Deadline {
    /// When the computation must have ended.
    pub until: Instant,
    /// Set by whoever no longer wants the result.
    pub cancelled: Arc<AtomicBool>,
}

impl Deadline {
    /// Whether to end now, for either reason.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_cancelled() || Instant::now() >= self.until
    }

    /// Whether nobody wants the result any more.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_deadline_is_over_in_time_or_when_it_is_cancelled() {
        let deadline = |left| Deadline { until: Instant::now() + left, cancelled: Arc::default() };
        let (ample, spent) = (deadline(Duration::from_secs(3600)), deadline(Duration::ZERO));
        assert!(!ample.is_over());
        assert!(spent.is_over() && !spent.is_cancelled());
        ample.cancelled.store(true, Ordering::Relaxed);
        assert!(ample.is_over() && ample.is_cancelled());
    }
}
