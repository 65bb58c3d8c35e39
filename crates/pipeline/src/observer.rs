//! The observer: the one way of every event and every measured time out of the pipeline, to any number of listeners.
//!
//! A new measurement is a variant of [`Event`], sent where it happens, and a field of
//! [`Measurements`](crate::Measurements).

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use warmer_content::SkipReason;
use warmer_store::{AttemptOutcome, StoreError};

use crate::call::{Call, Failed, System};
use crate::ending::PublishedFiles;
use crate::git_call::GitCall;
use crate::model_call::ModelCall;
use crate::ticket::Ticket;
use crate::timeline::Step;

/// One attempt that ended and is settled.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The claim, and what was done for it.
    pub ticket: Arc<Ticket>,
    /// How it ended, as the history has it; `Cancelled` also where the claim was lost, and `Unfit` where the database
    /// did not take the settlement.
    pub outcome: AttemptOutcome,
    /// Why, where it is neither warmed nor fresh nor deferred.
    pub error: Option<String>,
    /// No other attempt follows: the repository is dead, or in quarantine.
    pub given_up: bool,
    /// What was published; of another process' publication, nothing is known.
    pub files: PublishedFiles,
}

impl Ended {
    /// What is served is current, or has the vectors that it lacked.
    #[must_use]
    pub fn is_good(&self) -> bool {
        matches!(self.outcome, AttemptOutcome::Warmed | AttemptOutcome::Fresh | AttemptOutcome::Filled)
    }

    /// The job goes on: another attempt follows at once, or as soon as there is a slot or another instance for it.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        use AttemptOutcome::{Cancelled, Crashed, Deferred, Lost, Refused};
        !self.given_up && matches!(self.outcome, Lost | Crashed | Deferred | Refused | Cancelled)
    }
}

/// What happens in the pipeline.
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
    Ended(Ended),
    /// A stage is done with a batch.
    Stepped(Arc<Ticket>, Box<Step>),
    /// The database was asked for something, and has answered.
    Asked(Call),
    /// git was called.
    Git(GitCall),
    /// The embedding provider was called.
    Embedded(ModelCall),
    /// So many files were stored as skipped, for this reason.
    Skipped(SkipReason, u64),
    /// Heavy jobs have waited longer for a slot than they should.
    Starved,
    /// A heartbeat failed.
    HeartbeatFailed,
    /// An instance had died, and so many jobs went back.
    Rescued(u64),
    /// The embedding provider cannot answer, and is left alone for this time. One outage may have several such pauses.
    ProviderPaused(Duration),
    /// The embedding provider answers again, after an outage of this length.
    ProviderResumed(Duration),
}

/// Receives every event, on the task where it happens: it may not wait.
pub trait Listener: Send + Sync {
    /// This happened.
    fn on_event(&self, event: &Event);
}

/// Tells all listeners. A clone tells the same.
#[derive(Clone, Default)]
pub struct Observer(Arc<[Arc<dyn Listener>]>);

impl Observer {
    /// Tells these; with none, nobody.
    #[must_use]
    pub fn of(listeners: Vec<Arc<dyn Listener>>) -> Self {
        Self(listeners.into())
    }

    /// One listener more, which hears first.
    pub(crate) fn and(&self, listener: Arc<dyn Listener>) -> Self {
        Self([listener].into_iter().chain(self.0.iter().cloned()).collect())
    }

    pub(crate) fn tell(&self, event: &Event) {
        self.0.iter().for_each(|listener| listener.on_event(event));
    }

    pub(crate) fn began(&self, ticket: &Arc<Ticket>) {
        self.tell(&Event::Began(ticket.clone()));
    }

    pub(crate) fn slot(&self, ticket: &Arc<Ticket>, held: bool) {
        self.tell(&Event::Slot { ticket: ticket.clone(), held });
    }

    pub(crate) fn ended(&self, ended: Ended) {
        self.tell(&Event::Ended(ended));
    }

    /// Asks the database for something that belongs to no attempt.
    ///
    /// # Errors
    /// As the database says.
    pub async fn database<T>(
        &self,
        name: &'static str,
        asked: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let (answer, call) = timed(name, asked).await;
        self.tell(&Event::Asked(call));
        answer
    }

    /// Asks it for something of this attempt that belongs to no batch.
    pub(crate) async fn database_of<T>(
        &self,
        ticket: &Ticket,
        name: &'static str,
        asked: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let began = ticket.age();
        let (answer, call) = timed(name, asked).await;
        let call = Call { began, ..call };
        ticket.watch.called(call.clone());
        self.tell(&Event::Asked(call));
        answer
    }

    /// A stage is done with a batch of this attempt.
    pub(crate) fn stepped(&self, ticket: &Arc<Ticket>, step: Step) {
        self.tell(&Event::Stepped(ticket.clone(), Box::new(step)));
    }
}

/// A call of the database, which begins now.
async fn timed<T>(
    name: &'static str,
    asked: impl Future<Output = Result<T, StoreError>>,
) -> (Result<T, StoreError>, Call) {
    let began = Instant::now();
    let answer = asked.await;
    let took = began.elapsed();
    let failed = answer.as_ref().err().map(Failed::from);
    (answer, Call::new((System::Database, name), Duration::ZERO, took, failed))
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observer").field(&self.0.len()).finish()
    }
}

/// A listener that passes on what happens to jobs, and where that arrives. Unbounded: at most four events per attempt,
/// and attempts are bounded by the database.
#[expect(
    clippy::disallowed_methods,
    reason = "a bound would let the settling wait for who listens; each job sends a handful"
)]
#[must_use]
pub fn job_events() -> (Arc<dyn Listener>, mpsc::UnboundedReceiver<Event>) {
    let (give, take) = mpsc::unbounded_channel();
    (Arc::new(Channel(give)), take)
}

struct Channel(mpsc::UnboundedSender<Event>);

impl Listener for Channel {
    fn on_event(&self, event: &Event) {
        if let Event::Began(_) | Event::Slot { .. } | Event::Ended(_) = event {
            // Who went away is not waited for.
            self.0.send(event.clone()).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use warmer_store::StoreErrorKind;

    use super::*;
    use crate::counters::Stage;
    use crate::ticket::testing;

    #[tokio::test]
    async fn a_call_of_the_database_that_failed_says_by_which_class_and_nothing_of_its_text() {
        let (ticket, _part, _reports) = testing::ticket();
        let observer = Observer::default();
        let fails = async { Err::<(), _>(StoreError::new(StoreErrorKind::Busy, "hunter2")) };
        observer.database_of(&ticket, "settle job", fails).await.expect_err("it fails");
        observer.database_of(&ticket, "settle job", async { Ok(()) }).await.expect("it does not");
        let failures: Vec<_> = ticket.timeline().calls.into_iter().map(|call| call.failure).collect();
        assert_eq!(failures, [Some(StoreErrorKind::Busy.as_str().into()), None]);
    }

    #[test]
    fn every_listener_hears_and_one_that_went_away_is_not_waited_for() {
        let (ticket, _part, _reports) = testing::ticket();
        let ((one, mut first), (two, second)) = (job_events(), job_events());
        let observer = Observer::of(vec![one]).and(two);
        drop(second);
        observer.began(&ticket);
        observer.stepped(&ticket, Step::of(Stage::Hasher, Duration::ZERO, Duration::ZERO, 0));
        assert!(matches!(first.try_recv(), Ok(Event::Began(_))));
        assert!(first.try_recv().is_err(), "steps are not passed on: there is one for every batch");
    }
}
