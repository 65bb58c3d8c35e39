//! The right to one message inside a stage.

use std::marker::PhantomData;
use std::sync::Arc;

use crate::Closed;
use crate::capacity::Capacity;

/// Room in a stage for one message of type `M`. Dropping it gives the room back, so it may outlive its message: a
/// worker that
/// keeps it until the next stage has taken the result makes the stages before it wait.
#[must_use = "dropping a permit gives it back"]
#[derive(Debug)]
pub struct Permit<M> {
    /// `None`: its message came in uncounted, and nothing is given back.
    capacity: Option<Arc<Capacity>>,
    bytes: u64,
    /// Its message is in the pool's queue.
    queued: bool,
    message: PhantomData<fn(M)>,
}

impl<M> Permit<M> {
    /// For a message that is not counted.
    pub fn free() -> Self {
        Self { capacity: None, bytes: 0, queued: false, message: PhantomData }
    }

    /// Waits for room for a message; with `bytes`, also until they fit.
    pub(crate) async fn acquire(capacity: &Arc<Capacity>, bytes: Option<u64>) -> Result<Self, Closed> {
        capacity.admit(bytes).await?;
        Ok(Self::of(capacity, bytes))
    }

    /// A permit if there is room now, ahead of the senders that wait.
    pub(crate) fn try_acquire(capacity: &Arc<Capacity>, bytes: Option<u64>) -> Result<Option<Self>, Closed> {
        Ok(capacity.try_admit(bytes)?.then(|| Self::of(capacity, bytes)))
    }

    fn of(capacity: &Arc<Capacity>, bytes: Option<u64>) -> Self {
        Self { capacity: Some(capacity.clone()), bytes: bytes.unwrap_or(0), queued: false, message: PhantomData }
    }

    /// Counts the bytes of a message for which it was reserved without them.
    pub(crate) fn add_bytes(&mut self, bytes: u64) {
        if let Some(capacity) = &self.capacity {
            self.bytes += bytes;
            capacity.add_bytes(bytes);
        }
    }
}

impl<M> Permit<M> {
    /// Its message goes to the pool.
    pub(crate) fn queue(&mut self) {
        if let Some(capacity) = &self.capacity
            && !std::mem::replace(&mut self.queued, true)
        {
            capacity.queued();
        }
    }

    /// Its message is taken.
    pub(crate) fn unqueue(&mut self) {
        if let Some(capacity) = &self.capacity
            && std::mem::take(&mut self.queued)
        {
            capacity.unqueued();
        }
    }
}

impl<M> Drop for Permit<M> {
    fn drop(&mut self) {
        self.unqueue();
        if let Some(capacity) = &self.capacity {
            capacity.release(self.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::Limits;

    type Permit = super::Permit<()>;

    fn limits(workers: usize, mailbox: usize, mailbox_bytes: u64) -> Limits {
        Limits { workers, mailbox, mailbox_bytes }
    }

    /// Every step is checked against the definition: what enters fits by count and bytes (or is alone), what does not
    /// enter does not fit.
    #[test]
    fn a_random_walk_never_admits_what_does_not_fit_nor_refuses_what_does() {
        let capacity = Capacity::new(limits(2, 3, 100));
        let (mut held, mut bound, mut seed) = (Vec::<Permit>::new(), limits(2, 3, 100), 1_u64);
        for _ in 0..20_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let random = (seed >> 33) as usize;
            match random % 8 {
                0 => {
                    bound = limits(random / 8 % 5, random / 64 % 4, (random / 512 % 120) as u64);
                    capacity.resize(bound);
                }
                1..=3 if !held.is_empty() => drop(held.swap_remove(random / 8 % held.len())),
                _ => {
                    let more = (random / 8 % 130) as u64;
                    let inside: u64 = held.iter().map(|permit| permit.bytes).sum();
                    let fits = held.len() < bound.permits() && (inside == 0 || inside + more <= bound.mailbox_bytes);
                    let entered = Permit::try_acquire(&capacity, Some(more)).expect("open");
                    assert_eq!(entered.is_some(), fits, "{more} bytes, {inside} in {} permits, {bound:?}", held.len());
                    held.extend(entered);
                }
            }
            let (count, sum) = (held.len(), held.iter().map(|permit| permit.bytes).sum::<u64>());
            assert_eq!((capacity.gauges().inside, capacity.gauges().bytes), (count, sum));
        }
    }

    #[test]
    fn a_smaller_bound_frees_a_sender_that_waits_for_more_than_it() {
        let capacity = Capacity::new(limits(1, 3, 100));
        let first = Permit::try_acquire(&capacity, Some(60)).expect("open");
        let mut second = Box::pin(Permit::acquire(&capacity, Some(90)));
        assert!((&mut second).now_or_never().is_none());
        capacity.resize(limits(1, 3, 50));
        assert!((&mut second).now_or_never().is_none());
        drop(first);
        assert!(second.now_or_never().is_some(), "90 bytes are more than 50, but alone");
    }

    #[test]
    fn a_larger_bound_lets_those_that_wait_in_one_after_the_other() {
        let capacity = Capacity::new(limits(1, 0, 100));
        let _first = Permit::try_acquire(&capacity, None).expect("open");
        let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(Permit::acquire(&capacity, None))).collect();
        assert!(waiting.iter_mut().all(|sender| sender.now_or_never().is_none()));
        capacity.resize(limits(3, 0, 100));
        let entered: Vec<_> = waiting.iter_mut().map(FutureExt::now_or_never).collect();
        assert_eq!(entered.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false]);
    }

    #[test]
    fn a_message_sent_with_a_reserved_permit_counts_its_bytes_and_keeps_others_out() {
        let capacity = Capacity::new(limits(4, 0, 10));
        let mut reserved = Permit::try_acquire(&capacity, None).expect("open").expect("empty");
        reserved.add_bytes(12);
        assert_eq!((capacity.gauges().bytes, capacity.gauges().peak_bytes), (12, 12));
        assert!(Permit::try_acquire(&capacity, Some(1)).expect("open").is_none());
        assert!(
            Permit::try_acquire(&capacity, None).expect("open").is_some(),
            "a permit without bytes is only counted"
        );
        drop(reserved);
        assert_eq!(capacity.gauges().bytes, 0);
    }
}
