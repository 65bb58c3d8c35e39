//! Whether a supervisor still answers.

use std::time::Duration;

use ractor::{ActorRef, RpcReplyPort};

/// What a supervisor is told, beside the ends of its children.
pub(crate) enum SupervisorMessage {
    /// The delay before the start of this child is over.
    Due(usize),
    /// Somebody asks whether it still answers.
    Ping(RpcReplyPort<()>),
}

/// Whether a root still answers, for who asks from outside. A clone asks the same root.
#[derive(Clone, Debug)]
pub struct Pulse(ActorRef<SupervisorMessage>);

impl Pulse {
    pub(crate) fn of(supervisor: ActorRef<SupervisorMessage>) -> Self {
        Self(supervisor)
    }

    /// Whether it takes up a message within this time: one that has ended, or that hangs, does not.
    pub async fn answers(&self, within: Duration) -> bool {
        let within = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        ractor::call_t!(self.0, SupervisorMessage::Ping, within).is_ok()
    }
}
