//! Claimer: owns the claims.
//!
//! takes    wake-ups, places in front of the Fetcher, reports of tickets that came home.
//! gives    [`Claimed`], each into a place that was in hand before the job was taken: it never waits on a stage.
//! keeps    the ledger of open tickets, and the session actor.
//! on crash the line dies with it; its successor gives back every row that runs under this instance.

use std::sync::Arc;
use std::time::Duration;

use ractor::concurrency::JoinHandle;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tracing::Instrument;
use warmer_store::{Claim, ClaimFilter, JobId, Settlement, StoreError};
use warmer_supervision::{Intake, Place};

use crate::batch::Claimed;
use crate::ledger::Ledger;
use crate::outcome::{Outcomes, Scope};
use crate::session::{Session, Slots};
use crate::settings::ClaimerSettings;
use crate::settling::Settler;
use crate::ticket::{Ending, Part, Report, Reports, Ticket};
use crate::tools::Tools;

/// How often the Claimer looks after its ledger: stalls, settlements that failed.
const TICK: Duration = Duration::from_secs(1);
/// Every so many ticks, rows that run here but are in no ledger are given back (W-4: within 10 s).
const GIVE_BACK_TICKS: u64 = 8;

/// What the Claimer takes.
pub(crate) enum ClaimerMessage {
    /// There may be something to claim.
    Wake,
    /// A place in front of the Fetcher became free.
    Place(Place<Claimed>),
    /// A job's last part came home.
    Report(Report),
    /// Time to look after the ledger.
    Tick,
    /// Claim nothing more.
    Close,
}

/// The Claimer's tools; a clone serves its successor.
#[derive(Clone)]
pub(crate) struct Claimer {
    /// The queue, and who opens an attempt's span.
    pub tools: Tools,
    /// The Fetcher pool.
    pub next: Intake<Claimed>,
    /// Open tickets.
    pub ledger: Ledger,
    /// The way to the session.
    pub slots: Slots,
    /// Which jobs are ours to take.
    pub scope: Scope,
    /// Who hears how jobs ended.
    pub outcomes: Outcomes,
    /// Limits.
    pub settings: ClaimerSettings,
}

/// What one life of the Claimer keeps.
pub(crate) struct State {
    settler: Settler,
    place: Option<Place<Claimed>>,
    asked_for_place: bool,
    closed: bool,
    ticks: u64,
    wake: Option<JoinHandle<Result<(), ractor::MessagingErr<ClaimerMessage>>>>,
    _tick: JoinHandle<()>,
}

impl Actor for Claimer {
    type Msg = ClaimerMessage;
    type State = State;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<ClaimerMessage>, (): ()) -> Result<State, ActorProcessingErr> {
        let session =
            Session { store: self.tools.store.clone(), instance: self.tools.instance, slots: self.settings.slots };
        let (session, _) = Actor::spawn_linked(None, session, (), myself.get_cell()).await?;
        self.slots.seat(session);
        for orphan in self.ledger.tickets() {
            orphan.end(Ending::Lost("the claimer died".to_owned()));
            self.ledger.close(orphan.claim.id);
        }
        let tick = myself.send_interval(TICK, || ClaimerMessage::Tick);
        myself.cast(ClaimerMessage::Wake)?;
        myself.cast(ClaimerMessage::Tick)?;
        let settler = Settler::new(self.tools.clone(), self.settings.clone(), self.outcomes.clone());
        Ok(State { settler, place: None, asked_for_place: false, closed: false, ticks: 0, wake: None, _tick: tick })
    }

    async fn handle(
        &self,
        myself: ActorRef<ClaimerMessage>,
        message: ClaimerMessage,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ClaimerMessage::Wake => self.claim(&myself, state).await,
            ClaimerMessage::Place(place) => {
                state.asked_for_place = false;
                state.place = Some(place);
                self.claim(&myself, state).await;
            }
            ClaimerMessage::Report(report) => {
                self.settle(state, report).await;
                self.claim(&myself, state).await;
            }
            ClaimerMessage::Tick => {
                self.look_after(state).await;
                if state.ticks.is_multiple_of(GIVE_BACK_TICKS) {
                    self.give_back().await;
                }
                state.ticks += 1;
            }
            ClaimerMessage::Close => {
                state.closed = true;
                state.place = None;
            }
        }
        Ok(())
    }
}

impl Claimer {
    /// Takes jobs while permits and places last.
    async fn claim(&self, myself: &ActorRef<ClaimerMessage>, state: &mut State) {
        while !state.closed && self.has_permit() {
            let Some(place) = state.place.take().or_else(|| self.next.try_reserve()) else {
                return self.ask_for_place(myself, state);
            };
            match self.claim_one(myself).await {
                Ok(Some(claimed)) => {
                    // A pool that just died drops the message, and its part reports.
                    self.next.send_reserved(place, claimed).ok();
                }
                Ok(None) => {
                    state.place = Some(place);
                    let due = self.next_due().await;
                    return self.wake_after(myself, state, due);
                }
                Err(error) => {
                    tracing::warn!(%error, "no job could be claimed");
                    state.place = Some(place);
                    return self.wake_after(myself, state, crate::backoff::jittered(self.settings.poll));
                }
            }
        }
    }

