//! The ledger: the tickets of all claims that are not settled yet (W-4), and the slots that they hold (W-9).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use warmer_store::{ClaimId, Lane, SlotToken};

use crate::ending::Ending;
use crate::observer::Observer;
use crate::slots::Slot;
use crate::ticket::Ticket;

/// Written by the Claimer, read by whoever shows progress. A clone is the same ledger.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Arc<Book>);

#[derive(Debug, Default)]
struct Book {
    open: Mutex<BTreeMap<ClaimId, Open>>,
    count: watch::Sender<Count>,
    observer: Observer,
}

#[derive(Debug)]
struct Open {
    ticket: Arc<Ticket>,
    slot: Option<Slot>,
}

/// How many claims are open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Refreshes, now.
    pub refreshes: usize,
    /// Of those, the ones that hold a slot: there is something to do.
    pub heavy: usize,
    /// Fills, now.
    pub fills: usize,
    /// Of those, bulk ones.
    pub bulk: usize,
    /// The most refreshes there have been at one time.
    pub refreshes_peak: usize,
    /// The most fills.
    pub fills_peak: usize,
}

impl Count {
    /// All of them.
    #[must_use]
    pub fn open(&self) -> usize {
        self.refreshes + self.fills
    }

    /// Of these claims, after what was counted `before`.
    fn of<'a>(claims: impl Iterator<Item = &'a Open>, before: Self) -> Self {
        let mut count = Self { refreshes: 0, heavy: 0, fills: 0, bulk: 0, ..before };
        for Open { ticket, slot } in claims {
            match &ticket.claim.fill {
                None => {
                    count.refreshes += 1;
                    count.heavy += usize::from(slot.is_some());
                }
                Some(fill) => {
                    count.fills += 1;
                    count.bulk += usize::from(fill.lane == Lane::Bulk);
                }
            }
        }
        count.refreshes_peak = before.refreshes_peak.max(count.refreshes);
        count.fills_peak = before.fills_peak.max(count.fills);
        count
    }
}

impl Ledger {
    /// Empty; this observer hears what happens to slots.
    pub(crate) fn new(observer: Observer) -> Self {
        Self(Arc::new(Book { observer, ..Book::default() }))
    }

    /// All open tickets.
    pub fn tickets(&self) -> Vec<Arc<Ticket>> {
        self.with(|open| open.values().map(|open| open.ticket.clone()).collect())
    }

    /// How many are open.
    pub fn count(&self) -> Count {
        *self.0.count.borrow()
    }

    /// The ticket of a claim.
    pub(crate) fn ticket(&self, claim: ClaimId) -> Option<Arc<Ticket>> {
        self.with(|open| open.get(&claim).map(|open| open.ticket.clone()))
    }

    /// Returns when no claim is open.
    pub async fn empty(&self) {
        self.0.count.subscribe().wait_for(|count| count.open() == 0).await.expect("the sender is held by self");
    }

    /// Returns when no refresh holds a slot.
    pub(crate) async fn no_heavy_refresh(&self) {
        self.0.count.subscribe().wait_for(|count| count.heavy == 0).await.expect("the sender is held by self");
    }

    /// Ends all open jobs; their parts come home as soon as they look up.
    pub fn end_all(&self, ending: &Ending) {
        self.tickets().iter().for_each(|ticket| ticket.end(ending.clone()));
    }

    pub(crate) fn open(&self, ticket: Arc<Ticket>) {
        self.with(|open| open.insert(ticket.claim.id, Open { ticket, slot: None }));
    }

    pub(crate) fn close(&self, claim: ClaimId) {
        self.give_slot_back(claim);
        self.with(|open| open.remove(&claim));
    }

    /// Keeps a slot until the job's end. One of a claim that is not open any more goes back at once.
    pub(crate) fn hold_slot(&self, claim: ClaimId, slot: Slot) {
        let holder = self.with(|open| {
            let open = open.get_mut(&claim)?;
            open.slot = Some(slot);
            Some(open.ticket.clone())
        });
        if let Some(ticket) = holder {
            self.0.observer.slot(&ticket, true);
        }
    }

    /// Whether this claim holds one.
    pub(crate) fn has_slot(&self, claim: ClaimId) -> bool {
        self.with(|open| open.get(&claim).is_some_and(|open| open.slot.is_some()))
    }

    /// All slots, and who holds them.
    pub(crate) fn slots(&self) -> Vec<(SlotToken, Arc<Ticket>)> {
        self.with(|open| {
            let held = open.values().filter_map(|open| Some((open.slot.as_ref()?.token(), open.ticket.clone())));
            held.collect()
        })
    }

    /// The job is over, settled or not: its slot is free for others, but only after the observer has heard of it.
    pub(crate) fn give_slot_back(&self, claim: ClaimId) {
        let taken = self.with(|open| {
            let open = open.get_mut(&claim)?;
            Some((open.ticket.clone(), open.slot.take()?))
        });
        if let Some((ticket, slot)) = taken {
            self.0.observer.slot(&ticket, false);
            drop(slot);
        }
    }

    fn with<T>(&self, change: impl FnOnce(&mut BTreeMap<ClaimId, Open>) -> T) -> T {
        let mut tickets = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut tickets);
        self.0.count.send_if_modified(|count| {
            let before = *count;
            *count = Count::of(tickets.values(), before);
            *count != before
        });
        result
    }
}
