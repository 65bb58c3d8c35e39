//! The provider's pause: a provider that cannot embed now is left alone for a while, by all workers alike.
//!
//! That says nothing about any text or job. Jobs wait, and are excused from going on; where the provider stays away for
//! too long they go back to the queue, uncounted, instead of keeping their slots.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The first pause of a provider that does not say how long it wants; doubled each time it fails again.
const FIRST: Duration = Duration::from_secs(1);
/// The longest one of that kind: limits by the minute, which most services have, are over by then.
const MOST: Duration = Duration::from_secs(60);
/// A provider that has not worked for so long, or says that it will not, keeps no jobs waiting: half of the time after
/// which a job counts as stalled by default.
const PATIENCE: Duration = Duration::from_mins(5);
/// How often the jobs that wait are looked at: a cancelled one is held up for so long.
const LOOK: Duration = Duration::from_secs(1);

/// Shared by the workers of one provider.
#[derive(Debug, Default)]
pub(crate) struct Pause(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Kept beyond its end, until the provider has answered.
    outage: Option<Outage>,
    /// Somebody looks at the jobs then.
    look: Option<Instant>,
    /// How long all pauses were, less the last of an outage that goes on.
    ended: Duration,
    /// What the provider said last.
    said: Option<String>,
}

#[derive(Debug)]
struct Outage {
    /// The first call that failed was made then.
    since: Instant,
    /// The last pause began then.
    paused_at: Instant,
    /// It ends then.
    until: Instant,
    /// Pauses so far.
    pauses: u32,
    /// What the provider said last.
    why: String,
}

impl Outage {
    /// How long the last pause has been so far.
    fn paused(&self) -> Duration {
        self.until.min(Instant::now()).saturating_duration_since(self.paused_at)
    }
}

/// What is to become of the jobs that wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Paused {
    /// Nothing is expected of them until then.
    Wait(Instant),
    /// They go back to the queue: the provider is left alone until then.
    TooLong(String, Instant),
}

impl Pause {
    /// Whether the provider is to be left alone now.
    pub(crate) fn now(&self) -> Option<Paused> {
        let state = self.state();
        let outage = state.outage.as_ref().filter(|outage| Instant::now() < outage.until)?;
        let long = outage.until.duration_since(outage.since) > PATIENCE;
        Some(if long { Paused::TooLong(outage.why.clone(), outage.until) } else { Paused::Wait(outage.until) })
    }

    /// What the provider said, while it is left alone.
    pub(crate) fn why(&self) -> Option<String> {
        let state = self.state();
        state.outage.as_ref().filter(|outage| Instant::now() < outage.until).map(|outage| outage.why.clone())
    }

    /// How long the provider was left alone so far, in all, and what it said last.
    pub(crate) fn so_far(&self) -> (Duration, Option<String>) {
        let state = self.state();
        let last = state.outage.as_ref().map(Outage::paused).unwrap_or_default();
        (state.ended + last, state.said.clone())
    }

    /// The provider could not answer a call that was made at `called`, and wants to be left alone for `wanted`.
    /// Gives the length of the pause that begins now; `None` where one goes on.
    pub(crate) fn failed(&self, called: Instant, why: &str, wanted: Option<Duration>) -> Option<Duration> {
        let (mut state, now) = (self.state(), Instant::now());
        // A call that was out when the pause began says the same once more.
        if let Some(outage) = state.outage.as_mut().filter(|outage| called < outage.paused_at) {
            outage.until = outage.until.max(now + wanted.unwrap_or_default());
            return None;
        }
        let (since, pauses) = state.outage.as_ref().map_or((called, 0), |outage| (outage.since, outage.pauses));
        let pause = wanted.unwrap_or_else(|| MOST.min(FIRST * 2_u32.saturating_pow(pauses)));
        let why = why.to_owned();
        let last = state.outage.as_ref().map(Outage::paused).unwrap_or_default();
        state.ended += last;
        state.said = Some(why.clone());
        state.outage = Some(Outage { since, paused_at: now, until: now + pause, pauses: pauses + 1, why });
        Some(pause)
    }

