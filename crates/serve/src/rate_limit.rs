//! A rate limit for log lines: what may happen very often is counted, and logged at most once a minute.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_mins(1);

/// Counts something, and says when to log it.
#[derive(Debug, Default)]
pub(crate) struct RateLimit(Mutex<Count>);

#[derive(Debug, Default)]
struct Count {
    /// Since the process started.
    total: u64,
    logged_at: Option<Instant>,
}

impl RateLimit {
    /// Counts one more. Where it is time to log, how many there were since the process started; else `None`.
    pub(crate) fn count(&self) -> Option<u64> {
        self.add(1, Instant::now())
    }

    fn add(&self, more: u64, now: Instant) -> Option<u64> {
        let mut count = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        count.total += more;
        if count.logged_at.is_some_and(|logged| now.duration_since(logged) < PAUSE) {
            return None;
        }
        count.logged_at = Some(now);
        Some(count.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_logged_once_a_minute_with_the_count() {
        let (limit, start) = (RateLimit::default(), Instant::now());
        assert_eq!(limit.add(1, start), Some(1));
        assert_eq!(limit.add(3, start + Duration::from_secs(59)), None);
        assert_eq!(limit.add(1, start + PAUSE), Some(5));
    }
}
