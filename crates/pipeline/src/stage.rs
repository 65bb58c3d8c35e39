//! The frame of every stage: measured time, lease, faults, ending and the permit's return, written once.
//!
//! A stage's file holds only what it does with a message ([`StageWork`]). The order is the same for all:
//!
//! 1. a step of the job's timeline begins, and the time in the mailbox is its first wait;
//! 2. nothing begins without the lease;
//! 3. the stage works; what it waits for on the way has the name of what is waited for, and is no work;
//! 4. what it came to is handed on with the message's part, or ends the job;
//! 5. the permit goes back, which lets the next message in.
//!
//! A job that is over stops all of it where it stands.

use std::sync::Arc;
use std::time::Instant;

use tracing::Instrument;
use warmer_store::StoreError;
use warmer_supervision::{Activity, Crash, Delivery, Load, Mailbox, Seat, Wait, Work};

use crate::call::{Failed, System};
use crate::counters::Stage;
use crate::ending::Ending;
use crate::faults::{Edge, Faults};
use crate::git_call::{GitCall, GitOperation, GitOutcome};
use crate::lease::Lease;
use crate::observer::{Event, Observer};
use crate::open_step::OpenStep;
use crate::part::Part;
use crate::stopwatch::Doing;
use crate::ticket::Ticket;

/// What a stage takes.
pub(crate) trait Message: Load + Sync {
    /// Whose message it is.
    const STAGE: Stage;
}

/// What a stage takes for one job: a share of it, with what is to be done.
pub(crate) trait JobMessage: Message {
    /// The share of the job, which the message carries.
    fn part(&self) -> &Part;
}

/// What one stage does with one message.
pub(crate) trait StageWork: Send + Sync + 'static {
    /// What it takes.
    type Message: JobMessage;
    /// What a worker keeps from message to message.
    type State: Send + 'static;
    /// What the work comes to.
    type Done: Send;

    /// A new worker's state.
    fn state(&self) -> Self::State;

    /// Whether the work ends by itself when its job is over; else it is dropped then.
    fn ends_by_itself(&self, _: &Self::Message) -> bool {
        false
    }

    /// Does the work. What goes wrong with the job is [`Stop::End`].
    fn work(
        &self,
        state: &mut Self::State,
        message: &mut Self::Message,
        run: &Run<'_>,
    ) -> impl Future<Output = Result<Self::Done, Stop>> + Send;

    /// Hands on what the work came to, with the message's part.
    fn hand_on(
        &self,
        message: Self::Message,
        done: Self::Done,
        run: &Run<'_>,
    ) -> impl Future<Output = Result<(), Crash>> + Send;
}

/// Why a stage does not work to its end.
pub(crate) enum Stop {
    /// The job ends so.
    End(Ending),
    /// The worker dies.
    Crash(Crash),
}

impl From<Ending> for Stop {
    fn from(ending: Ending) -> Self {
        Self::End(ending)
    }
}

impl From<Crash> for Stop {
    fn from(crash: Crash) -> Self {
        Self::Crash(crash)
    }
}

/// An error of the store ends the job: no worker is to blame for it.
impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::End(Ending::from(&error))
    }
}

/// What all stages of a pipeline work in.
#[derive(Clone)]
pub(crate) struct Frame {
    /// Who may work.
    pub lease: Lease,
    /// The door for fault tests.
    pub faults: Arc<dyn Faults>,
    /// Who hears of times.
    pub observer: Observer,
}

impl Frame {
    /// A stage begins, and nothing is done yet.
    pub(crate) async fn started(&self, stage: Stage) -> Result<(), Crash> {
        self.faults.at(stage, Edge::Before).await
    }

    /// A stage's work is done, and its result not yet handed on.
    pub(crate) async fn done(&self, stage: Stage) -> Result<(), Crash> {
        self.faults.at(stage, Edge::After).await
    }
}

/// One stage at work for one job. What it does until it is dropped is one step of the job's timeline.
pub(crate) struct Run<'a> {
    frame: &'a Frame,
    /// The job.
    pub ticket: &'a Arc<Ticket>,
    step: OpenStep,
    seat: Seat,
}

