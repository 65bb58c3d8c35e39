//! What a job's own process tells of what happens in it, so that it counts where its parent counts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use warmer_content::SkipReason;

use crate::call::Call;
use crate::git_call::GitCall;
use crate::model_call::ModelCall;
use crate::observer::{Event, Listener};
use crate::slowest::Slowest;
use crate::ticket::Ticket;
use crate::timeline::Step;

/// What is kept until it is told, which is each second: a message may have 16 MiB, and each of these takes 450
/// bytes in it at most. What comes on top counts nowhere.
const KEPT: usize = 10_000;

/// Something that happened there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Told {
    /// A stage is done with a batch; without its calls, which the timeline has.
    Stepped(Step),
    /// The database was asked.
    Asked(Call),
    /// git was called.
    Git(GitCall),
    /// The embedding provider was called.
    Embedded(ModelCall),
    /// Files were stored as skipped.
    Skipped(SkipReason, u64),
}

impl Told {
    /// How jobs begin and end the parent knows itself; its provider is its own.
    fn of(event: &Event) -> Option<Self> {
        Some(match event {
            Event::Stepped(_, step) => Self::Stepped(Step { calls: Slowest::of(0), ..(**step).clone() }),
            Event::Asked(call) => Self::Asked(call.clone()),
            Event::Git(call) => Self::Git(*call),
            Event::Embedded(call) => Self::Embedded(*call),
            Event::Skipped(reason, files) => Self::Skipped(*reason, *files),
            Event::Began(_)
            | Event::Slot { .. }
            | Event::Ended(_)
            | Event::Starved
            | Event::HeartbeatFailed
            | Event::Rescued(_)
            | Event::ProviderPaused(_)
            | Event::ProviderResumed(_) => return None,
        })
    }

    /// As it happens to this ticket of the parent.
    pub(crate) fn event(self, ticket: &Arc<Ticket>) -> Event {
        match self {
            Self::Stepped(step) => Event::Stepped(ticket.clone(), Box::new(step)),
            Self::Asked(call) => Event::Asked(call),
            Self::Git(call) => Event::Git(call),
            Self::Embedded(call) => Event::Embedded(call),
            Self::Skipped(reason, files) => Event::Skipped(reason, files),
        }
    }
}

/// Listens, and keeps what is to be told.
#[derive(Debug, Default)]
pub(crate) struct ToTell(Mutex<Vec<Told>>);

impl ToTell {
    /// What happened since it was asked last.
    pub(crate) fn take(&self) -> Vec<Told> {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Told>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener for ToTell {
    fn on_event(&self, event: &Event) {
        let Some(told) = Told::of(event) else { return };
        let mut kept = self.lock();
        if kept.len() < KEPT {
            kept.push(told);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use warmer_supervision::frame::FRAME_BYTES_MAX;

    use super::*;
    use crate::counters::Stage;
    use crate::message::{FromChild, written};
    use crate::ticket::testing;

    #[test]
    fn as_much_as_is_kept_fits_into_one_message() {
        let (ticket, _part, _reports) = testing::ticket();
        let mut step = Step::of(Stage::Embedder, Duration::from_nanos(1_234_567_891), Duration::from_secs(99_999), 0);
        (step.work, step.items, step.bytes, step.tokens) = (step.started, 1 << 40, 1 << 40, 1 << 40);
        let (to_tell, event) = (ToTell::default(), Event::Stepped(ticket, Box::new(step)));
        (0..KEPT + 9).for_each(|_| to_tell.on_event(&event));
        let told = to_tell.take();
        assert_eq!((told.len(), to_tell.take().len()), (KEPT, 0));
        let message =
            FromChild::Goes { at: Duration::ZERO, figures: vec![], timeline: Box::default(), told, progressed: true };
        let bytes = written(&message).expect("it is JSON").len();
        assert!(bytes < FRAME_BYTES_MAX / 2, "{bytes}");
    }
}
