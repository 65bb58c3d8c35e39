//! Claimer: owns the claims.
//!
//! takes    wake-ups, permits of the Fetcher's mailbox, reports of tickets that came home.
//! gives    [`Claimed`], each with a permit that it had before the job was taken: it never waits on a stage.
//! keeps    the ledger of open tickets, and the session actor.
//! on crash the line dies with it; its successor gives back every row that runs under this instance.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ractor::concurrency::JoinHandle;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tracing::Instrument;
use warmer_store::{Claim, ClaimFilter, StoreError};
use warmer_supervision::{Mailbox, Permit};

use crate::batch::Claimed;
use crate::fatal::Fatal;
use crate::hints::Hints;
use crate::ledger::Ledger;
use crate::outcome::{Outcomes, Scope};
use crate::session::Session;
use crate::settings::ClaimerSettings;
use crate::settling::Settler;
use crate::slots::{Lack, Slot, Slots};
use crate::ticket::{Ending, Report, Reports};
use crate::tokens::Tokens;
use crate::tools::Tools;
use crate::trust::Trust;

/// How often the Claimer looks after its ledger: stalls, settlements that failed.
const TICK: Duration = Duration::from_secs(1);
/// How often a slot is looked for while heavy jobs are due, and up to as much more at random. Who gives one back says so;
/// who dies with one does not.
const SLOT_LOOK: Duration = Duration::from_millis(400);
/// Every so many ticks, the rows that run here are compared with the ledger (W-4: within 10 s).
const COMPARE_TICKS: u64 = 8;

/// What the Claimer takes.
pub(crate) enum ClaimerMessage {
    /// There may be something to claim.
    Wake,
    /// A permit of the Fetcher's mailbox.
    Permit(Permit<Claimed>),
    /// A job's last part came home.
    Report(Report),
    /// Another process may have put something in the queue.
    Hint,
    /// Time to look after the ledger.
    Tick,
    /// Nothing more is claimed; answered once whatever was is in the ledger.
    Close(RpcReplyPort<()>),
}

/// The Claimer's tools; a clone serves its successor.
#[derive(Clone)]
pub(crate) struct Claimer {
    /// The queue, and who opens an attempt's span.
    pub tools: Tools,
    /// The Fetcher pool.
    pub next: Mailbox<Claimed>,
    /// Open tickets.
    pub ledger: Ledger,
    /// Each life of the Claimer has one.
    pub session: Session,
    /// The way to the session.
    pub slots: Slots,
    /// Whether the locks are surely ours.
    pub trust: Trust,
    /// Which jobs are ours to take.
    pub scope: Scope,
    /// Who hears how jobs ended.
    pub outcomes: Outcomes,
    /// Limits.
    pub settings: ClaimerSettings,
    /// Nothing more is to be claimed, by this life or the next.
    pub closed: Arc<AtomicBool>,
    /// What no claim can mend.
    pub fatal: Fatal,
}

/// What one life of the Claimer keeps.
pub(crate) struct State {
    pub(crate) settler: Settler,
    permit: Option<Permit<Claimed>>,
    asked_for_permit: bool,
    ticks: u64,
    pub(crate) tokens: Tokens,
    /// Until then no slot is looked for: the last one brought no job.
    futile: Option<Instant>,
    /// Heavy jobs are due, and none was let in.
    starved: Option<Starved>,
    wake: Option<JoinHandle<Result<(), ractor::MessagingErr<ClaimerMessage>>>>,
    tick: JoinHandle<Result<(), ractor::MessagingErr<ClaimerMessage>>>,
    hints: Hints,
}

impl Actor for Claimer {
    type Msg = ClaimerMessage;
    type State = State;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<ClaimerMessage>, (): ()) -> Result<State, ActorProcessingErr> {
        let (session, _) = Actor::spawn_linked(None, self.session.clone(), (), myself.get_cell()).await?;
        self.slots.seat(session);
        for orphan in self.ledger.tickets() {
            orphan.end(Ending::Lost("the claimer died".to_owned()));
            self.ledger.close(orphan.claim.id);
        }
        myself.cast(ClaimerMessage::Wake)?;
        let tick = myself.send_after(Duration::ZERO, || ClaimerMessage::Tick);
        let settler =
            Settler::new(self.tools.clone(), self.settings.clone(), self.outcomes.clone(), self.fatal.clone());
        Ok(State {
            settler,
            permit: None,
            asked_for_permit: false,
            ticks: 0,
            tokens: Tokens::default(),
            futile: None,
            starved: None,
            wake: None,
            tick,
            hints: Hints::listen(self.tools.store.clone(), myself),
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<ClaimerMessage>,
        message: ClaimerMessage,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ClaimerMessage::Wake => self.claim(&myself, state).await,
            ClaimerMessage::Permit(permit) => {
                state.asked_for_permit = false;
                state.permit = Some(permit);
                self.claim(&myself, state).await;
            }
            ClaimerMessage::Report(report) => {
                self.settle(state, report).await;
                self.claim(&myself, state).await;
            }
            ClaimerMessage::Hint => {
                state.hints.heard();
                self.claim(&myself, state).await;
            }
            ClaimerMessage::Tick => {
                self.look_after(state).await;
                if state.ticks.is_multiple_of(COMPARE_TICKS) {
                    self.compare().await;
                    self.tools.fleet.look(self.tools.store.as_ref(), self.tools.identity.get()).await;
                    self.renew(state).await;
                }
                state.ticks += 1;
                // Only now, so that they do not pile up while the database is silent.
                state.tick = myself.send_after(TICK, || ClaimerMessage::Tick);
            }
            ClaimerMessage::Close(closed) => {
                state.permit = None;
                // A claim that the database did not acknowledge is not to end as a crash.
                self.compare().await;
                // Who asked may have given up waiting.
                closed.send(()).ok();
            }
        }
        Ok(())
    }

    async fn post_stop(&self, _: ActorRef<ClaimerMessage>, state: &mut State) -> Result<(), ActorProcessingErr> {
        state.tick.abort();
        Ok(())
    }
}

