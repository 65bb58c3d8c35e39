//! How often something that died is started again, and after what delay (W-8).

use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::closing::Closing;

/// The limits of restarting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartLimits {
    /// Restarts allowed within any `period`; the death after that is passed upward.
    pub intensity: usize,
    /// The window in which restarts are counted.
    pub period: Duration,
    /// Delay of a first restart; it doubles with every further one in the period.
    pub first_delay: Duration,
    /// The longest delay.
    pub most_delay: Duration,
}

/// What is to follow a death.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Start again after this delay.
    Restart(Duration),
    /// The limits are used up: fail upward.
    GiveUp,
}

/// Counts the restarts of one pool or of one supervisor's children.
#[derive(Debug)]
pub struct RestartPolicy {
    limits: RestartLimits,
    /// When each restart was due, not when the death came: the delays would else let more restarts into a period than
    /// deaths.
    restarts: Mutex<VecDeque<Instant>>,
}

impl RestartPolicy {
    /// A policy that has seen no death.
    #[must_use]
    pub fn new(limits: RestartLimits) -> Self {
        Self { limits, restarts: Mutex::default() }
    }

    /// Decides on a death that happened now. A [`Decision::Restart`] counts as made.
    pub fn died(&self) -> Decision {
        let now = Instant::now();
        let mut restarts = self.restarts.lock().unwrap_or_else(PoisonError::into_inner);
        restarts.retain(|due| now.saturating_duration_since(*due) <= self.limits.period);
        if restarts.len() >= self.limits.intensity {
            return Decision::GiveUp;
        }
        let delay = self.delay(restarts.len());
        restarts.push_back(now + delay);
        Decision::Restart(delay)
    }

    /// Waits out a delay, but not past the start of a shutdown.
    pub async fn wait(&self, delay: Duration, closing: &Closing) {
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = closing.given() => {}
        }
    }

    /// `first_delay * 2^earlier`, at most `most_delay`, of which a random part of up to one half is left out: what died
    /// together does not come back together.
    fn delay(&self, earlier: usize) -> Duration {
        let doublings = u32::try_from(earlier).unwrap_or(u32::MAX).min(31);
        let whole = self.limits.first_delay.saturating_mul(1 << doublings).min(self.limits.most_delay);
        whole - whole.mul_f64(unit_random() / 2.0)
    }
}

/// A number in 0..1 from the standard library's only source of randomness: a new hasher's keys.
fn unit_random() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 11;
    // 53 bits are what an f64 holds exactly.
    bits as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const LIMITS: RestartLimits = RestartLimits {
        intensity: 4,
        period: Duration::from_secs(60),
        first_delay: SECOND,
        most_delay: Duration::from_secs(3),
    };

    fn restart(policy: &RestartPolicy) -> Duration {
        match policy.died() {
            Decision::Restart(delay) => delay,
            Decision::GiveUp => panic!("gave up"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn delays_double_up_to_the_longest_and_keep_at_least_half() {
        let policy = RestartPolicy::new(LIMITS);
        for whole in [1, 2, 3, 3].map(|n| n * SECOND) {
            let delay = restart(&policy);
            assert!(delay <= whole && delay >= whole / 2, "{delay:?} of {whole:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn two_delays_of_the_same_length_differ() {
        let delays: Vec<_> = (0..8).map(|_| restart(&RestartPolicy::new(LIMITS))).collect();
        assert!(delays.iter().any(|delay| *delay != delays[0]), "{delays:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_death_after_the_intensity_gives_up_and_a_period_later_a_restart_is_allowed_again() {
        let policy = RestartPolicy::new(LIMITS);
        for _ in 0..LIMITS.intensity {
            restart(&policy);
        }
        assert_eq!(policy.died(), Decision::GiveUp);
        tokio::time::advance(LIMITS.period + LIMITS.most_delay + SECOND).await;
        restart(&policy);
    }

    #[tokio::test(start_paused = true)]
    async fn no_window_of_a_period_holds_more_restarts_than_the_intensity() {
        let policy = RestartPolicy::new(RestartLimits {
            most_delay: Duration::from_secs(40),
            first_delay: 20 * SECOND,
            ..LIMITS
        });
        let mut restarts = vec![];
        for _ in 0..2_000 {
            if let Decision::Restart(delay) = policy.died() {
                restarts.push(Instant::now() + delay);
            }
            tokio::time::advance(Duration::from_millis(700)).await;
        }
        restarts.sort();
        assert!(restarts.len() > 20, "only {} restarts", restarts.len());
        for window in restarts.windows(LIMITS.intensity + 1) {
            assert!(window[LIMITS.intensity] - window[0] > LIMITS.period);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_shutdown_ends_the_wait() {
        let (policy, closing) = (RestartPolicy::new(LIMITS), Closing::new());
        let began = Instant::now();
        closing.give();
        policy.wait(60 * SECOND, &closing).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