impl Run<'_> {
    /// Sends a message on.
    pub(crate) async fn send<M: Message>(&self, next: &Mailbox<M>, message: M) -> Result<(), Crash> {
        self.wait(Wait::NextStage, next.send(message)).await?;
        Ok(())
    }

    /// Goes on only with the lease.
    pub(crate) async fn wait_for_lease(&self) {
        self.wait(Wait::Lease, self.frame.lease.wait()).await;
    }

    /// Waits for something: no work.
    pub(crate) async fn wait<T>(&self, wait: Wait, something: impl Future<Output = T>) -> T {
        self.step.turn(Doing::Wait(wait));
        self.seat.turn(Activity::Blocked(wait));
        let had = something.await;
        self.step.turn(Doing::Work);
        self.seat.turn(Activity::Busy);
        had
    }

    /// Asks the database.
    pub(crate) async fn database<T>(
        &self,
        name: &'static str,
        asked: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let began = Instant::now();
        let answer = self.wait(Wait::Database, asked).await;
        self.step.call(System::Database, name, began, answer.as_ref().err().map(Failed::from));
        answer
    }

    /// Has git ask a remote; `outcome` says what the answer means.
    pub(crate) async fn git<T>(
        &self,
        (operation, name): (GitOperation, &'static str),
        asked: impl Future<Output = T>,
        outcome: impl FnOnce(&T) -> GitOutcome,
    ) -> T {
        let began = Instant::now();
        let answer = self.wait(Wait::Remote, asked).await;
        let outcome = outcome(&answer);
        self.step.call(System::Git, name, began, (outcome != GitOutcome::Ok).then(|| outcome.as_str().into()));
        self.tell(&Event::Git(GitCall { operation, outcome, took: began.elapsed() }));
        answer
    }

    /// This happened.
    pub(crate) fn tell(&self, event: &Event) {
        self.frame.observer.tell(event);
    }

    /// The job, and who hears what happens to it.
    pub(crate) fn told(&self) -> (&Arc<Ticket>, &Observer) {
        (self.ticket, &self.frame.observer)
    }

    /// A process of the job's own does all of it, and measures that itself.
    pub(crate) async fn elsewhere<T>(&self, something: impl Future<Output = T>) -> T {
        self.step.turn(Doing::Elsewhere);
        something.await
    }

    /// The batch holds so many more files or texts, and bytes of them.
    pub(crate) fn holds(&self, items: u64, bytes: u64) {
        self.step.holds(items, bytes);
    }

    /// The step is over: what comes now is not of it.
    pub(crate) fn close(&self) {
        self.step.close();
    }
}

/// A stage in its frame: what the stage's pool runs.
pub(crate) struct Framed<S> {
    /// The stage.
    pub stage: S,
    /// The frame.
    pub frame: Frame,
}

impl<S: StageWork> Work for Framed<S> {
    type Message = S::Message;
    type State = S::State;

    fn state(&self) -> S::State {
        self.stage.state()
    }

    async fn handle(&self, state: &mut S::State, delivery: Delivery<S::Message>) -> Result<(), Crash> {
        let Delivery { message, queued, permit, seat } = delivery;
        let (ticket, stage) = (message.part().ticket().clone(), S::Message::STAGE);
        let step = OpenStep::begin(&self.frame.observer, &ticket, stage, queued, Doing::Wait(Wait::Lease));
        let run = Run { frame: &self.frame, ticket: &ticket, step, seat };
        let ends_by_itself = self.stage.ends_by_itself(&message);
        // Spans of stages are made of their steps; what is logged or sent on the way is the attempt's.
        tokio::select! {
            ended = self.run(state, message, &run).instrument(ticket.span.clone()) => ended?,
            () = ticket.over(), if !ends_by_itself => {}
        }
        drop(permit);
        Ok(())
    }
}

impl<S: StageWork> Framed<S> {
    async fn run(&self, state: &mut S::State, mut message: S::Message, run: &Run<'_>) -> Result<(), Crash> {
        tokio::select! {
            () = run.wait_for_lease() => {}
            () = run.ticket.over() => return Ok(()),
        }
        self.frame.started(S::Message::STAGE).await?;
        let done = match self.stage.work(state, &mut message, run).await {
            Ok(done) => Ok(done),
            Err(Stop::End(ending)) => Err(ending),
            Err(Stop::Crash(crash)) => return Err(crash),
        };
        self.frame.done(S::Message::STAGE).await?;
        match done {
            Ok(done) => self.stage.hand_on(message, done, run).await,
            Err(ending) => {
                // The message's part may be the job's last: nobody hears of its end before its timeline is whole.
                run.close();
                run.ticket.end(ending);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests;
