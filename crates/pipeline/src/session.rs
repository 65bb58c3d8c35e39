//! Session: this instance's heartbeat, and its slots. It does nothing else.
//!
//! takes    a heartbeat each second, and requests for slots.
//! gives    slots; the lease, for as long as nobody else can hold its locks; names of instances that may have died.
//! keeps    the store's session, which is the lock connection where the database has one.
//! on crash the Claimer above it dies with it, and with that the line: whoever loses the locks stops working.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ractor::concurrency::JoinHandle;
use ractor::{Actor, ActorProcessingErr, ActorRef, MessagingErr};
use warmer_settings::duration;
use warmer_store::{Heartbeat, SlotToken, Store, StoreError, Takes};
use warmer_traces::names;

use crate::ending::Ending;
use crate::fatal::Fatal;
use crate::fleet::Fleet;
use crate::identity::Identity;
use crate::lease::Lease;
use crate::ledger::Ledger;
use crate::live::Live;
use crate::observer::{Event, Observer};
use crate::rescuer::Rescues;
use crate::settings::Settings;
use crate::slots::{SessionMessage, Slot};

/// How often the store hears from this instance.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(1);

/// The session of the first life, opened before the tree as soon as the instance is registered.
pub(crate) type First = Arc<Mutex<Option<Box<dyn warmer_store::Session>>>>;

/// The session actor; a clone serves its successor.
#[derive(Clone)]
pub(crate) struct Session {
    /// Where the locks are.
    pub store: Arc<dyn Store>,
    /// This process.
    pub identity: Identity,
    /// Which jobs it takes, as its row says.
    pub takes: Takes,
    /// The most jobs in flight, as its row says; slots in the cluster, unless the fleet says otherwise.
    pub settings: Live<Settings>,
    /// Who says otherwise.
    pub fleet: Fleet,
    /// Who may work.
    pub lease: Lease,
    /// Whose jobs end with their slots, or with the instance.
    pub ledger: Ledger,
    /// Who puts back the jobs of the dead.
    pub rescues: Rescues,
    /// Taken by the first life.
    pub first: First,
    /// What no heartbeat can mend.
    pub fatal: Fatal,
    /// Who hears of heartbeats.
    pub observer: Observer,
}

/// What one life of the session keeps.
#[derive(Default)]
pub(crate) struct State {
    session: Option<Box<dyn warmer_store::Session>>,
    /// Slots that went to others; a token is never given twice.
    lost: Vec<SlotToken>,
    /// Heartbeats that failed in a row, and since when.
    missed: Option<Missed>,
    /// The capacity that its row has.
    capacity: u32,
    next: Option<JoinHandle<Result<(), MessagingErr<SessionMessage>>>>,
}

#[derive(Clone, Copy)]
struct Missed {
    since: Instant,
    times: u32,
}

impl Actor for Session {
    type Msg = SessionMessage;
    type State = State;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<SessionMessage>, (): ()) -> Result<State, ActorProcessingErr> {
        let session = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut first = Duration::ZERO;
        if let Some(session) = &session {
            self.lease.extend(session.lease_until());
            first = HEARTBEAT;
        }
        let next = Some(myself.send_after(first, || SessionMessage::Heartbeat));
        Ok(State { session, next, capacity: self.settings.now().capacity(), ..State::default() })
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
                // Only now, so that they do not pile up while the database is silent. The first that fails may only
                // have found its connection ended: a process that was stopped hears at once what became of it.
                let first_failed = state.missed.is_some_and(|missed| missed.times == 1);
                let pause = if first_failed { Duration::ZERO } else { HEARTBEAT };
                state.next = Some(myself.send_after(pause, || SessionMessage::Heartbeat));
            }
            SessionMessage::Take(place, reply) => {
                let token = self.take(state).await;
                // Who no longer listens drops it, and with that gives it back.
                reply.send(token.map(|token| Slot::new(token, myself, place))).ok();
            }
            SessionMessage::Give(token) => self.give(state, token).await,
        }
        Ok(())
    }

    async fn post_stop(&self, _: ActorRef<SessionMessage>, state: &mut State) -> Result<(), ActorProcessingErr> {
        if let Some(next) = &state.next {
            next.abort();
        }
        if let Some(session) = &mut state.session {
            session.close().await;
        }
        Ok(())
    }
}

