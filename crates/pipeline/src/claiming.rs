//! Claiming: which job is taken next, and with which permits.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ractor::ActorRef;
use warmer_store::{Claim, ClaimFilter, JobKind, StoreError};
use warmer_traces::names;

use crate::backoff::jittered;
use crate::batch::{Claimed, Lacking};
use crate::claimer::{Claimer, ClaimerMessage, State, TICK};
use crate::observer::Event;
use crate::part::Part;
use crate::slots::{Lack, Slot};

/// How often a slot is looked for while heavy jobs are due, and up to as much more at random. Who gives one back says
/// so; who dies with one does not.
const SLOT_LOOK: Duration = Duration::from_millis(400);

impl Claimer {
    /// What a timer begins: an instance without work asks its database one question for both kinds, each
    /// `claimer.poll`, where two claims and two questions would find nothing.
    pub(crate) async fn look(&self, myself: &ActorRef<ClaimerMessage>, state: &mut State) {
        if self.is_open() && self.lease.is_good() && state.starvation.is_none() {
            let (store, instance) = (&self.tools.store, self.tools.identity.get());
            let only = self.selection.jobs();
            let takes_fills = self.tools.provider.missing().is_none() && self.hold.now().is_none();
            let embedding = takes_fills.then_some(self.tools.recipe.embedding);
            let due = store.next_due_of_all(instance, only.as_deref(), embedding);
            match self.observer.database(names::DB_DUE, due).await {
                Ok(due) if due.is_none_or(|due| !due.is_zero()) => {
                    return self.wake_after(myself, state, soon(due, self.poll()));
                }
                // What is due is taken as ever; what is wrong shows there, too.
                Ok(_) | Err(_) => {}
            }
        }
        self.claim(myself, state).await;
    }

    /// Takes jobs while there is room for them here, and in the first mailbox of their way. Each kind has permits of
    /// its own: fills keep no refresh from its turn.
    pub(crate) async fn claim(&self, myself: &ActorRef<ClaimerMessage>, state: &mut State) {
        let refreshes = self.claim_refreshes(myself, state).await;
        let now = Instant::now();
        let fills = match state.fills_look.filter(|look| *look > now) {
            // Each check that ends brings us here; two statements more for each would find nothing.
            Some(look) => Some(look.saturating_duration_since(now)),
            None => self.claim_fills(myself, state).await,
        };
        state.fills_look = fills.map(|delay| now + delay);
        if let Some(delay) = refreshes.into_iter().chain(fills).min() {
            self.wake_after(myself, state, delay);
        }
    }

    /// Until when to wait with the next look; `None`: something else will wake the Claimer.
    async fn claim_refreshes(&self, myself: &ActorRef<ClaimerMessage>, state: &mut State) -> Option<Duration> {
        while self.is_open() && self.ledger.count().refreshes < self.settings.now().claimer.concurrency {
            if !self.lease.is_good() {
                return Some(TICK);
            }
            let permit = state.refreshes.take(&self.fetcher, myself, ClaimerMessage::RefreshPermit)?;
            match self.claim_refresh(myself, state).await {
                Ok(Next::Claimed(part)) => {
                    // A pool that just died drops the message, and its part reports.
                    self.fetcher.send_reserved(permit, Claimed { part }).ok();
                }
                Ok(Next::Due(due)) => {
                    state.refreshes.keep(permit);
                    return Some(self.patience(state, due));
                }
                Err(error) => {
                    state.refreshes.keep(permit);
                    return Some(self.failed(&error));
                }
            }
        }
        None
    }

    /// The same for fills. Who has no model, or whose provider cannot embed for now, leaves all to others.
    async fn claim_fills(&self, myself: &ActorRef<ClaimerMessage>, state: &mut State) -> Option<Duration> {
        if self.tools.provider.missing().is_some() {
            return None;
        }
        if let Some(held) = self.hold.now() {
            return Some(held.left);
        }
        while self.is_open() && self.ledger.count().fills < self.settings.now().fill.concurrency {
            if !self.lease.is_good() {
                return Some(TICK);
            }
            let permit = state.fills.take(&self.filler, myself, ClaimerMessage::FillPermit)?;
            match self.claim_fill(myself).await {
                Ok(Next::Claimed(part)) => {
                    self.filler.send_reserved(permit, Lacking { part }).ok();
                }
                Ok(Next::Due(due)) => {
                    state.fills.keep(permit);
                    return Some(soon(due, self.poll()));
                }
                Err(error) => {
                    state.fills.keep(permit);
                    return Some(self.failed(&error));
                }
            }
        }
        None
    }

    fn is_open(&self) -> bool {
        !self.closed.load(Ordering::Acquire)
    }

    fn failed(&self, error: &StoreError) -> Duration {
        tracing::warn!(%error, "cannot claim a job");
        self.fatal.judge(error);
        self.poll()
    }

    /// How long to wait where nothing else wakes the Claimer.
    fn poll(&self) -> Duration {
        jittered(self.settings.now().claimer.poll)
    }

