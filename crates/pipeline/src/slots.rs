//! The way to the session's slots: permits for heavy work, one of N in the cluster.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use ractor::ActorRef;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
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
}

/// A slot in hand; dropped, it is given back.
pub(crate) struct Slot {
    token: SlotToken,
    session: ActorRef<SessionMessage>,
    _place: OwnedSemaphorePermit,
}

impl Slot {
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

impl Slots {
    /// For a process with so many places for jobs: slow warms never take the last one from the checks.
    pub(crate) fn new(places: usize) -> Self {
        let heavy = places.saturating_sub(1).max(1);
        Self { session: Arc::default(), places: Arc::new(Semaphore::new(heavy)) }
    }

    pub(crate) fn seat(&self, session: ActorRef<SessionMessage>) {
        *self.session.write().unwrap_or_else(PoisonError::into_inner) = Some(session);
    }

    /// One slot, if one is free now.
    pub(crate) async fn try_take(&self) -> Option<Slot> {
        let place = self.places.clone().try_acquire_owned().ok()?;
        let session = self.session.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        let token = ractor::call_t!(session, SessionMessage::Take, ANSWER.as_millis() as u64).ok()??;
        Some(Slot { token, session, _place: place })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // A session that is gone has lost the slot already.
        self.session.cast(SessionMessage::Give(self.token)).ok();
    }
}
