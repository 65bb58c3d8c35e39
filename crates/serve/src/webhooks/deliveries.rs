//! Deliveries that were taken: the same request again changes nothing.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::host::HookHost;

/// How long a delivery is remembered. Hosts try one again within minutes.
const WINDOW: Duration = Duration::from_mins(10);
/// The most that are remembered, of 48 bytes each: seven a second over the whole window.
const MOST: usize = 4096;

/// The name of a delivery and its whole request.
pub(super) type Delivery = [u8; 32];

/// Deliveries that were taken, the latest last.
#[derive(Debug, Default)]
pub(super) struct Deliveries(Mutex<VecDeque<(Instant, Delivery)>>);

/// What a delivery is known by: who sent it, what that host calls it, and all that it says. `None` where the host gives
/// it no name: two pushes may have equal bodies (there, back, and there again).
pub(super) fn delivery(host: HookHost, name: &str, body: &[u8]) -> Option<Delivery> {
    let seed = || Sha256::new().chain_update(host.name()).chain_update([0]).chain_update(name).chain_update([0]);
    (!name.is_empty()).then(|| seed().chain_update(body).finalize().into())
}

impl Deliveries {
    /// Whether it was taken already.
    pub(super) fn knows(&self, delivery: &Delivery) -> bool {
        self.known_at(delivery, Instant::now())
    }

    /// It was taken.
    pub(super) fn take(&self, delivery: Delivery) {
        self.take_at(delivery, Instant::now());
    }

    fn known_at(&self, delivery: &Delivery, now: Instant) -> bool {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.iter().any(|(at, known)| known == delivery && now.duration_since(*at) < WINDOW)
    }

    fn take_at(&self, delivery: Delivery, now: Instant) {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while taken.len() >= MOST || taken.front().is_some_and(|(at, _)| now.duration_since(*at) >= WINDOW) {
            taken.pop_front();
        }
        taken.push_back((now, delivery));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_known_by_its_host_its_name_and_its_body_for_ten_minutes() {
        let (deliveries, start) = (Deliveries::default(), Instant::now());
        let of = |host, name, body: &str| delivery(host, name, body.as_bytes()).unwrap();
        let first = of(HookHost::GitHub, "1", "a");
        deliveries.take_at(first, start);
        assert!(deliveries.known_at(&first, start + WINDOW - Duration::from_secs(1)));
        assert!(!deliveries.known_at(&first, start + WINDOW));
        for other in [
            of(HookHost::Gitea, "1", "a"),
            of(HookHost::GitHub, "2", "a"),
            of(HookHost::GitHub, "1", "b"),
            of(HookHost::GitHub, "1\0", "a"),
        ] {
            assert!(!deliveries.known_at(&other, start));
        }
        assert_eq!(delivery(HookHost::GitHub, "", b"a"), None);
    }

    #[test]
    fn only_so_many_are_remembered() {
        let (deliveries, start) = (Deliveries::default(), Instant::now());
        for number in 0..MOST + 10 {
            deliveries.take_at(delivery(HookHost::GitHub, &number.to_string(), b"").unwrap(), start);
        }
        assert_eq!(deliveries.0.lock().unwrap().len(), MOST);
        assert!(!deliveries.known_at(&delivery(HookHost::GitHub, "0", b"").unwrap(), start));
    }
}