    /// The provider answered a call that was made at `called`. Gives for how long it had not, if it had not.
    pub(crate) fn answered(&self, called: Instant) -> Option<Duration> {
        let mut state = self.state();
        // What was asked before the pause says nothing about now.
        let outage = state.outage.take_if(|outage| outage.paused_at <= called)?;
        state.ended += outage.paused();
        Some(outage.since.elapsed())
    }

    /// When the caller has to look at the jobs again; `None` where somebody else does, or the provider works.
    pub(crate) fn next_look(&self) -> Option<Duration> {
        let (mut state, now) = (self.state(), Instant::now());
        let until = state.outage.as_ref()?.until;
        if state.look.is_some_and(|look| now < look) {
            return None;
        }
        let look = until.clamp(now, now + LOOK);
        state.look = Some(look);
        Some(look - now)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_as_long_as_the_provider_says_and_else_doubles_up_to_a_minute() {
        let pause = Pause::default();
        assert_eq!(pause.now(), None);
        assert_eq!(pause.failed(Instant::now(), "busy", Some(7 * SECOND)), Some(7 * SECOND));
        assert_eq!(pause.now(), Some(Paused::Wait(Instant::now() + 7 * SECOND)));
        advance(7 * SECOND).await;
        assert_eq!(pause.now(), None, "it is asked again");
        let mut lengths = vec![];
        for _ in 0..6 {
            let length = pause.failed(Instant::now(), "down", None).expect("a new pause");
            lengths.push(length.as_secs());
            advance(length).await;
        }
        assert_eq!(lengths, [2, 4, 8, 16, 32, 60]);
        assert_eq!(pause.answered(Instant::now()), Some(129 * SECOND));
        assert_eq!(pause.failed(Instant::now(), "down", None), Some(FIRST), "it begins anew");
        advance(SECOND / 2).await;
        assert_eq!(
            pause.so_far(),
            (129 * SECOND + SECOND / 2, Some("down".to_owned())),
            "all, as far as they are over"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_were_out_when_it_began_neither_double_nor_end_a_pause() {
        let pause = Pause::default();
        let called = Instant::now();
        advance(SECOND).await;
        assert_eq!(pause.failed(called, "busy", None), Some(FIRST));
        assert_eq!(pause.failed(called, "busy", None), None);
        assert_eq!(pause.failed(called, "busy", Some(5 * SECOND)), None);
        assert_eq!(pause.now(), Some(Paused::Wait(Instant::now() + 5 * SECOND)), "the longest wish counts");
        assert_eq!(pause.answered(called), None);
        assert!(pause.now().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn jobs_do_not_wait_for_a_provider_that_stays_away() {
        let pause = Pause::default();
        pause.failed(Instant::now(), "out of budget", Some(PATIENCE + SECOND)).expect("a pause");
        let until = Instant::now() + PATIENCE + SECOND;
        assert_eq!(pause.now(), Some(Paused::TooLong("out of budget".to_owned(), until)));
        let other = Pause::default();
        for _ in 0..5 {
            other.failed(Instant::now(), "busy", Some(MOST)).expect("a pause");
            assert!(matches!(other.now(), Some(Paused::Wait(_))));
            advance(MOST).await;
        }
        other.failed(Instant::now(), "busy", Some(MOST)).expect("a pause");
        let until = Instant::now() + MOST;
        assert_eq!(other.now(), Some(Paused::TooLong("busy".to_owned(), until)), "five minutes are over");
    }

    #[tokio::test(start_paused = true)]
    async fn one_worker_at_a_time_looks_at_the_jobs_each_second_and_at_the_end() {
        let pause = Pause::default();
        assert_eq!(pause.next_look(), None);
        pause.failed(Instant::now(), "busy", Some(SECOND * 3 / 2)).expect("a pause");
        assert_eq!((pause.next_look(), pause.next_look()), (Some(SECOND), None));
        advance(SECOND).await;
        assert_eq!((pause.next_look(), pause.next_look()), (Some(SECOND / 2), None));
    }
}
