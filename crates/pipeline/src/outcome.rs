//! How jobs end, for whoever started the pipeline.

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::mpsc;
use warmer_store::{JobId, Takes};

use crate::ticket::{PublishedFiles, Ticket};

/// Told with [`Verdict::Again`] of a job that turned out heavy while no slot was free: nothing of it had begun.
pub const NO_PLACE: &str = "no place for heavy work was free";

/// How an attempt ended, as the output spells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing had changed.
    Fresh,
    /// Published.
    Warmed(PublishedFiles),
    /// It goes on: a worker died, or no slot was free. Another attempt follows by itself.
    Again(String),
    /// A temporary error of the remote: queued for later.
    Retry(String),
    /// It can never succeed as it stands, or not after so many attempts.
    Dead(String),
    /// This process cannot do it: no model, no disk. Queued for later.
    Unfit(String),
    /// This process cannot do it, and it was put back for others that may.
    Refused(String),
    /// Handed back unharmed.
    Returned(String),
}

/// One attempt that ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How it ended.
    pub verdict: Verdict,
    /// The claim, and what was done for it.
    pub ticket: Arc<Ticket>,
}

/// What happens to jobs.
#[derive(Clone, Debug)]
pub enum Event {
    /// An attempt began.
    Began(Arc<Ticket>),
    /// It took a slot, or gave it back.
    Slot {
        /// The attempt.
        ticket: Arc<Ticket>,
        /// It holds one now.
        held: bool,
    },
    /// An attempt ended and is settled.
    Ended(Outcome),
}

/// Tells events to whoever started the pipeline; a clone tells the same. Unbounded: at most two events per attempt, and
/// attempts are bounded by the database.
#[derive(Clone, Debug)]
pub struct Outcomes(Option<mpsc::UnboundedSender<Event>>);

impl Outcomes {
    /// Nobody listens.
    pub fn unheard() -> Self {
        Self(None)
    }

    /// Somebody listens.
    #[expect(
        clippy::disallowed_methods,
        reason = "a bound would let the settling wait for who listens; each job sends a handful"
    )]
    pub fn channel() -> (Self, mpsc::UnboundedReceiver<Event>) {
        let (give, take) = mpsc::unbounded_channel();
        (Self(Some(give)), take)
    }

    pub(crate) fn began(&self, ticket: &Arc<Ticket>) {
        self.tell(Event::Began(ticket.clone()));
    }

    pub(crate) fn ended(&self, ticket: Arc<Ticket>, verdict: Verdict) {
        self.tell(Event::Ended(Outcome { verdict, ticket }));
    }

    pub(crate) fn slot(&self, ticket: &Arc<Ticket>, held: bool) {
        self.tell(Event::Slot { ticket: ticket.clone(), held });
    }

    fn tell(&self, event: Event) {
        if let Some(listener) = &self.0 {
            // A listener that went away is not waited for.
            listener.send(event).ok();
        }
    }
}

/// Which jobs this process takes: any, or only some. A clone is the same scope.
#[derive(Clone, Debug, Default)]
pub struct Scope(Arc<RwLock<Option<Vec<JobId>>>>);

impl Scope {
    /// Any job.
    pub fn any() -> Self {
        Self::default()
    }

    /// Only these, until others are named.
    pub fn only(jobs: Vec<JobId>) -> Self {
        Self(Arc::new(RwLock::new(Some(jobs))))
    }

    /// From now on only these.
    pub fn name(&self, jobs: Vec<JobId>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(jobs);
    }

    /// As others are told.
    pub(crate) fn takes(&self) -> Takes {
        if self.jobs().is_some() { Takes::Own } else { Takes::Any }
    }

    pub(crate) fn jobs(&self) -> Option<Vec<JobId>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
