//! The way to the session actor, which gives slots: permits for heavy work, one of N in the cluster.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use ractor::{ActorRef, RpcReplyPort};
use uuid::Uuid;
use warmer_store::SlotToken;

use crate::places::{Place, Places};

/// How long a request may wait for the session actor, which answers within one statement for each slot.
const ANSWER: Duration = Duration::from_secs(10);

/// What the session actor takes.
pub(crate) enum SessionMessage {
    /// Time for a heartbeat.
    Heartbeat,
    /// One slot, if one is free now, for a job that has this place.
    Take(Place, RpcReplyPort<Option<Slot>>),
    /// A slot is given back.
    Give(SlotToken),
}

/// The way to the session actor of the moment. A clone is the same way.
#[derive(Clone)]
pub(crate) struct Slots {
    session: Arc<RwLock<Option<ActorRef<SessionMessage>>>>,
    /// One for each heavy job that this process may have.
    places: Places,
    /// What heavy jobs that are due wait for.
    short: Arc<Mutex<Option<Lack>>>,
}

/// A slot that is taken; dropping it gives it back, also where nobody reads the answer that carries it.
pub(crate) struct Slot {
    token: SlotToken,
    /// Whom to give it back to, and the place it was asked for with; `None`: it is the parent's.
    own: Option<(ActorRef<SessionMessage>, Place)>,
}

impl Slot {
    /// One that this session has taken, for the place it was asked for with.
    pub(crate) fn new(token: SlotToken, session: ActorRef<SessionMessage>, place: Place) -> Self {
        Self { token, own: Some((session, place)) }
    }

    /// In a child process: the parent holds it, and the job has it for as long as that wants.
    pub(crate) fn of_parent() -> Self {
        Self { token: SlotToken(Uuid::new_v4()), own: None }
    }

    /// What it is in the database.
    pub(crate) fn token(&self) -> SlotToken {
        self.token
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Slot").field(&self.token).finish()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some((session, _)) = &self.own {
            // A session that is gone has lost the slot already.
            session.cast(SessionMessage::Give(self.token)).ok();
        }
    }
}

/// What keeps a job from heavy work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lack {
    /// This process has as many heavy jobs as it may.
    Permit,
    /// All slots in all instances together are taken, or the session does not answer.
    Slot,
}

impl Slots {
    /// For a process that may have so many jobs: slow warms never take the last permit from the checks.
    pub(crate) fn new(jobs: usize) -> Self {
        Self { session: Arc::default(), places: Places::new(heavy(jobs)), short: Arc::default() }
    }

    /// Heavy jobs are due, and this is what none could be let in for; `None`: they are let in.
    pub(crate) fn tell(&self, lack: Option<Lack>) {
        *self.short.lock().unwrap_or_else(PoisonError::into_inner) = lack;
    }

    /// What heavy jobs that are due wait for.
    pub(crate) fn short_of(&self) -> Option<&'static str> {
        let lack = *self.short.lock().unwrap_or_else(PoisonError::into_inner);
        lack.map(|lack| match lack {
            Lack::Slot => "slots",
            Lack::Permit => "permits",
        })
    }

    /// From now on it may have so many jobs.
    pub(crate) fn set_jobs(&self, jobs: usize) {
        self.places.set(heavy(jobs));
    }

    /// Heavy jobs that this process may have at the same time.
    pub(crate) fn capacity(&self) -> usize {
        self.places.most()
    }

    /// From now on this session is asked.
    pub(crate) fn connect(&self, session: ActorRef<SessionMessage>) {
        *self.session.write().unwrap_or_else(PoisonError::into_inner) = Some(session);
    }

    /// One slot, if one is free now.
    pub(crate) async fn try_take(&self) -> Option<Slot> {
        self.take().await.ok()
    }

    /// One slot, or what there is none for.
    pub(crate) async fn take(&self) -> Result<Slot, Lack> {
        let place = self.places.try_take().ok_or(Lack::Permit)?;
        let session = self.session.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(Lack::Slot)?;
        let taken = ractor::call_t!(session, SessionMessage::Take, ANSWER.as_millis() as u64, place);
        taken.ok().flatten().ok_or(Lack::Slot)
    }
}

/// Of so many jobs one is left to checks.
fn heavy(jobs: usize) -> usize {
    jobs.saturating_sub(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::heard;
    use futures::poll;
    use tokio::sync::mpsc::UnboundedReceiver;

    async fn next(heard: &mut UnboundedReceiver<SessionMessage>) -> SessionMessage {
        let next = tokio::time::timeout(Duration::from_secs(20), heard.recv()).await;
        next.expect("it hears something").expect("it lives")
    }

    /// The session gives a slot to whoever asks next.
    async fn give(session: &ActorRef<SessionMessage>, heard: &mut UnboundedReceiver<SessionMessage>) -> SlotToken {
        let SessionMessage::Take(place, reply) = next(heard).await else { panic!("one is asked for") };
        let token = SlotToken(Uuid::new_v4());
        reply.send(Some(Slot::new(token, session.clone(), place))).ok();
        token
    }

    async fn got_back(heard: &mut UnboundedReceiver<SessionMessage>) -> SlotToken {
        let SessionMessage::Give(token) = next(heard).await else { panic!("one comes back") };
        token
    }

    #[tokio::test]
    async fn a_slot_comes_back_when_it_is_dropped_and_when_nobody_reads_that_it_was_taken() {
        let (session, mut heard) = heard().await;
        let slots = Slots::new(2);
        slots.connect(session.clone());

        let (slot, token) = tokio::join!(slots.try_take(), give(&session, &mut heard));
        assert_eq!(slots.take().await.err(), Some(Lack::Permit), "the last job is a check");
        drop(slot.expect("one was given"));
        assert_eq!(got_back(&mut heard).await, token);

        let mut asking = Box::pin(slots.try_take());
        assert!(poll!(&mut asking).is_pending());
        let token = give(&session, &mut heard).await;
        drop(asking);
        assert_eq!(got_back(&mut heard).await, token);
        let (again, _) = tokio::join!(slots.try_take(), give(&session, &mut heard));
        assert!(again.is_some(), "its permit is free too");
        session.stop(None);
    }
}
