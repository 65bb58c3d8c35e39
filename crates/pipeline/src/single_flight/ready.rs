//! The texts that wait for a worker, in the order in which they are taken.

use std::collections::VecDeque;

use warmer_content::TextKey;
use warmer_store::Lane;

/// The texts that no worker has taken: what was just published goes before the bulk.
#[derive(Debug, Default)]
pub(super) struct Ready {
    new: VecDeque<TextKey>,
    bulk: VecDeque<TextKey>,
}

impl Ready {
    /// Where texts of this lane wait.
    pub(super) fn of(&mut self, lane: Lane) -> &mut VecDeque<TextKey> {
        match lane {
            Lane::New => &mut self.new,
            Lane::Bulk => &mut self.bulk,
        }
    }

    /// The next one.
    pub(super) fn pop(&mut self) -> Option<TextKey> {
        self.new.pop_front().or_else(|| self.bulk.pop_front())
    }

    /// Before all others.
    pub(super) fn push_front(&mut self, key: TextKey) {
        self.new.push_front(key);
    }
}
