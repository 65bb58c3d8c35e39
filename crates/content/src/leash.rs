//! The leash of a long computation: it ends at a time, or when someone pulls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// A deadline and a flag; whoever computes looks at both now and then.
#[derive(Clone, Debug)]
pub struct Leash {
    /// When the computation must have ended.
    pub until: Instant,
    /// Raised by whoever no longer wants the result.
    pub stop: Arc<AtomicBool>,
}

impl Leash {
    /// Whether to end now, for either reason.
    #[must_use]
    pub fn pulled(&self) -> bool {
        self.stopped() || Instant::now() >= self.until
    }

    /// Whether someone raised the flag.
    #[must_use]
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_leash_is_pulled_by_the_flag_or_by_time() {
        let leash = |left| Leash { until: Instant::now() + left, stop: Arc::default() };
        let (ample, spent) = (leash(Duration::from_secs(3600)), leash(Duration::ZERO));
        assert!(!ample.pulled());
        assert!(spent.pulled() && !spent.stopped());
        ample.stop.store(true, Ordering::Relaxed);
        assert!(ample.pulled() && ample.stopped());
    }
}