impl Session {
    /// One that fails changes nothing: the lease goes on, or ends by itself.
    async fn heartbeat(&self, state: &mut State) {
        match self.answer(state).await {
            Ok(answer) if answer.alive => {
                if let Some(missed) = state.missed.take() {
                    tracing::info!("heartbeat restored after {}", duration(missed.since.elapsed()));
                }
                self.take_in(state, answer);
                self.tell_capacity(state).await;
            }
            Ok(_) => {
                tracing::warn!(instance = %self.identity.get().0, "this instance was declared dead and registers anew");
                self.ledger.end_all(&Ending::Cancelled("this instance was declared dead".to_owned()));
                state.session = None;
                self.identity.renew();
            }
            Err(error) => self.missed(state, &error),
        }
    }

    fn missed(&self, state: &mut State, error: &StoreError) {
        let missed = state.missed.get_or_insert(Missed { since: Instant::now(), times: 0 });
        missed.times += 1;
        self.observer.tell(&Event::HeartbeatFailed);
        self.fatal.judge(error);
        if missed.times == 1 {
            tracing::warn!(%error, "heartbeat to the database failed; retrying every second");
        } else {
            tracing::debug!(%error, missed = missed.times, "heartbeat to the database failed");
        }
    }

    async fn answer(&self, state: &mut State) -> Result<Heartbeat, StoreError> {
        let session = match &mut state.session {
            Some(session) => session,
            none => none.insert(self.open().await?),
        };
        self.observer.database(names::DB_HEARTBEAT, session.heartbeat()).await
    }

    /// Makes the instance known, again or under another name, and opens its session.
    async fn open(&self) -> Result<Box<dyn warmer_store::Session>, StoreError> {
        self.register(self.settings.now().capacity()).await?;
        self.observer.database(names::DB_SESSION, self.store.session(self.identity.get())).await
    }

    async fn register(&self, capacity: u32) -> Result<(), StoreError> {
        let registered = self.store.register(self.identity.get(), capacity, env!("CARGO_PKG_VERSION"), self.takes);
        self.observer.database(names::DB_REGISTER, registered).await
    }

    /// Its row says how many jobs it has at most, also once that is another number.
    async fn tell_capacity(&self, state: &mut State) {
        let capacity = self.settings.now().capacity();
        if state.capacity != capacity {
            match self.register(capacity).await {
                Ok(()) => state.capacity = capacity,
                Err(error) => tracing::debug!(%error, "cannot tell how many jobs this instance takes"),
            }
        }
    }

    /// The store names each lost slot once, maybe before the claim is in the ledger that is to hold one.
    fn take_in(&self, state: &mut State, answer: Heartbeat) {
        state.lost.extend(answer.lost);
        if !state.lost.is_empty() {
            for (_, ticket) in self.ledger.slots().iter().filter(|(token, _)| state.lost.contains(token)) {
                ticket.end(Ending::Cancelled("its slot went to another instance".to_owned()));
            }
        }
        self.lease.extend(answer.lease_until);
        self.rescues.send(answer.suspects);
    }

    /// A slot query that fails is a miss; whoever wants one looks again.
    async fn take(&self, state: &mut State) -> Option<SlotToken> {
        if !self.lease.is_good() {
            return None;
        }
        let session = state.session.as_mut()?;
        let taken = async {
            let slots = self.slots_now(session.as_mut()).await?;
            self.observer.database(names::DB_SLOT, session.take_slot(slots)).await
        };
        match taken.await {
            Ok(token) => token,
            Err(error) => {
                tracing::warn!(%error, "cannot look for a free slot");
                None
            }
        }
    }

    /// By the database's clock: all instances are in the same window.
    async fn slots_now(&self, session: &mut dyn warmer_store::Session) -> Result<u32, StoreError> {
        if self.fleet.has_windows() {
            self.fleet.note(self.observer.database(names::DB_CLOCK, session.now()).await?);
        }
        Ok(self.fleet.slots().unwrap_or_else(|| self.settings.now().claimer.slots))
    }

    async fn give(&self, state: &mut State, token: SlotToken) {
        let Some(session) = &mut state.session else { return };
        if let Err(error) = self.observer.database(names::DB_SLOT_BACK, session.release_slot(token)).await {
            tracing::warn!(%error, "cannot give a slot back; it is free when the session ends");
        }
    }
}

#[cfg(test)]
mod tests;
