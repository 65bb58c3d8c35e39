//! The way to the session's slots: permits for heavy work, one of N in the cluster.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use ractor::ActorRef;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;
use warmer_store::SlotToken;

use crate::session::SessionMessage;

/// How long a request may wait for the session actor, which answers within one statement for each slot.
const ANSWER: Duration = Duration::from_secs(10);

/// The way to the session actor of the moment. A clone is the same way.
#[derive(Clone)]
pub(crate) struct Slots {
    session: Arc<RwLock<Option<ActorRef<SessionMessage>>>>,
    /// Heavy jobs of this process: all its places but one, which is for checks.
    places: Arc<Semaphore>,
    /// How many those are.
    heavy: usize,
}

/// A slot in hand; dropped, it is given back. So it is one from the moment it is taken: an answer that nobody reads is
/// dropped too.
pub(crate) struct Slot {
    token: SlotToken,
    /// Whom to give it back to, and the place it was asked for with; `None`: it is the parent's.
    own: Option<(ActorRef<SessionMessage>, OwnedSemaphorePermit)>,
}

impl Slot {
    /// One that this session has taken, for the place it was asked for with.
    pub(crate) fn new(token: SlotToken, session: ActorRef<SessionMessage>, place: OwnedSemaphorePermit) -> Self {
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

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Slot").field(&self.token).finish()
    }
}

/// What keeps a job from heavy work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lack {
    /// All places of this process are taken, but for the one that is for checks.
    Place,
    /// All slots in all instances together are taken, or the session does not answer.
    Slot,
}

impl Slots {
    /// For a process with so many places for jobs: slow warms never take the last one from the checks.
    pub(crate) fn new(places: usize) -> Self {
        let heavy = places.saturating_sub(1).max(1);
        Self { session: Arc::default(), places: Arc::new(Semaphore::new(heavy)), heavy }
    }

    /// Heavy jobs that this process may have at the same time.
    pub(crate) fn places(&self) -> usize {
        self.heavy
    }

    pub(crate) fn seat(&self, session: ActorRef<SessionMessage>) {
        *self.session.write().unwrap_or_else(PoisonError::into_inner) = Some(session);
    }

    /// One slot, if one is free now.
    pub(crate) async fn try_take(&self) -> Option<Slot> {
        self.take().await.ok()
    }

    /// One slot, or what there is none for.
    pub(crate) async fn take(&self) -> Result<Slot, Lack> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| Lack::Place)?;
        let session = self.session.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(Lack::Slot)?;
        let taken = ractor::call_t!(session, SessionMessage::Take, ANSWER.as_millis() as u64, place);
        taken.ok().flatten().ok_or(Lack::Slot)
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

#[cfg(test)]
mod tests {
    use super::*;
    use futures::poll;
    use ractor::{Actor, ActorProcessingErr};
    use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

    /// A session that always has a slot, and says what it gave and what came back.
    struct Always(UnboundedSender<Said>);

    #[derive(Debug, PartialEq, Eq)]
    enum Said {
        Gave(SlotToken),
        GotBack(SlotToken),
    }

    impl Actor for Always {
        type Msg = SessionMessage;
        type State = ();
        type Arguments = ();

        async fn pre_start(&self, _: ActorRef<SessionMessage>, (): ()) -> Result<(), ActorProcessingErr> {
            Ok(())
        }

        async fn handle(
            &self,
            myself: ActorRef<SessionMessage>,
            message: SessionMessage,
            (): &mut (),
        ) -> Result<(), ActorProcessingErr> {
            match message {
                SessionMessage::Heartbeat => {}
                SessionMessage::Take(place, reply) => {
                    let token = SlotToken(Uuid::new_v4());
                    reply.send(Some(Slot::new(token, myself, place))).ok();
                    self.0.send(Said::Gave(token))?;
                }
                SessionMessage::Give(token) => self.0.send(Said::GotBack(token))?,
            }
            Ok(())
        }
    }

    async fn next(said: &mut UnboundedReceiver<Said>) -> Said {
        let next = tokio::time::timeout(Duration::from_secs(20), said.recv()).await;
        next.expect("it says something").expect("it lives")
    }

    async fn gave(said: &mut UnboundedReceiver<Said>) -> SlotToken {
        let Said::Gave(token) = next(said).await else { panic!("it gives one") };
        token
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "a test counts what was said")]
    async fn a_slot_comes_back_when_it_is_dropped_and_when_nobody_reads_that_it_was_taken() {
        let (says, mut said) = mpsc::unbounded_channel();
        let (session, _) = Actor::spawn(None, Always(says), ()).await.unwrap();
        let slots = Slots::new(2);
        slots.seat(session.clone());

        let slot = slots.try_take().await.expect("there is always one");
        let token = gave(&mut said).await;
        assert_eq!(slots.take().await.err(), Some(Lack::Place), "the last place is for checks");
        drop(slot);
        assert_eq!(next(&mut said).await, Said::GotBack(token));

        let mut asking = Box::pin(slots.try_take());
        assert!(poll!(&mut asking).is_pending());
        let token = gave(&mut said).await;
        drop(asking);
        assert_eq!(next(&mut said).await, Said::GotBack(token));
        assert!(slots.try_take().await.is_some(), "its place is free too");
        session.stop(None);
    }
}