impl Claimer {
    /// Takes jobs while `claimer.concurrency` allows and permits of the Fetcher's mailbox last.
    async fn claim(&self, myself: &ActorRef<ClaimerMessage>, state: &mut State) {
        while !self.closed.load(Ordering::Acquire) && self.has_permit() {
            if !self.trust.is_good() {
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
                    tracing::warn!(%error, "no job could be claimed");
                    self.fatal.judge(&error);
                    state.permit = Some(permit);
                    return self.wake_after(myself, state, crate::backoff::jittered(self.settings.poll));
                }
            }
        }
    }

    fn has_permit(&self) -> bool {
        self.ledger.count().open < self.settings.concurrency
    }

    /// Light jobs first, which need no slot; a slot is looked for only where something heavy is due. Before all of them come
    /// the jobs whose instance died: where one needs a slot, that is looked for first.
    async fn claim_one(&self, myself: &ActorRef<ClaimerMessage>, state: &mut State) -> Result<Next, StoreError> {
        let (store, instance) = (&self.tools.store, self.tools.identity.get());
        let mut filter = ClaimFilter { only: self.scope.jobs(), heavy: false, yields: true };
        if let Some(claim) = store.claim(instance, &filter).await? {
            return Ok(Next::Claimed(self.open(myself, claim, None).await));
        }
        let due = store.next_due(Some(instance), filter.only.as_deref()).await?;
        if !due.is_some_and(|due| due.is_zero()) {
            state.starved = None;
            return Ok(Next::Due(due));
        }
        filter.yields = false;
        if state.futile.is_none_or(|until| Instant::now() >= until) {
            match self.slots.take().await {
                Ok(slot) => {
                    (state.starved, state.futile) = (None, None);
                    let heavy = ClaimFilter { heavy: true, ..filter.clone() };
                    if let Some(claim) = store.claim(instance, &heavy).await? {
                        return Ok(Next::Claimed(self.open(myself, claim, Some(slot)).await));
                    }
                    // What is due is not for us: another took it just now, say. A slot that goes back is told to all, us
                    // included; without a pause each would make the next (measured: 3,000 transactions a second).
                    state.futile = Some(Instant::now() + crate::backoff::jittered(self.settings.poll));
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
        let now = Instant::now();
        let starved = state.starved.get_or_insert(Starved { since: now, told: now });
        if starved.told.elapsed() <= self.settings.slot_wait_max {
            return;
        }
        starved.told = now;
        self.ledger.count_starved();
        let waited = Duration::from_secs(starved.since.elapsed().as_secs());
        match lack {
            Lack::Slot => {
                let slots = self.tools.fleet.slots().unwrap_or(self.settings.slots);
                tracing::warn!(
                    slots,
                    ?waited,
                    "all slots are taken (claimer.slots); the heavy jobs that are due wait on"
                );
            }
            Lack::Place => {
                let places = self.slots.places();
                tracing::warn!(
                    places,
                    ?waited,
                    "all places of this instance for heavy jobs are taken (the lesser of claimer.concurrency and \
                     fetcher.workers, less one for checks); the heavy jobs that are due wait on"
                );
            }
        }
    }

    async fn open(&self, myself: &ActorRef<ClaimerMessage>, claim: Claim, slot: Option<Slot>) -> Claimed {
        let (span, traceparent) = self.tools.tracer.attempt(&claim);
        let id = claim.id;
        let (ticket, part) = self.tools.open(claim, span, reports_to(myself));
        if let Some(slot) = slot {
            ticket.hold(slot, self.outcomes.clone());
        }
        self.ledger.open(ticket.clone());
        self.outcomes.began(&ticket);
        if let Some(traceparent) = traceparent
            && let Err(error) = self.tools.store.note_trace(id, &traceparent).await
        {
            tracing::warn!(%error, "the attempt's trace could not be noted");
        }
        Claimed { part }
    }

    /// How long to wait when nothing can be taken now.
    fn patience(&self, state: &State, due: Option<Duration>) -> Duration {
        if state.starved.is_some() {
            return crate::backoff::jittered(SLOT_LOOK);
        }
        let poll = crate::backoff::jittered(self.settings.poll);
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
                // A Claimer that is gone gives the permit back by dropping it.
                myself.cast(ClaimerMessage::Permit(permit)).ok();
            }
        });
    }

    pub(crate) async fn settle(&self, state: &mut State, report: Report) {
        let span = report.ticket.span.clone();
        if let Some(claim) = state.settler.settle(report).instrument(span).await {
            self.ledger.close(claim);
        }
    }
}

/// Heavy jobs are due, and none was let in since.
struct Starved {
    since: Instant,
    /// When that was last told, or began.
    told: Instant,
}

/// What a look into the queue brought.
enum Next {
    /// A job.
    Claimed(Claimed),
    /// Nothing to take now, but something is due then.
    Due(Option<Duration>),
}

/// A Claimer that is gone has a successor, which gives back what is in no ledger.
fn reports_to(myself: &ActorRef<ClaimerMessage>) -> Reports {
    let myself = myself.clone();
    Arc::new(move |report| drop(myself.cast(ClaimerMessage::Report(report))))
}
