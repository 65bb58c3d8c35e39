//! Claiming: which job is taken next, and with which permits.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ractor::ActorRef;
use warmer_store::{Claim, ClaimFilter, StoreError};

use crate::backoff::jittered;
use crate::batch::Claimed;
use crate::claimer::{Claimer, ClaimerMessage, State, TICK};
use crate::observer::Event;
use crate::slots::{Lack, Slot};

/// How often a slot is looked for while heavy jobs are due, and up to as much more at random. Who gives one back says
/// so; who dies with one does not.
const SLOT_LOOK: Duration = Duration::from_millis(400);

impl Claimer {
    /// Takes jobs while there is room for them here, and in the Fetcher's mailbox.
    pub(crate) async fn claim(&self, myself: &ActorRef<ClaimerMessage>, state: &mut State) {
        while !self.closed.load(Ordering::Acquire) && self.may_claim() {
            if !self.lease.is_good() {
                return self.wake_after(myself, state, TICK);
            }
            let Some(permit) = state.permit.take().or_else(|| self.next.try_reserve()) else {
                return self.ask_for_permit(myself, state);
            };
            match self.claim_one(myself, state).await {
                Ok(Next::Claimed(claimed)) => {
                    // A pool that just died drops the message, and its part reports.
                    self.next.send_reserved(permit, claimed).ok();
                }
                Ok(Next::Due(due)) => {
                    state.permit = Some(permit);
                    let patience = self.patience(state, due);
                    return self.wake_after(myself, state, patience);
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot claim a job");
                    self.fatal.judge(&error);
                    state.permit = Some(permit);
                    return self.wake_after(myself, state, jittered(self.settings.poll));
                }
            }
        }
    }

    fn may_claim(&self) -> bool {
        self.ledger.count().open < self.settings.concurrency
    }

    /// Light jobs first, which need no slot; a slot is looked for only where something heavy is due. Before all of them
    /// come the jobs whose instance died: where one needs a slot, that is looked for first.
    async fn claim_one(&self, myself: &ActorRef<ClaimerMessage>, state: &mut State) -> Result<Next, StoreError> {
        let (store, instance) = (&self.tools.store, self.tools.identity.get());
        let mut filter = ClaimFilter { only: self.selection.jobs(), yields: true, ..ClaimFilter::default() };
        if let Some(claim) = store.claim(instance, &filter).await? {
            return Ok(Next::Claimed(self.open(myself, claim, None).await));
        }
        let due = store.next_due(Some(instance), &filter).await?;
        if !due.is_some_and(|due| due.is_zero()) {
            state.starvation = None;
            return Ok(Next::Due(due));
        }
        filter.yields = false;
        if state.futile.is_none_or(|until| Instant::now() >= until) {
            match self.slots.take().await {
                Ok(slot) => {
                    (state.starvation, state.futile) = (None, None);
                    let heavy = ClaimFilter { heavy: true, ..filter.clone() };
                    if let Some(claim) = store.claim(instance, &heavy).await? {
                        return Ok(Next::Claimed(self.open(myself, claim, Some(slot)).await));
                    }
                    // What is due is not for us: another took it just now, say. All are notified of a slot that goes
                    // back, us included; without a pause each would make the next (measured: 3,000 transactions a
                    // second).
                    state.futile = Some(Instant::now() + jittered(self.settings.poll));
                }
                Err(lack) => self.starve(state, lack),
            }
        }
        // Who waits for a slot that is not to be had keeps no check from its turn.
        Ok(match store.claim(instance, &filter).await? {
            Some(claim) => Next::Claimed(self.open(myself, claim, None).await),
            None => Next::Due(due),
        })
    }

    /// Waiting is no failure and has no end, but somebody should know.
    fn starve(&self, state: &mut State, lack: Lack) {
        let starvation = state.starvation.get_or_insert_default();
        let Some(waited) = starvation.overdue(self.settings.slot_wait_max) else { return };
        let waited_seconds = waited.as_secs();
        self.observer.tell(&Event::Starved);
        match lack {
            Lack::Slot => {
                let slots = self.tools.fleet.slots().unwrap_or(self.settings.slots);
                tracing::warn!(
                    slots,
                    waited_seconds,
                    "all slots are taken (claimer.slots, [[windows]]); heavy jobs are waiting"
                );
            }
            Lack::Permit => tracing::warn!(
                heavy_jobs = self.slots.capacity(),
                waited_seconds,
                "this instance runs as many heavy jobs as it may (the lesser of claimer.concurrency and \
                 fetcher.workers, less one for checks); heavy jobs are waiting"
            ),
        }
    }

    /// What a claim becomes here: a ticket in the ledger, with its first part.
    pub(crate) async fn open(&self, myself: &ActorRef<ClaimerMessage>, claim: Claim, slot: Option<Slot>) -> Claimed {
        let (span, traceparent) = self.tools.tracer.attempt(&claim);
        let id = claim.id;
        let (ticket, part) = self.tools.open(claim, span, self.reports_to(myself));
        self.ledger.open(ticket.clone());
        self.observer.began(&ticket);
        if let Some(slot) = slot {
            self.ledger.hold_slot(id, slot);
        }
        if let Some(traceparent) = traceparent
            && let Err(error) = self.tools.store.note_trace(id, &traceparent).await
        {
            tracing::warn!(%error, "cannot record the trace of the attempt");
        }
        Claimed { part }
    }

    /// How long to wait when nothing can be taken now.
    fn patience(&self, state: &State, due: Option<Duration>) -> Duration {
        if state.starvation.is_some() {
            return jittered(SLOT_LOOK);
        }
        let poll = jittered(self.settings.poll);
        // Due now, but waiting for a slot: do not spin.
        due.filter(|due| !due.is_zero()).map_or(poll, |due| due.min(poll))
    }

    fn wake_after(&self, myself: &ActorRef<ClaimerMessage>, state: &mut State, delay: Duration) {
        if let Some(earlier) = state.wake.replace(myself.send_after(delay, || ClaimerMessage::Wake)) {
            earlier.abort();
        }
    }

    fn ask_for_permit(&self, myself: &ActorRef<ClaimerMessage>, state: &mut State) {
        if std::mem::replace(&mut state.asked_for_permit, true) {
            return;
        }
        let (next, myself) = (self.next.clone(), myself.clone());
        warmer_supervision::spawn("permit of the Fetcher", async move {
            if let Ok(permit) = next.reserve().await {
                // A Claimer that is gone gives it back by dropping it.
                myself.cast(ClaimerMessage::Permit(permit)).ok();
            }
        });
    }
}

/// What a look into the queue brought.
enum Next {
    /// A job.
    Claimed(Claimed),
    /// Nothing to take now, but something is due then.
    Due(Option<Duration>),
}
