//! The slowest of many, as few as are wanted.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Something that took a time.
pub trait Took {
    /// How long.
    fn took(&self) -> Duration;
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

#[cfg(test)]
mod tests {
    use super::*;

    impl Took for u64 {
        fn took(&self) -> Duration {
            Duration::from_secs(*self)
        }
    }

    #[test]
    fn the_slowest_are_kept_and_all_are_counted() {
        let mut slowest = Slowest::of(3);
        [4, 1, 5, 2, 9, 3].into_iter().for_each(|took| slowest.add(took));
        assert_eq!((slowest.sorted(), slowest.seen), (vec![&9, &5, &4], 6));
        assert!(!slowest.keeps(Duration::from_secs(4)) && slowest.keeps(Duration::from_secs(5)));
    }
}
