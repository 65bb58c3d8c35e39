//! The hold: for how long this instance claims no fills, because its provider cannot embed.
//!
//! There is one for all fills: an instance makes vectors of one embedding, and the fault is the provider's, whatever
//! job asks. What it puts back is due at once, for others may do better.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::live::Live;
use crate::settings::Settings;

/// The longest hold where the provider does not say how long it wants.
const MOST: Duration = Duration::from_mins(10);

/// Set by the Embedder, obeyed by the Claimer. A clone is the same.
#[derive(Clone, Debug)]
pub(crate) struct Hold {
    state: Arc<Mutex<State>>,
    /// How long the first one lasts; doubled each time it fails again.
    settings: Live<Settings>,
}

#[derive(Debug, Default)]
struct State {
    /// Kept beyond its end, until the provider has worked.
    last: Option<Last>,
    /// Holds in a row.
    holds: u32,
}

#[derive(Debug)]
struct Last {
    began: Instant,
    until: Instant,
    why: Arc<str>,
    unfit: bool,
}

/// Why this process makes no vectors for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What the provider said.
    pub why: Arc<str>,
    /// It can embed nothing in this process; else not now.
    pub unfit: bool,
    /// How much longer.
    pub left: Duration,
}

impl Hold {
    /// As long as a job waits after a temporary error, within ten minutes.
    pub(crate) fn new(settings: Live<Settings>) -> Self {
        Self { state: Arc::default(), settings }
    }

    /// Whether no fills are to be claimed now.
    pub(crate) fn now(&self) -> Option<Held> {
        let state = self.state();
        let last = state.last.as_ref()?;
        let left = last.until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then(|| Held { why: last.why.clone(), unfit: last.unfit, left })
    }

    /// The provider failed: for `wanted`, or for the next backoff where that is longer. One that is on goes on.
    pub(crate) fn begin(&self, why: &str, unfit: bool, wanted: Duration) {
        let (mut state, now) = (self.state(), Instant::now());
        if state.last.as_ref().is_some_and(|last| now < last.until) {
            return;
        }
        let claimer = &self.settings.now().claimer;
        let doubled = claimer.retry_first.saturating_mul(2_u32.saturating_pow(state.holds));
        let lasts = doubled.min(claimer.retry_most).min(MOST).max(wanted);
        state.holds += 1;
        state.last = Some(Last { began: now, until: now + lasts, why: why.into(), unfit });
        let lasts_ms = lasts.as_millis() as u64;
        tracing::warn!(
            lasts_ms,
            error = why,
            "the embedding provider cannot embed: this instance claims no fills until the hold ends"
        );
    }

    /// The provider answered a call that was made at `called`.
    pub(crate) fn works(&self, called: Instant) {
        let mut state = self.state();
        // What was asked before says nothing about now.
        if state.last.as_ref().is_some_and(|last| last.began <= called) {
            *state = State::default();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn holds_double_up_to_ten_minutes_and_begin_anew_after_the_first_success() {
        let hold = Hold::new(Live::default());
        assert_eq!(hold.now(), None);
        let mut lengths = vec![];
        for _ in 0..7 {
            hold.begin("down", false, Duration::ZERO);
            let held = hold.now().expect("it is on");
            lengths.push(held.left.as_secs());
            advance(held.left).await;
            assert_eq!(hold.now(), None, "it is asked again");
        }
        assert_eq!(lengths, [30, 60, 120, 240, 480, 600, 600]);
        hold.works(Instant::now());
        hold.begin("down", true, Duration::ZERO);
        assert_eq!(hold.now(), Some(Held { why: "down".into(), unfit: true, left: 30 * SECOND }));
    }

    #[tokio::test(start_paused = true)]
    async fn the_provider_says_for_how_long_and_calls_that_were_out_change_nothing() {
        let (hold, called) = (Hold::new(Live::default()), Instant::now());
        advance(SECOND).await;
        hold.begin("out of budget", false, Duration::from_hours(1));
        advance(SECOND).await;
        hold.begin("out of budget", false, Duration::ZERO);
        hold.works(called);
        assert_eq!(hold.now().expect("it is on").left, Duration::from_hours(1) - SECOND);
    }
}
