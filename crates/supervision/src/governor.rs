//! How often something that died is started again, and after what delay (W-8).

use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::Closing;

/// The limits of restarting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartPolicy {
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
pub enum Ruling {
    /// Start again after this delay.
    Restart(Duration),
    /// The policy is used up: fail upward.
    GiveUp,
}

/// Counts the restarts of one pool or of one supervisor's children.
#[derive(Debug)]
pub struct Governor {
    policy: RestartPolicy,
    /// When each restart was due, not when the death came: the delays would else let more restarts into a period than deaths.
    restarts: Mutex<VecDeque<Instant>>,
}

impl Governor {
    /// A governor that has seen no death.
    #[must_use]
    pub fn new(policy: RestartPolicy) -> Self {
        Self { policy, restarts: Mutex::default() }
    }

    /// Rules on a death that happened now. A `Restart` counts as made.
    pub fn died(&self) -> Ruling {
        let now = Instant::now();
        let mut restarts = self.restarts.lock().unwrap_or_else(PoisonError::into_inner);
        restarts.retain(|due| now.saturating_duration_since(*due) <= self.policy.period);
        if restarts.len() >= self.policy.intensity {
            return Ruling::GiveUp;
        }
        let delay = self.delay(restarts.len());
        restarts.push_back(now + delay);
        Ruling::Restart(delay)
    }

    /// Waits out a delay, but not past the start of a shutdown.
    pub async fn wait(&self, delay: Duration, closing: &Closing) {
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = closing.given() => {}
        }
    }

    /// `first_delay * 2^earlier`, at most `most_delay`, of which a random part of up to one half is left out: what died together does not
    /// come back together.
    fn delay(&self, earlier: usize) -> Duration {
        let doublings = u32::try_from(earlier).unwrap_or(u32::MAX).min(31);
        let whole = self.policy.first_delay.saturating_mul(1 << doublings).min(self.policy.most_delay);
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
    const POLICY: RestartPolicy = RestartPolicy {
        intensity: 4,
        period: Duration::from_secs(60),
        first_delay: SECOND,
        most_delay: Duration::from_secs(3),
    };

    fn restart(governor: &Governor) -> Duration {
        match governor.died() {
            Ruling::Restart(delay) => delay,
            Ruling::GiveUp => panic!("gave up"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn delays_double_up_to_the_longest_and_keep_at_least_half() {
        let governor = Governor::new(POLICY);
        for whole in [1, 2, 3, 3].map(|n| n * SECOND) {
            let delay = restart(&governor);
            assert!(delay <= whole && delay >= whole / 2, "{delay:?} of {whole:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn two_delays_of_the_same_length_differ() {
        let delays: Vec<_> = (0..8).map(|_| restart(&Governor::new(POLICY))).collect();
        assert!(delays.iter().any(|delay| *delay != delays[0]), "{delays:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_death_after_the_intensity_gives_up_and_a_period_later_a_restart_is_allowed_again() {
        let governor = Governor::new(POLICY);
        for _ in 0..POLICY.intensity {
            restart(&governor);
        }
        assert_eq!(governor.died(), Ruling::GiveUp);
        tokio::time::advance(POLICY.period + POLICY.most_delay + SECOND).await;
        restart(&governor);
    }

    #[tokio::test(start_paused = true)]
    async fn no_window_of_a_period_holds_more_restarts_than_the_intensity() {
        let governor =
            Governor::new(RestartPolicy { most_delay: Duration::from_secs(40), first_delay: 20 * SECOND, ..POLICY });
        let mut restarts = vec![];
        for _ in 0..2_000 {
            if let Ruling::Restart(delay) = governor.died() {
                restarts.push(Instant::now() + delay);
            }
            tokio::time::advance(Duration::from_millis(700)).await;
        }
        restarts.sort();
        assert!(restarts.len() > 20, "only {} restarts", restarts.len());
        for window in restarts.windows(POLICY.intensity + 1) {
            assert!(window[POLICY.intensity] - window[0] > POLICY.period);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_shutdown_ends_the_wait() {
        let (governor, closing) = (Governor::new(POLICY), Closing::new());
        let began = Instant::now();
        closing.give();
        governor.wait(60 * SECOND, &closing).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
