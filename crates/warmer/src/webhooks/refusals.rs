//! Requests that were not believed: counted, and told at most once a minute, whoever knocks how often.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_mins(1);

/// Counts refusals.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<Count>);

#[derive(Debug, Default)]
struct Count {
    /// Since the process started.
    total: u64,
    told_at: Option<Instant>,
}

impl Refusals {
    /// One more.
    pub(super) fn count(&self, host: &str) {
        if let Some(total) = self.count_at(Instant::now()) {
            tracing::warn!(host, total, "a webhook was refused: its signature or token is missing or wrong");
        }
    }

    /// One more; all so far, where it is time to tell.
    fn count_at(&self, now: Instant) -> Option<u64> {
        let mut count = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        count.total += 1;
        if count.told_at.is_some_and(|told| now.duration_since(told) < PAUSE) {
            return None;
        }
        count.told_at = Some(now);
        Some(count.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_once_a_minute_with_their_count() {
        let (refusals, start) = (Refusals::default(), Instant::now());
        assert_eq!(refusals.count_at(start), Some(1));
        assert_eq!(refusals.count_at(start + Duration::from_secs(59)), None);
        assert_eq!(refusals.count_at(start + PAUSE), Some(3));
    }
}