    /// A suspect runs alone.
    fn has_permit(&self) -> bool {
        self.ledger.count().open < self.settings.concurrency
            && !self.ledger.tickets().iter().any(|ticket| ticket.claim.suspect)
    }

    async fn claim_one(&self, myself: &ActorRef<ClaimerMessage>) -> Result<Option<Claimed>, StoreError> {
        let slot = self.slots.try_take().await;
        let filter =
            ClaimFilter { only: self.scope.jobs(), heavy: slot.is_some(), idle: self.ledger.count().open == 0 };
        let Some(claim) = self.tools.store.claim(self.tools.instance, &filter).await? else { return Ok(None) };
        let (ticket, part) = self.open(myself, claim).await;
        if ticket.claim.heavy
            && let Some(slot) = slot
        {
            ticket.hold(slot);
        }
        Ok(Some(Claimed { part }))
    }

    async fn open(&self, myself: &ActorRef<ClaimerMessage>, claim: Claim) -> (Arc<Ticket>, Part) {
        let (span, traceparent) = self.tools.tracer.attempt(&claim);
        let id = claim.id;
        let (ticket, part) = Ticket::open(claim, span, reports_to(myself));
        self.ledger.open(ticket.clone());
        self.outcomes.began(&ticket);
        if let Some(traceparent) = traceparent
            && let Err(error) = self.tools.store.note_trace(id, &traceparent).await
        {
            tracing::warn!(%error, "the attempt's trace could not be noted");
        }
        (ticket, part)
    }

    async fn next_due(&self) -> Duration {
        let jobs = self.scope.jobs();
        let due = self.tools.store.next_due(jobs.as_deref()).await.ok().flatten();
        let poll = crate::backoff::jittered(self.settings.poll);
        // Due now, but waiting for a slot or for a moment alone: do not spin.
        due.filter(|due| !due.is_zero()).map_or(poll, |due| due.min(poll))
    }

    fn wake_after(&self, myself: &ActorRef<ClaimerMessage>, state: &mut State, delay: Duration) {
        if let Some(earlier) = state.wake.replace(myself.send_after(delay, || ClaimerMessage::Wake)) {
            earlier.abort();
        }
    }

    fn ask_for_place(&self, myself: &ActorRef<ClaimerMessage>, state: &mut State) {
        if std::mem::replace(&mut state.asked_for_place, true) {
            return;
        }
        let (next, myself) = (self.next.clone(), myself.clone());
        tokio::spawn(async move {
            if let Ok(place) = next.reserve().await {
                // A Claimer that is gone gives the place back by dropping it.
                myself.cast(ClaimerMessage::Place(place)).ok();
            }
        });
    }

    async fn settle(&self, state: &mut State, report: Report) {
        let span = report.ticket.span.clone();
        if let Some(claim) = state.settler.settle(report).instrument(span).await {
            self.ledger.close(claim);
        }
    }

    /// Stalled jobs are ended, settlements that failed are tried again.
    async fn look_after(&self, state: &mut State) {
        for ticket in self.ledger.tickets() {
            if ticket.idle() > self.settings.stall && !ticket.is_over() {
                ticket.end(Ending::Lost(format!("nothing of the job finished for {:?}", self.settings.stall)));
            }
        }
        for report in state.settler.unsettled() {
            self.settle(state, report).await;
        }
    }

    /// A claim whose acknowledgement was lost, or of a Claimer that died, runs under this instance but in no ledger.
    async fn give_back(&self) {
        let running = match self.tools.store.running(self.tools.instance).await {
            Ok(running) => running,
            Err(error) => return tracing::warn!(%error, "the running rows could not be compared with the ledger"),
        };
        for warmer_store::Running { job: JobId(job), claim, .. } in running {
            if self.ledger.has(claim) {
                continue;
            }
            match self.tools.store.settle(claim, Settlement::Return).await {
                Ok(_) => tracing::info!(job.id = job, "gave back a job that was in no ledger"),
                Err(error) => tracing::warn!(job.id = job, %error, "a job in no ledger could not be given back"),
            }
        }
    }
}

/// A Claimer that is gone has a successor, which gives back what is in no ledger.
fn reports_to(myself: &ActorRef<ClaimerMessage>) -> Reports {
    let myself = myself.clone();
    Arc::new(move |report| drop(myself.cast(ClaimerMessage::Report(report))))
}
