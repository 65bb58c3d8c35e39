//! The slowest of many, as few as are wanted, and of what goes on without a break also the last.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Something that took a time.
pub trait Took {
    /// How long.
    fn took(&self) -> Duration;
}

/// Something that ended then.
pub trait Ended: Took {
    /// When, on the same clock as all others.
    fn ended(&self) -> Duration;
}

/// At most so many things, those that took longest, and how many there were in all.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Slowest<T> {
    kept: Vec<T>,
    most: usize,
    /// How many there were, those that are not kept included.
    pub seen: u64,
}

impl<T> Slowest<T> {
    /// Of none yet; keeps at most so many.
    pub(crate) fn of(most: usize) -> Self {
        Self { kept: vec![], most, seen: 0 }
    }

    /// In no order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.kept.iter()
    }

    /// In no order.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.kept.iter_mut()
    }
}

impl<T> Slowest<T> {
    /// How many were left out.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.seen.saturating_sub(self.kept.len() as u64)
    }
}

impl<T: Took> Slowest<T> {
    /// Whether something that took so long would be kept.
    pub(crate) fn keeps(&self, took: Duration) -> bool {
        self.kept.len() < self.most || self.kept.iter().any(|kept| kept.took() < took)
    }

    /// One more: it is kept, or counted.
    pub(crate) fn add(&mut self, one: T) {
        self.seen += 1;
        self.keep(one);
    }

    /// One that was counted before.
    pub(crate) fn keep(&mut self, one: T) {
        if self.kept.len() < self.most {
            self.kept.push(one);
        } else if let Some(least) = self.kept.iter_mut().min_by_key(|kept| kept.took())
            && least.took() < one.took()
        {
            *least = one;
        }
    }

    /// The longest first.
    pub fn sorted(&self) -> Vec<&T> {
        let mut sorted: Vec<_> = self.kept.iter().collect();
        sorted.sort_by_key(|kept| std::cmp::Reverse(kept.took()));
        sorted
    }
}

/// The slowest, and the one that ended last, however fast it was.
///
/// A batch is handed to the next stage before its own step ends. So the last step of a stage goes on from within the
/// last one of the stage before, and those that are kept leave no gap until the last of all ends.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SlowestAndLast<T> {
    slowest: Slowest<T>,
    last: Option<T>,
}

impl<T: Ended> SlowestAndLast<T> {
    /// Of none yet; keeps at most so many, and the last.
    pub(crate) fn of(most: usize) -> Self {
        Self { slowest: Slowest::of(most), last: None }
    }

    /// In no order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.slowest.iter().chain(&self.last)
    }

    /// How many were left out.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.slowest.left_out()
    }

    /// One more: it is kept, or counted.
    pub(crate) fn add(&mut self, one: T) {
        let is_last = self.last.as_ref().is_none_or(|last| last.ended() <= one.ended());
        let other = if is_last { self.last.replace(one) } else { Some(one) };
        other.into_iter().for_each(|other| self.slowest.add(other));
    }

    /// So many more, which were left out elsewhere.
    pub(crate) fn leave_out(&mut self, more: u64) {
        self.slowest.seen += more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Took for u64 {
        fn took(&self) -> Duration {
            Duration::from_secs(*self)
        }
    }

    /// From one second to another.
    impl Took for (u64, u64) {
        fn took(&self) -> Duration {
            Duration::from_secs(self.1 - self.0)
        }
    }

    impl Ended for (u64, u64) {
        fn ended(&self) -> Duration {
            Duration::from_secs(self.1)
        }
    }

    #[test]
    fn the_slowest_are_kept_and_all_are_counted() {
        let mut slowest = Slowest::of(3);
        [4, 1, 5, 2, 9, 3].into_iter().for_each(|took| slowest.add(took));
        assert_eq!((slowest.sorted(), slowest.seen), (vec![&9, &5, &4], 6));
        assert!(!slowest.keeps(Duration::from_secs(4)) && slowest.keeps(Duration::from_secs(5)));
    }

    #[test]
    fn the_last_is_kept_however_fast_it_was_and_in_whatever_order_they_come() {
        let mut kept = SlowestAndLast::of(2);
        [(0, 9), (8, 10), (19, 20), (2, 6), (3, 5)].into_iter().for_each(|one| kept.add(one));
        let mut all: Vec<_> = kept.iter().copied().collect();
        all.sort_unstable();
        assert_eq!((all, kept.left_out()), (vec![(0, 9), (2, 6), (19, 20)], 2));
    }

    #[test]
    fn what_is_kept_of_stages_that_hand_on_to_each_other_leaves_no_gap() {
        let mut stages = [(); 3].map(|()| SlowestAndLast::of(2));
        // The first stage has one step, which hands on all the time; the last batches are the fastest.
        stages[0].add((0, 100));
        for began in 0..100 {
            let took = if began < 50 { 9 } else { 3 };
            stages[1].add((began, began + took));
            stages[2].add((began + took - 1, began + 2 * took));
        }
        let mut all: Vec<_> = stages.iter().flat_map(SlowestAndLast::iter).copied().collect();
        all.sort_unstable();
        let mut until = 0;
        for (from, to) in all {
            assert!(from <= until, "nothing is known of {until} to {from}");
            until = until.max(to);
        }
        assert_eq!(until, 105);
    }
}
