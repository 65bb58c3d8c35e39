//! Trust: until when nobody else can hold what this process' session holds.
//!
//! The server frees a silent session's locks at a known time; a margin before that, this side stops by itself: nothing
//! new is claimed, and parts wait at the border of their next stage until the session answers again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// The trust window. A clone is the same window.
#[derive(Clone, Debug)]
pub(crate) struct Trust {
    until: Arc<watch::Sender<Instant>>,
    /// For the tests of the fence: nobody stops by himself.
    blind: bool,
}

impl Trust {
    /// No trust yet. Without `self_fencing` it is never asked for.
    pub(crate) fn new(self_fencing: bool) -> Self {
        Self { until: Arc::new(watch::Sender::new(Instant::now())), blind: !self_fencing }
    }

    /// The session was heard.
    pub(crate) fn extend(&self, until: Instant) {
        self.until.send_replace(until);
    }

    /// Whether the locks are surely ours now.
    pub(crate) fn is_good(&self) -> bool {
        self.blind || Instant::now() < *self.until.borrow()
    }

    /// Until when, for who has to be told; `None` where there is none now.
    pub(crate) fn until(&self) -> Option<Instant> {
        // Nobody waits for as long.
        let blind = || Instant::now() + Duration::from_hours(1);
        if self.blind { Some(blind()) } else { self.is_good().then(|| *self.until.borrow()) }
    }

    /// For how long it has been gone.
    pub(crate) fn gone_for(&self) -> Duration {
        if self.blind { Duration::ZERO } else { Instant::now().saturating_duration_since(*self.until.borrow()) }
    }

    /// Parks whoever calls until there is trust.
    pub(crate) async fn hold(&self) {
        let mut heard = self.until.subscribe();
        while !self.is_good() {
            if heard.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_part_is_parked_until_the_session_is_heard_again() {
        let trust = Trust::new(true);
        let mut parked = std::pin::pin!(trust.hold());
        assert_eq!(futures::poll!(&mut parked), Poll::Pending);
        trust.extend(Instant::now());
        assert_eq!(futures::poll!(&mut parked), Poll::Pending, "what ended just now is over");
        assert!(!trust.is_good());
        trust.extend(Instant::now() + Duration::from_secs(60));
        assert_eq!(futures::poll!(&mut parked), Poll::Ready(()));
        assert!(trust.is_good() && trust.gone_for().is_zero());
    }

    #[test]
    fn without_self_fencing_nobody_stops() {
        let trust = Trust::new(false);
        assert!(trust.is_good() && trust.gone_for().is_zero());
        assert!(trust.hold().now_or_never().is_some());
    }
}
