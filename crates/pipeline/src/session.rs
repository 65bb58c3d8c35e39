//! The session: this instance's sign of life, and its slots. It does nothing else.
//!
//! takes    a beat each second, and requests for slots.
//! gives    slot tokens.
//! keeps    nothing that the store does not know.
//! on crash the Claimer above it dies with it, and with that the line: whoever loses the locks stops working.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use ractor::concurrency::JoinHandle;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use warmer_store::{InstanceId, SlotToken, Store};

/// How often the store hears from this instance.
const BEAT: Duration = Duration::from_secs(1);
/// How long a request may wait for the session actor, which answers within one statement.
const ANSWER: Duration = Duration::from_secs(10);
/// A waiter looks again after this, and up to as much more at random, so that waiters do not come in step.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// What the session actor takes.
pub(crate) enum SessionMessage {
    /// Time for a sign of life.
    Beat,
    /// One slot, if one is free now.
    Take(RpcReplyPort<Option<SlotToken>>),
    /// A slot is given back.
    Give(SlotToken),
}

/// The session actor.
pub(crate) struct Session {
    /// Where the locks are.
    pub store: Arc<dyn Store>,
    /// This process.
    pub instance: InstanceId,
    /// Slots in the cluster; 0 is without limit.
    pub slots: u32,
}

impl Actor for Session {
    type Msg = SessionMessage;
    type State = JoinHandle<()>;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<SessionMessage>, (): ()) -> Result<JoinHandle<()>, ActorProcessingErr> {
        Ok(myself.send_interval(BEAT, || SessionMessage::Beat))
    }

    async fn handle(
        &self,
        _: ActorRef<SessionMessage>,
        message: SessionMessage,
        _: &mut JoinHandle<()>,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SessionMessage::Beat => match self.store.heartbeat(self.instance).await {
                Ok(true) => {}
                Ok(false) => return Err("this instance was declared dead by another".into()),
                Err(error) => tracing::warn!(%error, "no sign of life could be given"),
            },
            SessionMessage::Take(reply) => {
                // A slot query that fails is a miss; the waiter looks again.
                let token = self.store.take_slot(self.instance, self.slots).await.unwrap_or_else(|error| {
                    tracing::warn!(%error, "no slot could be looked for");
                    None
                });
                if let Err(unheard) = reply.send(token)
                    && let Some(token) = token
                {
                    tracing::debug!(?unheard, "a slot was asked for and not waited for");
                    self.give(token).await;
                }
            }
            SessionMessage::Give(token) => self.give(token).await,
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        _: ActorRef<SessionMessage>,
        beat: &mut JoinHandle<()>,
    ) -> Result<(), ActorProcessingErr> {
        beat.abort();
        Ok(())
    }
}

impl Session {
    async fn give(&self, token: SlotToken) {
        if let Err(error) = self.store.release_slot(token).await {
            tracing::warn!(%error, "a slot could not be given back");
        }
    }
}

/// The way to the session actor of the moment. A clone is the same way.
#[derive(Clone, Default)]
pub(crate) struct Slots(Arc<RwLock<Option<ActorRef<SessionMessage>>>>);

/// A slot in hand; dropped, it is given back.
pub struct Slot {
    token: SlotToken,
    session: ActorRef<SessionMessage>,
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Slot").field(&self.token).finish()
    }
}

impl Slots {
    pub(crate) fn seat(&self, session: ActorRef<SessionMessage>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(session);
    }

    /// One slot, if one is free now.
    pub(crate) async fn try_take(&self) -> Option<Slot> {
        let session = self.0.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        let token = ractor::call_t!(session, SessionMessage::Take, ANSWER.as_millis() as u64).ok()??;
        Some(Slot { token, session })
    }

    /// One slot, waited for up to `most`.
    pub(crate) async fn take(&self, most: Duration) -> Option<Slot> {
        let looked = async {
            loop {
                if let Some(slot) = self.try_take().await {
                    return slot;
                }
                tokio::time::sleep(crate::backoff::jittered(LOOK_AGAIN)).await;
            }
        };
        tokio::time::timeout(most, looked).await.ok()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // A session that is gone has lost the slot already.
        self.session.cast(SessionMessage::Give(self.token)).ok();
    }
}
