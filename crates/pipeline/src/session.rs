//! The session: this instance's sign of life, and its slots. It does nothing else.
//!
//! takes    a heartbeat each second, and requests for slots.
//! gives    slot tokens; trust, for as long as nobody else can hold its locks; names of instances that may have died.
//! keeps    the store's session, which is the lock connection where the database has one.
//! on crash the Claimer above it dies with it, and with that the line: whoever loses the locks stops working.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ractor::concurrency::JoinHandle;
use ractor::{Actor, ActorProcessingErr, ActorRef, MessagingErr, RpcReplyPort};
use tokio::sync::OwnedSemaphorePermit;
use warmer_store::{Heartbeat, SlotToken, Store, StoreError, Takes};

use crate::fatal::Fatal;
use crate::fleet::Fleet;
use crate::identity::Identity;
use crate::ledger::Ledger;
use crate::rescuer::Rescues;
use crate::slots::Slot;
use crate::ticket::Ending;
use crate::trust::Trust;

/// How often the store hears from this instance.
pub(crate) const BEAT: Duration = Duration::from_secs(1);

/// What the session actor takes.
pub(crate) enum SessionMessage {
    /// Time for a sign of life.
    Heartbeat,
    /// One slot, if one is free now, for a job that has this place.
    Take(OwnedSemaphorePermit, RpcReplyPort<Option<Slot>>),
    /// A slot is given back.
    Give(SlotToken),
}

/// The session of the first life, opened before the tree as soon as the instance is registered.
pub(crate) type First = Arc<Mutex<Option<Box<dyn warmer_store::Session>>>>;

/// The session actor; a clone serves its successor.
#[derive(Clone)]
pub(crate) struct Session {
    /// Where the locks are.
    pub store: Arc<dyn Store>,
    /// This process.
    pub identity: Identity,
    /// Its jobs in flight, as others are told.
    pub capacity: u32,
    /// Which jobs it takes, as others are told.
    pub takes: Takes,
    /// Slots in the cluster, unless the fleet says otherwise; 0 is without limit.
    pub slots: u32,
    /// Who says otherwise.
    pub fleet: Fleet,
    /// Who may work.
    pub trust: Trust,
    /// Whose jobs end with their slots, or with the instance.
    pub ledger: Ledger,
    /// Who puts back the jobs of the dead.
    pub rescues: Rescues,
    /// Taken by the first life.
    pub first: First,
    /// What no heartbeat can mend.
    pub fatal: Fatal,
}

/// What one life of the session keeps.
pub(crate) struct State {
    session: Option<Box<dyn warmer_store::Session>>,
    /// Slots that went to others; a token is never given twice.
    lost: Vec<SlotToken>,
    /// Beats that failed in a row.
    missed: u32,
    heartbeat: JoinHandle<Result<(), MessagingErr<SessionMessage>>>,
}

impl Actor for Session {
    type Msg = SessionMessage;
    type State = State;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<SessionMessage>, (): ()) -> Result<State, ActorProcessingErr> {
        let session = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut first = Duration::ZERO;
        if let Some(session) = &session {
            self.trust.extend(session.lease_until());
            first = BEAT;
        }
        Ok(State {
            session,
            lost: vec![],
            missed: 0,
            heartbeat: myself.send_after(first, || SessionMessage::Heartbeat),
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<SessionMessage>,
        message: SessionMessage,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SessionMessage::Heartbeat => {
                self.heartbeat(state).await;
                // Only now, so that they do not pile up while the database is silent. The first that fails may only have
                // found its connection ended: a process that was stopped hears at once what became of it.
                let pause = if state.missed == 1 { Duration::ZERO } else { BEAT };
                state.heartbeat = myself.send_after(pause, || SessionMessage::Heartbeat);
            }
            SessionMessage::Take(place, reply) => {
                let token = self.take(state).await;
                // Who no longer listens drops it, and with that gives it back.
                reply.send(token.map(|token| Slot::new(token, myself, place))).ok();
            }
            SessionMessage::Give(token) => give(state, token).await,
        }
        Ok(())
    }

    async fn post_stop(&self, _: ActorRef<SessionMessage>, state: &mut State) -> Result<(), ActorProcessingErr> {
        state.heartbeat.abort();
        if let Some(session) = &mut state.session {
            session.close().await;
        }
        Ok(())
    }
}

impl Session {
    /// A sign of life. One that fails changes nothing: the trust window goes on, or ends by itself.
    async fn heartbeat(&self, state: &mut State) {
        match self.heard(state).await {
            Ok(heartbeat) if heartbeat.alive => {
                if std::mem::take(&mut state.missed) > 0 {
                    tracing::info!("the session is heard again");
                }
                self.take_in(state, heartbeat);
            }
            Ok(_) => {
                tracing::warn!(instance = %self.identity.get().0, "this instance was declared dead: it begins anew");
                self.ledger.end_all(&Ending::Cancelled("this instance was declared dead".to_owned()));
                state.session = None;
                self.identity.renew();
            }
            Err(error) => {
                state.missed += 1;
                self.fatal.judge(&error);
                if state.missed == 1 {
                    tracing::warn!(%error, "no sign of life could be given; it is tried again each second");
                } else {
                    tracing::debug!(%error, missed = state.missed, "no sign of life could be given");
                }
            }
        }
    }

    async fn heard(&self, state: &mut State) -> Result<Heartbeat, StoreError> {
        let session = match &mut state.session {
            Some(session) => session,
            none => none.insert(self.open().await?),
        };
        session.heartbeat().await
    }

    /// Makes the instance known, again or under another name, and opens its session.
    async fn open(&self) -> Result<Box<dyn warmer_store::Session>, StoreError> {
        let instance = self.identity.get();
        self.store.register(instance, self.capacity, env!("CARGO_PKG_VERSION"), self.takes).await?;
        self.store.session(instance).await
    }

    /// Slots that are lost are told of once, maybe before the ticket is open that is to hold one.
    fn take_in(&self, state: &mut State, heartbeat: Heartbeat) {
        state.lost.extend(heartbeat.lost);
        for ticket in self.ledger.tickets() {
            if ticket.slot().is_some_and(|token| state.lost.contains(&token)) {
                ticket.end(Ending::Cancelled("its slot went to another instance".to_owned()));
            }
        }
        self.trust.extend(heartbeat.lease_until);
        self.rescues.send(heartbeat.suspects);
    }

    /// A slot query that fails is a miss; whoever wants one looks again.
    async fn take(&self, state: &mut State) -> Option<SlotToken> {
        if !self.trust.is_good() {
            return None;
        }
        let slots = self.fleet.slots().unwrap_or(self.slots);
        match state.session.as_mut()?.take_slot(slots).await {
            Ok(token) => token,
            Err(error) => {
                tracing::warn!(%error, "no slot could be looked for");
                None
            }
        }
    }
}

async fn give(state: &mut State, token: SlotToken) {
    let Some(session) = &mut state.session else { return };
    if let Err(error) = session.release_slot(token).await {
        tracing::warn!(%error, "a slot could not be given back; it goes with the session");
    }
}
