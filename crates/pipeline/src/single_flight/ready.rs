//! The texts that wait for a worker, in the order in which they are taken.

use std::collections::VecDeque;

use warmer_content::TextKey;
use warmer_store::{ClaimId, Lane};

/// The texts that no worker has taken: what was just published goes before the bulk, and in each the jobs have turns,
/// so that one text of a push does not wait for the thousands of another.
#[derive(Debug, Default)]
pub(super) struct Ready {
    first: VecDeque<TextKey>,
    new: Turns,
    bulk: Turns,
}

impl Ready {
    /// Behind the texts of this job that wait already.
    pub(super) fn push_back(&mut self, (lane, job): (Lane, ClaimId), key: TextKey) {
        match lane {
            Lane::New => &mut self.new,
            Lane::Bulk => &mut self.bulk,
        }
        .push_back(job, key);
    }

    /// The next one.
    pub(super) fn pop(&mut self) -> Option<TextKey> {
        self.first.pop_front().or_else(|| self.new.pop()).or_else(|| self.bulk.pop())
    }

    /// Before all others.
    pub(super) fn push_front(&mut self, key: TextKey) {
        self.first.push_front(key);
    }
}

/// What waits, by jobs, of which the first has the next turn; none is without a text.
#[derive(Debug, Default)]
struct Turns(VecDeque<(ClaimId, VecDeque<TextKey>)>);

impl Turns {
    fn push_back(&mut self, job: ClaimId, key: TextKey) {
        match self.0.iter_mut().find(|(of, _)| *of == job) {
            Some((_, waiting)) => waiting.push_back(key),
            None => self.0.push_back((job, [key].into())),
        }
    }

    fn pop(&mut self) -> Option<TextKey> {
        let (job, mut waiting) = self.0.pop_front()?;
        let key = waiting.pop_front();
        if !waiting.is_empty() {
            self.0.push_back((job, waiting));
        }
        key
    }
}
