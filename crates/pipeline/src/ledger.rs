//! The ledger: the tickets of all claims that are not settled yet (W-4).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use warmer_store::ClaimId;

use crate::tally::Counter;
use crate::ticket::{Ending, Ticket};

/// Written by the Claimer, read by whoever shows progress. A clone is the same ledger.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Arc<Book>);

#[derive(Debug, Default)]
struct Book {
    tickets: Mutex<BTreeMap<ClaimId, Arc<Ticket>>>,
    count: watch::Sender<Count>,
    starved: Counter,
}

/// How many claims are open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Now.
    pub open: usize,
    /// The most there have been at one time.
    pub peak: usize,
}

impl Ledger {
    /// All open tickets.
    pub fn tickets(&self) -> Vec<Arc<Ticket>> {
        self.with(|tickets| tickets.values().cloned().collect())
    }

    /// How many are open.
    pub fn count(&self) -> Count {
        *self.0.count.borrow()
    }

    /// The ticket of a claim.
    pub(crate) fn ticket(&self, claim: ClaimId) -> Option<Arc<Ticket>> {
        self.with(|tickets| tickets.get(&claim).cloned())
    }

    /// Heavy jobs waited longer for a slot than they should.
    pub(crate) fn count_starved(&self) {
        self.0.starved.add(1);
    }

    /// How often heavy jobs have waited longer for a slot than they should.
    pub fn starved(&self) -> u64 {
        self.0.starved.get()
    }

    /// Returns when no claim is open.
    pub async fn empty(&self) {
        self.0.count.subscribe().wait_for(|count| count.open == 0).await.expect("the sender is held by self");
    }

    /// Ends all open jobs; their parts come home as soon as they look up.
    pub fn end_all(&self, ending: &Ending) {
        self.tickets().iter().for_each(|ticket| ticket.end(ending.clone()));
    }

    pub(crate) fn open(&self, ticket: Arc<Ticket>) {
        self.with(|tickets| tickets.insert(ticket.claim.id, ticket));
    }

    pub(crate) fn close(&self, claim: ClaimId) {
        self.with(|tickets| tickets.remove(&claim));
    }

    fn with<T>(&self, change: impl FnOnce(&mut BTreeMap<ClaimId, Arc<Ticket>>) -> T) -> T {
        let mut tickets = self.0.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut tickets);
        let open = tickets.len();
        self.0.count.send_if_modified(|count| {
            let before = *count;
            *count = Count { open, peak: count.peak.max(open) };
            *count != before
        });
        result
    }
}
