//! The lease: until when nobody else can hold what this process' session holds.
//!
//! The server frees a silent session's locks at a known time; a margin before that, this side stops by itself: nothing
//! new is claimed, and parts wait at the border of their next stage until the session answers again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// Until when the locks are surely ours. A clone is the same lease.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    until: Arc<watch::Sender<Instant>>,
    parked: Arc<AtomicUsize>,
    /// For the tests of the fence: nobody stops by himself.
    blind: bool,
}

impl Lease {
    /// None yet. Without `self_fencing` nobody ever waits for it.
    pub(crate) fn new(self_fencing: bool) -> Self {
        Self { until: Arc::new(watch::Sender::new(Instant::now())), parked: Arc::default(), blind: !self_fencing }
    }

    /// A heartbeat succeeded.
    pub(crate) fn extend(&self, until: Instant) {
        self.until.send_replace(until);
    }

    /// Whether the locks are surely ours now.
    pub(crate) fn is_good(&self) -> bool {
        self.blind || Instant::now() < *self.until.borrow()
    }

    /// Until when, for the child processes; `None` where there is none now.
    pub(crate) fn until(&self) -> Option<Instant> {
        // Nobody waits for as long.
        let blind = || Instant::now() + Duration::from_hours(1);
        if self.blind { Some(blind()) } else { self.is_good().then(|| *self.until.borrow()) }
    }

    /// For how long it has been gone.
    pub(crate) fn gone_for(&self) -> Duration {
        if self.blind { Duration::ZERO } else { Instant::now().saturating_duration_since(*self.until.borrow()) }
    }

    /// How many wait for it.
    pub(crate) fn parked(&self) -> usize {
        self.parked.load(Relaxed)
    }

    /// Waits until there is one.
    pub(crate) async fn wait(&self) {
        if self.is_good() {
            return;
        }
        let _parked = Parked::new(&self.parked);
        let mut heard = self.until.subscribe();
        while !self.is_good() {
            if heard.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }
}

/// One that waits; it may be dropped while it does.
struct Parked<'a>(&'a AtomicUsize);

impl<'a> Parked<'a> {
    fn new(all: &'a AtomicUsize) -> Self {
        all.fetch_add(1, Relaxed);
        Self(all)
    }
}

impl Drop for Parked<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_part_is_parked_until_the_session_is_heard_again() {
        let lease = Lease::new(true);
        let mut parked = std::pin::pin!(lease.wait());
        assert_eq!(futures::poll!(&mut parked), Poll::Pending);
        lease.extend(Instant::now());
        assert_eq!(futures::poll!(&mut parked), Poll::Pending, "what ended just now is over");
        assert!(!lease.is_good());
        assert_eq!(lease.parked(), 1);
        lease.extend(Instant::now() + Duration::from_secs(60));
        assert_eq!(futures::poll!(&mut parked), Poll::Ready(()));
        assert_eq!(lease.parked(), 0);
        assert!(lease.is_good() && lease.gone_for().is_zero());
    }

    #[test]
    fn without_self_fencing_nobody_stops() {
        let lease = Lease::new(false);
        assert!(lease.is_good() && lease.gone_for().is_zero());
        assert!(lease.wait().now_or_never().is_some());
    }
}
