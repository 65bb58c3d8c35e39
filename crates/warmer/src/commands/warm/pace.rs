//! How far a job is, how fast it goes, and how long it will take.

use std::collections::VecDeque;
use std::time::Duration;

use crate::output::duration;

/// The rate is that of the last ten seconds: long enough for batches to even out, short enough to follow a change.
const WINDOW: Duration = Duration::from_secs(10);

/// A forecast from less than this is a guess.
const FORECAST_AFTER: Duration = Duration::from_secs(3);

/// What was done of a job at some moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    /// Since the job was claimed.
    pub(super) age: Duration,
    /// Files that are stored, of those that are listed.
    pub(super) stored: u64,
    pub(super) listed: u64,
    /// Texts that are embedded.
    pub(super) embedded: u64,
}

/// The pace of one job.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Those of the window, the oldest first.
    seen: VecDeque<Done>,
    /// When there was something to store.
    began: Option<Duration>,
}

impl Pace {
    /// Takes in what is done by now.
    pub(super) fn note(&mut self, now: Done) {
        if now.listed > 0 {
            self.began.get_or_insert(now.age);
        }
        self.seen.push_back(now);
        while self.seen.get(1).is_some_and(|second| second.age + WINDOW <= now.age) {
            self.seen.pop_front();
        }
    }

    /// Of a hundred parts, those that are done; `None` before anything is listed.
    pub(super) fn percent(&self) -> Option<u64> {
        let now = self.seen.back().filter(|now| now.listed > 0)?;
        Some(now.stored.min(now.listed) * 100 / now.listed)
    }

    /// Texts that are embedded in a second.
    pub(super) fn texts_per_second(&self) -> f64 {
        let (Some(first), Some(last)) = (self.seen.front(), self.seen.back()) else { return 0.0 };
        let seconds = last.age.saturating_sub(first.age).as_secs_f64();
        if seconds > 0.0 { last.embedded.saturating_sub(first.embedded) as f64 / seconds } else { 0.0 }
    }

    /// How long the rest will take, if files go on being stored as fast as so far.
    pub(super) fn left(&self) -> Option<Duration> {
        let (now, began) = (self.seen.back()?, self.began?);
        let spent = now.age.saturating_sub(began);
        if spent < FORECAST_AFTER || now.stored == 0 || now.stored >= now.listed {
            return None;
        }
        Some(spent.mul_f64((now.listed - now.stored) as f64 / now.stored as f64))
    }

    /// `42 %, 51 texts/s, 3m 22s left`, as far as it is known.
    pub(super) fn text(&self) -> String {
        let percent = self.percent().map(|percent| format!("{percent} %"));
        let rate = Some(self.texts_per_second()).filter(|rate| *rate > 0.0).map(|rate| format!("{rate:.0} texts/s"));
        let left = self.left().map(|left| format!("{} left", duration(Duration::from_secs(left.as_secs().max(1)))));
        percent.into_iter().chain(rate).chain(left).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(seconds: u64, stored: u64, embedded: u64) -> Done {
        Done { age: Duration::from_secs(seconds), stored, listed: if seconds < 5 { 0 } else { 200 }, embedded }
    }

    #[test]
    fn the_pace_is_percent_rate_and_time_left() {
        let mut pace = Pace::default();
        pace.note(done(0, 0, 0));
        assert_eq!(pace.text(), "", "nothing is listed yet");
        pace.note(done(5, 0, 0));
        assert_eq!(pace.text(), "0 %");
        pace.note(done(10, 50, 250));
        assert_eq!(pace.text(), "25 %, 25 texts/s, 15s left", "250 texts in ten seconds; a quarter took five");
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let mut pace = Pace::default();
        (0..=40).for_each(|second| pace.note(done(second, 10, second.min(20) * 30)));
        assert!(pace.texts_per_second().abs() < f64::EPSILON, "{pace:?}");
        assert!(pace.seen.len() <= 12, "what is older is forgotten: {}", pace.seen.len());
    }

    #[test]
    fn what_is_done_has_nothing_left() {
        let mut pace = Pace::default();
        pace.note(done(5, 0, 0));
        pace.note(done(9, 200, 400));
        assert_eq!((pace.percent(), pace.left()), (Some(100), None));
    }
}
