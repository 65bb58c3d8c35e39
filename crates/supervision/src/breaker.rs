//! A breaker: pauses a part whose children die too often, so that the rest of the process goes on (W-15).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long a part is paused: longer each time, until it held for a while. A clone is about the same part.
#[derive(Clone, Debug)]
pub struct Breaker {
    first: Duration,
    most: Duration,
    /// The pause of the last time, and when it was over. Shared, so that others see whether the part is paused.
    last: Arc<Mutex<Option<(Duration, Instant)>>>,
}

impl Breaker {
    /// Pauses for `first`, and twice as long each time up to `most`. A part that goes on for longer than `most` after a
    /// pause begins anew.
    #[must_use]
    pub fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, last: Arc::default() }
    }

    /// It died too often now; the pause until it is started again.
    pub(crate) fn open(&self) -> Duration {
        let now = Instant::now();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = match *last {
            Some((before, over)) if now.saturating_duration_since(over) <= self.most => (2 * before).min(self.most),
            _ => self.first,
        };
        *last = Some((pause, now + pause));
        pause
    }

    /// Whether the part is paused now.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|(_, over)| Instant::now() < over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn pauses_double_and_begin_anew_after_a_time_that_held() {
        let breaker = Breaker::new(30 * SECOND, 100 * SECOND);
        assert!(!breaker.is_open());
        for expected in [30, 60, 100, 100].map(|seconds| seconds * SECOND) {
            let pause = breaker.open();
            assert_eq!(pause, expected);
            assert!(breaker.clone().is_open());
            tokio::time::advance(pause + SECOND).await;
            assert!(!breaker.is_open());
        }
        tokio::time::advance(100 * SECOND).await;
        assert_eq!(breaker.open(), 30 * SECOND);
    }
}