    /// Of the embedding that this instance makes. The last permit is never given to bulk.
    async fn claim_fill(&self, myself: &ActorRef<ClaimerMessage>) -> Result<Next, StoreError> {
        let bulk_is_full = self.ledger.count().bulk + 1 >= self.settings.now().fill.concurrency.max(2);
        let filter = ClaimFilter {
            only: self.selection.jobs(),
            kind: JobKind::Fill,
            embedding: Some(self.tools.recipe.embedding),
            new_only: bulk_is_full,
            ..ClaimFilter::default()
        };
        Ok(match self.take(&filter).await? {
            Some(claim) => Next::Claimed(self.open(myself, claim, None).await),
            None => Next::Due(self.next_due(&filter).await?),
        })
    }

    /// Light jobs first, which need no slot; a slot is looked for only where something heavy is due. Before all of them
    /// come the jobs whose instance died: where one needs a slot, that is looked for first.
    async fn claim_refresh(&self, myself: &ActorRef<ClaimerMessage>, state: &mut State) -> Result<Next, StoreError> {
        let mut filter = ClaimFilter { only: self.selection.jobs(), yields: true, ..ClaimFilter::default() };
        if let Some(claim) = self.take(&filter).await? {
            return Ok(Next::Claimed(self.open(myself, claim, None).await));
        }
        let due = self.next_due(&filter).await?;
        if !due.is_some_and(|due| due.is_zero()) {
            state.starvation = None;
            self.slots.tell(None);
            return Ok(Next::Due(due));
        }
        filter.yields = false;
        if state.futile.is_none_or(|until| Instant::now() >= until) {
            match self.slots.take().await {
                Ok(slot) => {
                    (state.starvation, state.futile) = (None, None);
                    self.slots.tell(None);
                    let heavy = ClaimFilter { heavy: true, ..filter.clone() };
                    if let Some(claim) = self.take(&heavy).await? {
                        return Ok(Next::Claimed(self.open(myself, claim, Some(slot)).await));
                    }
                    // What is due is not for us: another took it just now, say. All are notified of a slot that goes
                    // back, us included; without a pause each would make the next (measured: 3,000 transactions a
                    // second).
                    state.futile = Some(Instant::now() + self.poll());
                }
                Err(lack) => self.starve(state, lack),
            }
        }
        // Who waits for a slot that is not to be had keeps no check from its turn.
        Ok(match self.take(&filter).await? {
            Some(claim) => Next::Claimed(self.open(myself, claim, None).await),
            None => Next::Due(due),
        })
    }

    async fn take(&self, filter: &ClaimFilter) -> Result<Option<Claim>, StoreError> {
        let claim = self.tools.store.claim(self.tools.identity.get(), filter);
        self.observer.database(names::DB_CLAIM, claim).await
    }

    async fn next_due(&self, filter: &ClaimFilter) -> Result<Option<Duration>, StoreError> {
        let due = self.tools.store.next_due(Some(self.tools.identity.get()), filter);
        self.observer.database(names::DB_DUE, due).await
    }

    /// Waiting is no failure and has no end, but somebody should know.
    fn starve(&self, state: &mut State, lack: Lack) {
        self.slots.tell(Some(lack));
        let starvation = state.starvation.get_or_insert_default();
        let Some(waited) = starvation.overdue(self.settings.now().claimer.slot_wait_max) else { return };
        let waited_seconds = waited.as_secs();
        self.observer.tell(&Event::Starved);
        match lack {
            Lack::Slot => {
                let slots = self.tools.fleet.slots().unwrap_or_else(|| self.settings.now().claimer.slots);
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
    pub(crate) async fn open(&self, myself: &ActorRef<ClaimerMessage>, claim: Claim, slot: Option<Slot>) -> Part {
        let (span, traceparent) = self.tools.tracer.attempt(&claim);
        let id = claim.id;
        let (ticket, part) = self.tools.open(claim, span, self.reports_to(myself));
        self.ledger.open(ticket.clone());
        self.observer.began(&ticket);
        if let Some(slot) = slot {
            self.ledger.hold_slot(id, slot);
        }
        if let Some(traceparent) = traceparent {
            let noted = self.tools.store.note_trace(id, &traceparent);
            if let Err(error) = self.observer.database_of(&ticket, names::DB_NOTE_TRACE, noted).await {
                tracing::warn!(%error, "cannot record the trace of the attempt");
            }
        }
        part
    }

    /// How long to wait when nothing can be taken now.
    fn patience(&self, state: &State, due: Option<Duration>) -> Duration {
        if state.starvation.is_some() {
            return jittered(SLOT_LOOK);
        }
        soon(due, self.poll())
    }

    fn wake_after(&self, myself: &ActorRef<ClaimerMessage>, state: &mut State, delay: Duration) {
        if let Some(earlier) = state.wake.replace(myself.send_after(delay, || ClaimerMessage::Wake)) {
            earlier.abort();
        }
    }
}

/// Due now, but for others, or waiting for a slot: do not spin.
fn soon(due: Option<Duration>, poll: Duration) -> Duration {
    due.filter(|due| !due.is_zero()).map_or(poll, |due| due.min(poll))
}

/// What a look into the queue brought.
enum Next {
    /// A job, with its first part.
    Claimed(Part),
    /// Nothing to take now, but something is due then.
    Due(Option<Duration>),
}
