//! The door of a way: the permit of its first mailbox that the Claimer has in hand before it takes a job.

use ractor::{ActorRef, Message};
use warmer_supervision::{Load, Mailbox, Permit};

/// The permit for the next claim of one kind, or that it was asked for.
pub(crate) struct Door<M: Load> {
    permit: Option<Permit<M>>,
    asked: bool,
}

impl<M: Load> Default for Door<M> {
    fn default() -> Self {
        Self { permit: None, asked: false }
    }
}

impl<M: Load> Door<M> {
    /// There is room in the mailbox.
    pub(crate) fn got(&mut self, permit: Permit<M>) {
        (self.permit, self.asked) = (Some(permit), false);
    }

    /// No job was there for this permit.
    pub(crate) fn keep(&mut self, permit: Permit<M>) {
        self.permit = Some(permit);
    }

    /// Nothing more is claimed.
    pub(crate) fn let_go(&mut self) {
        self.permit = None;
    }

    /// A permit, if there is one now; else it is asked for, and whoever asks hears of it.
    pub(crate) fn take<A: Message>(
        &mut self,
        mailbox: &Mailbox<M>,
        myself: &ActorRef<A>,
        message: fn(Permit<M>) -> A,
    ) -> Option<Permit<M>> {
        if let Some(permit) = self.permit.take().or_else(|| mailbox.try_reserve()) {
            return Some(permit);
        }
        if !std::mem::replace(&mut self.asked, true) {
            let (mailbox, myself) = (mailbox.clone(), myself.clone());
            warmer_supervision::spawn("permit for a claim", async move {
                if let Ok(permit) = mailbox.reserve().await {
                    // A Claimer that is gone gives it back by dropping it.
                    myself.cast(message(permit)).ok();
                }
            });
        }
        None
    }

    /// Whether a permit is in hand.
    #[cfg(test)]
    pub(crate) fn has_permit(&self) -> bool {
        self.permit.is_some()
    }

    /// Whether one was asked for.
    #[cfg(test)]
    pub(crate) fn is_asked(&self) -> bool {
        self.asked
    }
}
