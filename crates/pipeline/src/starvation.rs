//! Starvation: heavy jobs are due, and none was let in since.

use std::time::{Duration, Instant};

/// Since when, and when that was last logged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Starvation {
    since: Instant,
    logged: Instant,
}

impl Default for Starvation {
    /// From now on.
    fn default() -> Self {
        let now = Instant::now();
        Self { since: now, logged: now }
    }
}

impl Starvation {
    /// For how long, where it is time to log it: each time that this has passed.
    pub(crate) fn overdue(&mut self, every: Duration) -> Option<Duration> {
        self.overdue_at(Instant::now(), every)
    }

    fn overdue_at(&mut self, now: Instant, every: Duration) -> Option<Duration> {
        if now.saturating_duration_since(self.logged) <= every {
            return None;
        }
        self.logged = now;
        Some(Duration::from_secs(now.saturating_duration_since(self.since).as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_too_long_is_logged_once_per_limit() {
        let mut starvation = Starvation::default();
        let (began, seconds) = (starvation.since, Duration::from_secs);
        let logged = [60, 61, 62, 122].map(|after| starvation.overdue_at(began + seconds(after), seconds(60)));
        assert_eq!(logged, [None, Some(seconds(61)), None, Some(seconds(122))]);
    }
}
