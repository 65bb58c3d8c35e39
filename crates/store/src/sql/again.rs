//! Calls that are made again, because what came in between is likely to have passed.

use std::time::Duration;

/// What came in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passing {
    /// Others got in the way of the transaction, which changed nothing.
    Collision,
    /// The connection was ended, maybe just behind the commit.
    Ended,
}

/// How often a transaction is made that others get in the way of; each time, one of them got through.
const COLLISIONS: u32 = 8;
/// The pauses before a call goes out on another connection. They are few, as a statement that brings its server down
/// does so each time; and not nothing, as a proxy without a server ends in a millisecond what it accepts.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(400)];

/// The tries of one call.
#[derive(Default)]
pub(crate) struct Tries {
    collisions: u32,
    ended: usize,
}

impl Tries {
    /// Waits until the call is to be made again; `false`: what it gave is its answer.
    pub(crate) async fn again(&mut self, passing: Option<Passing>) -> bool {
        match passing {
            None => false,
            Some(Passing::Collision) => {
                self.collisions += 1;
                self.collisions < COLLISIONS
            }
            Some(Passing::Ended) => {
                let Some(pause) = PAUSES.get(self.ended) else { return false };
                self.ended += 1;
                tokio::time::sleep(*pause).await;
                true
            }
        }
    }
}

/// Makes a call again while what came in between passes. Each call made so may have taken effect before: it must come
/// to the same, and give the same answer.
macro_rules! again {
    ($store:ident, $call:expr) => {{
        let mut tries = $crate::sql::again::Tries::default();
        loop {
            let done = $call.await;
            let passing = done.as_ref().err().and_then(B::passing);
            if !tries.again(passing).await {
                break $store.door(done);
            }
            tracing::debug!(?passing, "a call is made again");
        }
    }};
}
pub(crate) use again;
