//! The bound of a stage: how many messages, and how many of their bytes, may be inside at one time (W-6).
//!
//! A gate keeps limits and sums under one lock, so a resize is two assignments: whoever waits compares again, and what is
//! inside over a smaller limit simply keeps the next one out. (A semaphore cannot take back permits that are out, and a
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
    /// Messages inside at most: one in the hands of each worker, and the mailbox.
    #[must_use]
    pub fn places(&self) -> usize {
        self.pool_size().saturating_add(self.mailbox)
    }

    pub(crate) fn pool_size(&self) -> usize {
        self.workers.max(1)
    }
}

/// The intake was closed: its stage takes nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stage is closed and takes no more messages")]
pub struct Closed;

/// What an intake shows of itself. Sums only grow; the rest is of the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Places taken: messages queued, in work or held on to, and places reserved.
    pub inside: usize,
    /// The most that `inside` has been.
    pub peak: usize,
    /// Bytes of the messages inside.
    pub bytes: u64,
    /// The most that `bytes` has been.
    pub peak_bytes: u64,
    /// Senders that wait for a place.
    pub waiting: usize,
    /// How long senders have waited for a place, in total; also those that gave up.
    pub send_wait: Duration,
    /// Messages that a worker has taken.
    pub taken: u64,
    /// How long those were queued, in total.
    pub mailbox_wait: Duration,
}

/// Senders pass one by one, in the order they came.
#[derive(Debug)]
pub(crate) struct Gate {
    inner: Mutex<Inner>,
    /// Held by the sender whose turn it is; tokio's mutex is fair, and a sender that gives up leaves the line.
    turn: tokio::sync::Mutex<()>,
    /// Wakes the one that holds the turn.
    changed: Notify,
}

#[derive(Debug)]
struct Inner {
    limits: Limits,
    closed: bool,
    gauges: Gauges,
}

impl Gate {
    pub(crate) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            inner: Mutex::new(Inner { limits, closed: false, gauges: Gauges::default() }),
            turn: tokio::sync::Mutex::new(()),
            changed: Notify::new(),
        })
    }

    /// Waits for a place; with `bytes`, also until they fit.
    pub(crate) async fn enter(self: &Arc<Self>, bytes: Option<u64>) -> Result<Held, Closed> {
        let _waiting = Waiting::new(self);
        let _turn = self.turn.lock().await;
        loop {
            if let Some(held) = self.try_enter(bytes)? {
                return Ok(held);
            }
            // `notify_one` leaves a permit when nobody waits yet, so nothing between the look and the wait is missed.
            self.changed.notified().await;
        }
    }

    /// Takes a place if there is one now, ahead of those that wait.
    pub(crate) fn try_enter(self: &Arc<Self>, bytes: Option<u64>) -> Result<Option<Held>, Closed> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(Closed);
        }
        if !inner.admits(bytes) {
            return Ok(None);
        }
        let bytes = bytes.unwrap_or(0);
        inner.gauges.inside += 1;
        inner.gauges.peak = inner.gauges.peak.max(inner.gauges.inside);
        inner.add_bytes(bytes);
        drop(inner);
        Ok(Some(Held { gate: Some(self.clone()), bytes }))
    }

    pub(crate) fn resize(&self, limits: Limits) {
        self.lock().limits = limits;
        self.changed.notify_one();
    }

    /// Waiting and later senders are refused; places already given stay valid.
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
        fits && inside < self.limits.places()
    }

    fn add_bytes(&mut self, bytes: u64) {
        self.gauges.bytes += bytes;
        self.gauges.peak_bytes = self.gauges.peak_bytes.max(self.gauges.bytes);
    }
}

/// A place in a stage. Dropping it gives the place back, so it may outlive its message: a worker that keeps it until the
/// next stage has taken the result is the backpressure.
#[must_use = "dropping a place gives it back"]
#[derive(Debug)]
pub struct Held {
    /// `None`: it came in without a place, and gives none back.
    gate: Option<Arc<Gate>>,
    bytes: u64,
}

impl Held {
    /// No place at all: what a message holds that was not counted in.
    pub fn free() -> Self {
        Self { gate: None, bytes: 0 }
    }

