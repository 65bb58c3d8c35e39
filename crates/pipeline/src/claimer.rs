//! Claimer: owns the claims.
//!
//! takes    wake-ups, permits of the first mailbox of each way, reports of tickets that came home.
//! gives    [`Claimed`] and [`Lacking`], each with a permit that it had before the job was taken: it never waits on a
//! stage.
//! keeps    the ledger of open tickets, and the session actor.
//! on crash the line dies with it; its successor gives back every row that runs under this instance.
//!
//! How a job is taken is in `claiming.rs`; what has gone on for too long is looked for in `audit.rs`.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use ractor::concurrency::JoinHandle;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tracing::Instrument;
use warmer_store::JobKind;
use warmer_supervision::{Mailbox, Permit};

use crate::batch::{Claimed, Lacking};
use crate::door::Door;
use crate::ending::Ending;
use crate::fatal::Fatal;
use crate::hold::Hold;
use crate::lease::Lease;
use crate::ledger::Ledger;
use crate::live::Live;
use crate::notifications::Notifications;
use crate::observer::Observer;
use crate::selection::Selection;
use crate::session::Session;
use crate::settings::Settings;
use crate::settler::{Settler, Unsettled};
use crate::slots::Slots;
use crate::starvation::Starvation;
use crate::ticket::{Report, Reports};
use crate::tokens::Tokens;
use crate::tools::Tools;

/// How often the Claimer looks after its ledger: stalls, settlements that failed.
pub(crate) const TICK: Duration = Duration::from_secs(1);
/// Every so many ticks, the rows that run here are compared with the ledger (W-4: within 10 s).
const COMPARE_TICKS: u64 = 8;

/// What the Claimer takes.
pub(crate) enum ClaimerMessage {
    /// There may be something to claim.
    Wake,
    /// There is room in the Fetcher's mailbox.
    RefreshPermit(Permit<Claimed>),
    /// There is room in the Filler's mailbox.
    FillPermit(Permit<Lacking>),
    /// A job's last part came home.
    Report(Report),
    /// Another process may have put something in the queue.
    Notified,
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
    pub fetcher: Mailbox<Claimed>,
    /// The Filler pool.
    pub filler: Mailbox<Lacking>,
    /// Open tickets.
    pub ledger: Ledger,
    /// Each life of the Claimer has one.
    pub session: Session,
    /// The way to the session.
    pub slots: Slots,
    /// Whether the locks are surely ours.
    pub lease: Lease,
    /// Which jobs are ours to take.
    pub selection: Selection,
    /// Who hears what happens to jobs.
    pub observer: Observer,
    /// Limits.
    pub settings: Live<Settings>,
    /// Whether fills are claimed.
    pub hold: Hold,
    /// Nothing more is to be claimed, by this life or the next.
    pub closed: Arc<AtomicBool>,
    /// What no claim can mend.
    pub fatal: Fatal,
}

/// What one life of the Claimer keeps.
pub(crate) struct State {
    pub(crate) settler: Settler,
    pub(crate) refreshes: Door<Claimed>,
    pub(crate) fills: Door<Lacking>,
    ticks: u64,
    pub(crate) tokens: Tokens,
    /// Until then no slot is looked for: the last one brought no job.
    pub(crate) futile: Option<Instant>,
    /// Until then no fill is looked for, unless something is told that may have made one.
    pub(crate) fills_look: Option<Instant>,
    /// Heavy jobs are due, and none was let in.
    pub(crate) starvation: Option<Starvation>,
    pub(crate) wake: Option<JoinHandle<Result<(), ractor::MessagingErr<ClaimerMessage>>>>,
    tick: JoinHandle<Result<(), ractor::MessagingErr<ClaimerMessage>>>,
    notifications: Notifications,
}

impl Actor for Claimer {
    type Msg = ClaimerMessage;
    type State = State;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<ClaimerMessage>, (): ()) -> Result<State, ActorProcessingErr> {
        let (session, _) = Actor::spawn_linked(None, self.session.clone(), (), myself.get_cell()).await?;
        self.slots.connect(session);
        for orphan in self.ledger.tickets() {
            orphan.end(Ending::Lost("the claimer died".to_owned()));
            self.ledger.close(orphan.claim.id);
        }
        myself.cast(ClaimerMessage::Wake)?;
        Ok(self.state(&myself))
    }

    async fn handle(
        &self,
        myself: ActorRef<ClaimerMessage>,
        message: ClaimerMessage,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ClaimerMessage::Wake => {
                state.fills_look = None;
                self.look(&myself, state).await;
            }
            ClaimerMessage::RefreshPermit(permit) => {
                state.refreshes.got(permit);
                self.claim(&myself, state).await;
            }
            ClaimerMessage::FillPermit(permit) => {
                state.fills.got(permit);
                state.fills_look = None;
                self.claim(&myself, state).await;
            }
            ClaimerMessage::Report(report) => {
                // A refresh that published nothing makes no fill.
                if report.ticket.kind() == JobKind::Fill || matches!(report.ending, Ending::Published(_)) {
                    state.fills_look = None;
                }
                self.settle(state, report.into()).await;
                self.claim(&myself, state).await;
            }
            ClaimerMessage::Notified => {
                state.notifications.heard();
                state.fills_look = None;
                self.claim(&myself, state).await;
            }
            ClaimerMessage::Tick => {
                self.look_after(state).await;
                if state.ticks.is_multiple_of(COMPARE_TICKS) {
                    self.compare().await;
                    let (store, instance) = (self.tools.store.as_ref(), self.tools.identity.get());
                    self.tools.fleet.look(store, instance, &self.observer).await;
                    self.renew(state).await;
                }
                state.ticks += 1;
                // Only now, so that they do not pile up while the database is silent.
                state.tick = myself.send_after(TICK, || ClaimerMessage::Tick);
            }
            ClaimerMessage::Close(closed) => {
                state.refreshes.let_go();
                state.fills.let_go();
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
    /// What a life begins with; the first tick comes at once.
    fn state(&self, myself: &ActorRef<ClaimerMessage>) -> State {
        let tick = myself.send_after(Duration::ZERO, || ClaimerMessage::Tick);
        let settler =
            Settler::new(self.tools.store.clone(), self.settings.clone(), self.observer.clone(), self.fatal.clone());
        let myself = myself.clone();
        let notify = move || myself.cast(ClaimerMessage::Notified).is_ok();
        State {
            settler,
            refreshes: Door::default(),
            fills: Door::default(),
            ticks: 0,
            tokens: Tokens::default(),
            futile: None,
            fills_look: None,
            starvation: None,
            wake: None,
            tick,
            notifications: Notifications::listen(self.tools.store.clone(), notify),
        }
    }

    pub(crate) async fn settle(&self, state: &mut State, unsettled: Unsettled) {
        let span = unsettled.report.ticket.span.clone();
        if let Some(claim) = state.settler.settle(unsettled).instrument(span).await {
            self.ledger.close(claim);
        }
    }

    /// Where tickets report. A Claimer that is gone has a successor, which gives back what is in no ledger.
    pub(crate) fn reports_to(&self, myself: &ActorRef<ClaimerMessage>) -> Reports {
        let (ledger, myself) = (self.ledger.clone(), myself.clone());
        Arc::new(move |report: Report| {
            // Nothing of the job runs any more: others need not wait for its slot until it is settled.
            ledger.give_slot_back(report.ticket.claim.id);
            myself.cast(ClaimerMessage::Report(report)).ok();
        })
    }
}

#[cfg(test)]
mod tests;
