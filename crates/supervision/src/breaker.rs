//! A breaker: pauses a part whose children die too often, so that the rest of the process goes on (W-15).

use std::time::Duration;

use tokio::time::Instant;

/// How long a part is paused: longer each time, until it held for a while.
#[derive(Clone, Debug)]
pub struct Breaker {
    first: Duration,
    most: Duration,
    /// The pause of the last time, and when it was over.
    last: Option<(Duration, Instant)>,
}

impl Breaker {
    /// Pauses for `first`, and twice as long each time up to `most`. A part that goes on for longer than `most` after a
    /// pause begins anew.
    #[must_use]
    pub fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, last: None }
    }

    /// It died too often now; the pause until it is started again.
    pub(crate) fn open(&mut self) -> Duration {
        let now = Instant::now();
        let pause = match self.last {
            Some((last, over)) if now.saturating_duration_since(over) <= self.most => (2 * last).min(self.most),
            _ => self.first,
        };
        self.last = Some((pause, now + pause));
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn pauses_double_and_begin_anew_after_a_time_that_held() {
        let mut breaker = Breaker::new(30 * SECOND, 100 * SECOND);
        for expected in [30, 60, 100, 100].map(|seconds| seconds * SECOND) {
            let pause = breaker.open();
            assert_eq!(pause, expected);
            tokio::time::advance(pause + SECOND).await;
        }
        tokio::time::advance(100 * SECOND).await;
        assert_eq!(breaker.open(), 30 * SECOND);
    }
}