    /// Counts the bytes of a message that is put into a place reserved without them.
    pub(crate) fn weigh(&mut self, bytes: u64) {
        if let Some(gate) = &self.gate {
            self.bytes += bytes;
            gate.lock().add_bytes(bytes);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(gate) = &self.gate else { return };
        let mut inner = gate.lock();
        inner.gauges.inside -= 1;
        inner.gauges.bytes -= self.bytes;
        drop(inner);
        gate.changed.notify_one();
    }
}

/// Counts one waiting sender, also when its future is dropped half-way.
struct Waiting<'a> {
    gate: &'a Gate,
    since: Instant,
}

impl<'a> Waiting<'a> {
    fn new(gate: &'a Gate) -> Self {
        gate.lock().gauges.waiting += 1;
        Self { gate, since: Instant::now() }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let gauges = &mut self.gate.lock().gauges;
        gauges.waiting -= 1;
        gauges.send_wait += self.since.elapsed();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn limits(workers: usize, mailbox: usize, mailbox_bytes: u64) -> Limits {
        Limits { workers, mailbox, mailbox_bytes }
    }

    /// Every step is checked against the definition: what enters fits by count and bytes (or is alone), what does not enter does not fit.
    #[test]
    fn a_random_walk_never_admits_what_does_not_fit_nor_refuses_what_does() {
        let gate = Gate::new(limits(2, 3, 100));
        let (mut held, mut bound, mut seed) = (Vec::<Held>::new(), limits(2, 3, 100), 1_u64);
        for _ in 0..20_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let random = (seed >> 33) as usize;
            match random % 8 {
                0 => {
                    bound = limits(random / 8 % 5, random / 64 % 4, (random / 512 % 120) as u64);
                    gate.resize(bound);
                }
                1..=3 if !held.is_empty() => drop(held.swap_remove(random / 8 % held.len())),
                _ => {
                    let more = (random / 8 % 130) as u64;
                    let inside: u64 = held.iter().map(|place| place.bytes).sum();
                    let fits = held.len() < bound.places() && (inside == 0 || inside + more <= bound.mailbox_bytes);
                    let entered = gate.try_enter(Some(more)).expect("open");
                    assert_eq!(entered.is_some(), fits, "{more} bytes, {inside} in {} places, {bound:?}", held.len());
                    held.extend(entered);
                }
            }
            let (count, sum) = (held.len(), held.iter().map(|place| place.bytes).sum::<u64>());
            assert_eq!((gate.gauges().inside, gate.gauges().bytes), (count, sum));
        }
    }

    #[test]
    fn a_smaller_bound_frees_a_sender_that_waits_for_more_than_it() {
        let gate = Gate::new(limits(1, 3, 100));
        let first = gate.try_enter(Some(60)).expect("open");
        let mut second = Box::pin(gate.enter(Some(90)));
        assert!((&mut second).now_or_never().is_none());
        gate.resize(limits(1, 3, 50));
        assert!((&mut second).now_or_never().is_none());
        drop(first);
        assert!(second.now_or_never().is_some(), "90 bytes are more than 50, but alone");
    }

    #[test]
    fn a_larger_bound_lets_those_that_wait_in_one_after_the_other() {
        let gate = Gate::new(limits(1, 0, 100));
        let _first = gate.try_enter(None).expect("open");
        let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(gate.enter(None))).collect();
        assert!(waiting.iter_mut().all(|sender| sender.now_or_never().is_none()));
        gate.resize(limits(3, 0, 100));
        let entered: Vec<_> = waiting.iter_mut().map(FutureExt::now_or_never).collect();
        assert_eq!(entered.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false]);
    }

    #[test]
    fn a_message_put_into_a_reserved_place_counts_its_bytes_and_keeps_others_out() {
        let gate = Gate::new(limits(4, 0, 10));
        let mut reserved = gate.try_enter(None).expect("open").expect("empty");
        reserved.weigh(12);
        assert_eq!((gate.gauges().bytes, gate.gauges().peak_bytes), (12, 12));
        assert!(gate.try_enter(Some(1)).expect("open").is_none());
        assert!(gate.try_enter(None).expect("open").is_some(), "a place without bytes is only counted");
        drop(reserved);
        assert_eq!(gate.gauges().bytes, 0);
    }

    #[test]
    fn a_poisoned_lock_stops_nobody() {
        let gate = Gate::new(limits(1, 0, 10));
        let poison = gate.clone();
        let panicked = std::thread::spawn(move || {
            let _guard = poison.lock();
            panic!("under the lock");
        });
        assert!(panicked.join().is_err());
        assert!(gate.try_enter(Some(1)).expect("open").is_some());
    }
}
