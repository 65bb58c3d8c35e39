//! How long to wait before trying again.

use std::time::Duration;

/// `base` and up to as much more, at random.
pub(crate) fn jittered(base: Duration) -> Duration {
    base.mul_f64(1.0 + fraction())
}

/// Between nothing and all of `most`, at random.
#[must_use]
pub fn some_of(most: Duration) -> Duration {
    most.mul_f64(fraction())
}

/// `first`, doubled with every attempt after the first up to `most`, and then between half and all of it at random.
pub(crate) fn after_attempt(attempt: u32, first: Duration, most: Duration) -> Duration {
    let doubled = first.saturating_mul(1 << attempt.saturating_sub(1).min(20)).min(most);
    doubled.mul_f64(0.5 + fraction() / 2.0)
}

/// Between 0 and 1, from the random bits of a fresh uuid.
fn fraction() -> f64 {
    f64::from(uuid::Uuid::new_v4().as_fields().0) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_most_and_are_spread() {
        let (first, most) = (Duration::from_secs(1), Duration::from_secs(60));
        for (attempt, top) in [(1, 1), (2, 2), (3, 4), (7, 60), (u32::MAX, 60)] {
            for _ in 0..100 {
                let delay = after_attempt(attempt, first, most);
                let top = Duration::from_secs(top);
                assert!(delay >= top / 2 && delay <= top, "attempt {attempt}: {delay:?}");
            }
        }
        let some: std::collections::BTreeSet<_> = (0..50).map(|_| jittered(first)).collect();
        assert!(some.len() > 40);
    }
}
