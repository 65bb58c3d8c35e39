//! What may happen very often: counted, and told at most once a minute.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_mins(1);

/// Counts, and says when to tell.
#[derive(Debug, Default)]
pub(crate) struct Seldom(Mutex<Count>);

#[derive(Debug, Default)]
struct Count {
    /// Since the process started.
    total: u64,
    told_at: Option<Instant>,
}

impl Seldom {
    /// One more; all so far, where it is time to tell.
    pub(crate) fn count(&self) -> Option<u64> {
        self.count_at(Instant::now())
    }

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
    fn it_is_told_once_a_minute_with_the_count() {
        let (seldom, start) = (Seldom::default(), Instant::now());
        assert_eq!(seldom.count_at(start), Some(1));
        assert_eq!(seldom.count_at(start + Duration::from_secs(59)), None);
        assert_eq!(seldom.count_at(start + PAUSE), Some(3));
    }
}
