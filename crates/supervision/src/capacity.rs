//! The bound of a stage: how many messages, and how many of their bytes, may be inside at one time (W-6).
//!
//! Limits and sums are under one lock, so a resize is one assignment: a sender that waits compares again, and what is
//! inside over a smaller limit keeps the next message out. (A semaphore cannot take back permits that are out, and a
//! sender that already waits for more permits than a smaller one has would wait for ever.)

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// What a stage may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Workers of the pool; 0 counts as 1, because a pool cannot run without one.
    pub workers: usize,
    /// Messages that may wait for a worker.
    pub mailbox: usize,
    /// Bytes of all messages inside, by [`Load::bytes`](crate::Load::bytes). A single larger message is let in alone.
    pub mailbox_bytes: u64,
}

impl Limits {
    /// Messages inside at most: one with each worker, and those in the mailbox.
    #[must_use]
    pub fn permits(&self) -> usize {
        self.pool_size().saturating_add(self.mailbox)
    }

    pub(crate) fn pool_size(&self) -> usize {
        self.workers.max(1)
    }
}

/// The mailbox was closed: its stage takes nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stage is closed and takes no more messages")]
pub struct Closed;

/// What a mailbox measures. Sums only grow; the rest is of the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Permits that are out: for messages queued or in work, and reserved.
    pub inside: usize,
    /// Of those, messages that no worker has taken yet.
    pub queued: usize,
    /// The most that `inside` has been.
    pub peak: usize,
    /// Bytes of the messages inside.
    pub bytes: u64,
    /// The most that `bytes` has been.
    pub peak_bytes: u64,
    /// Senders that wait for a permit.
    pub waiting: usize,
    /// How long senders have waited for a permit, in total; also those that gave up.
    pub send_wait: Duration,
    /// Messages that a worker has taken.
    pub taken: u64,
    /// How long those were queued, in total.
    pub mailbox_wait: Duration,
}

/// Counts what is inside a stage. Senders pass one by one, in the order they came.
#[derive(Debug)]
pub(crate) struct Capacity {
    inner: Mutex<Inner>,
    /// Held by the sender whose turn it is; tokio's mutex is fair, and a sender that gives up leaves the queue.
    turn: tokio::sync::Mutex<()>,
    /// Wakes the sender that holds the turn.
    changed: Notify,
}

#[derive(Debug)]
struct Inner {
    limits: Limits,
    closed: bool,
    gauges: Gauges,
}

impl Capacity {
    pub(crate) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            inner: Mutex::new(Inner { limits, closed: false, gauges: Gauges::default() }),
            turn: tokio::sync::Mutex::new(()),
            changed: Notify::new(),
        })
    }

    /// Waits until one more message, with `bytes` also that many bytes, fits inside, and counts it in.
    pub(crate) async fn admit(&self, bytes: Option<u64>) -> Result<(), Closed> {
        let _waiting = Waiting::new(self);
        let _turn = self.turn.lock().await;
        while !self.try_admit(bytes)? {
            // `notify_one` leaves a permit when nobody waits yet, so nothing between the look and the wait is missed.
            self.changed.notified().await;
        }
        Ok(())
    }

    /// Counts one more message in if it fits now, ahead of the senders that wait; says whether it did.
    pub(crate) fn try_admit(&self, bytes: Option<u64>) -> Result<bool, Closed> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(Closed);
        }
        if !inner.admits(bytes) {
            return Ok(false);
        }
        inner.gauges.inside += 1;
        inner.gauges.peak = inner.gauges.peak.max(inner.gauges.inside);
        inner.add_bytes(bytes.unwrap_or(0));
        Ok(true)
    }

    /// Counts the bytes of a message that was admitted without them.
    pub(crate) fn add_bytes(&self, bytes: u64) {
        self.lock().add_bytes(bytes);
    }

    /// Counts one message and its bytes out.
    pub(crate) fn release(&self, bytes: u64) {
        let mut inner = self.lock();
        inner.gauges.inside -= 1;
        inner.gauges.bytes -= bytes;
        drop(inner);
        self.changed.notify_one();
    }

    pub(crate) fn resize(&self, limits: Limits) {
        self.lock().limits = limits;
        self.changed.notify_one();
    }

    /// Refuses waiting and later senders; what was admitted stays inside.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    pub(crate) fn limits(&self) -> Limits {
        self.lock().limits
    }

    pub(crate) fn gauges(&self) -> Gauges {
        self.lock().gauges
    }

    /// A message goes to the pool.
    pub(crate) fn queued(&self) {
        self.lock().gauges.queued += 1;
    }

    /// A message that was queued is taken, or gone.
    pub(crate) fn unqueued(&self) {
        self.lock().gauges.queued -= 1;
    }

    /// A worker took a message that was queued this long.
    pub(crate) fn taken(&self, queued: Duration) {
        let gauges = &mut self.lock().gauges;
        gauges.taken += 1;
        gauges.mailbox_wait += queued;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// A message larger than the bound would never fit: it may enter when no other byte is inside.
    fn admits(&self, bytes: Option<u64>) -> bool {
        let Gauges { inside, bytes: held, .. } = self.gauges;
        let fits = bytes.is_none_or(|more| held == 0 || held.saturating_add(more) <= self.limits.mailbox_bytes);
        fits && inside < self.limits.permits()
    }

    fn add_bytes(&mut self, bytes: u64) {
        self.gauges.bytes += bytes;
        self.gauges.peak_bytes = self.gauges.peak_bytes.max(self.gauges.bytes);
    }
}

/// Counts one waiting sender, also when its future is dropped half-way.
struct Waiting<'a> {
    capacity: &'a Capacity,
    since: Instant,
}

impl<'a> Waiting<'a> {
    fn new(capacity: &'a Capacity) -> Self {
        capacity.lock().gauges.waiting += 1;
        Self { capacity, since: Instant::now() }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let gauges = &mut self.capacity.lock().gauges;
        gauges.waiting -= 1;
        gauges.send_wait += self.since.elapsed();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a thread to panic")]
    fn a_poisoned_lock_stops_nobody() {
        let capacity = Capacity::new(Limits { workers: 1, mailbox: 0, mailbox_bytes: 10 });
        let poison = capacity.clone();
        let panicked = std::thread::spawn(move || {
            let _guard = poison.lock();
            panic!("under the lock");
        });
        assert!(panicked.join().is_err());
        assert!(capacity.try_admit(Some(1)).expect("open"));
    }
}
