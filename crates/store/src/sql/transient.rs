//! Calls that are retried, because what got in their way is likely to have passed.

use std::time::Duration;

/// What got in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transient {
    /// Other transactions got in the way of this one, which changed nothing.
    Collision,
    /// The connection was closed, maybe just after the commit.
    Disconnected,
}

/// How often a transaction is tried that others get in the way of; each time, one of them got through.
const COLLISIONS: u32 = 8;
/// The pauses before a call goes out on another connection. They are few, as a statement that brings its server down
/// does so each time; and not nothing, as a proxy without a server closes in a millisecond what it accepts.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(400)];

/// The tries of one call.
#[derive(Default)]
pub(crate) struct Tries {
    collisions: u32,
    disconnections: usize,
}

impl Tries {
    /// Waits until the call is to be retried; `false`: what it gave is its answer.
    pub(crate) async fn again(&mut self, transient: Option<Transient>) -> bool {
        match transient {
            None => false,
            Some(Transient::Collision) => {
                self.collisions += 1;
                self.collisions < COLLISIONS
            }
            Some(Transient::Disconnected) => {
                let Some(pause) = PAUSES.get(self.disconnections) else { return false };
                self.disconnections += 1;
                tokio::time::sleep(*pause).await;
                true
            }
        }
    }
}

/// Retries a call while what got in its way passes. Each call made so may have taken effect before: it must come to the
/// same, and give the same answer.
macro_rules! retrying {
    ($store:ident, $call:expr) => {{
        let mut tries = $crate::sql::transient::Tries::default();
        loop {
            let done = $call.await;
            let transient = done.as_ref().err().and_then(B::transient);
            if !tries.again(transient).await {
                break $store.door(done);
            }
            tracing::debug!(reason = ?transient, "retrying a database call");
        }
    }};
}
pub(crate) use retrying;
