//! The frame of every stage: waiting, span, lease, faults, measured time, ending and the permit's return, written once.
//!
//! A stage's file holds only what it does with a message ([`StageWork`]). The order is the same for all:
//!
//! 1. the observer hears of the time in the mailbox;
//! 2. nothing begins without the lease;
//! 3. the stage works; what it waits for on the way (the next mailbox, the lease) is not counted as work;
//! 4. what it came to is handed on with the message's part, or ends the job;
//! 5. the permit goes back, which lets the next message in.
//!
//! A job that is over stops all of it where it stands.

use std::sync::Arc;
use std::time::Instant;

use tracing::{Instrument, Span};
use warmer_store::StoreError;
use warmer_supervision::{Crash, Delivery, Load, Mailbox, Work};

use crate::counters::Stage;
use crate::ending::Ending;
use crate::faults::{Edge, Faults};
use crate::lease::Lease;
use crate::observer::Observer;
use crate::part::Part;
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

    /// The span of the work, below the attempt's.
    fn span(&self, parent: &Span, message: &Self::Message) -> Span;

    /// Whether the work ends by itself when its job is over; else it is dropped then.
    fn ends_by_itself(&self, _: &Self::Message) -> bool {
        false
    }

    /// Does the work. What goes wrong with the job is [`Stop::End`].
    fn work(
        &self,
        state: &mut Self::State,
        message: &mut Self::Message,
        run: &mut Run<'_>,
    ) -> impl Future<Output = Result<Self::Done, Stop>> + Send;

    /// Hands on what the work came to, with the message's part.
    fn hand_on(
        &self,
        message: Self::Message,
        done: Self::Done,
        run: &mut Run<'_>,
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
    /// Begins a stage's work for a job, once there is a lease. `None`: the job is over.
    async fn begin<'a>(&'a self, stage: Stage, ticket: &'a Arc<Ticket>) -> Result<Option<Run<'a>>, Crash> {
        tokio::select! {
            () = self.lease.wait() => {}
            () = ticket.over() => return Ok(None),
        }
        let run = Run { frame: self, stage, ticket, since: Instant::now() };
        self.started(stage).await?;
        Ok(Some(run))
    }

    /// A stage begins, and nothing is done yet.
    pub(crate) async fn started(&self, stage: Stage) -> Result<(), Crash> {
        self.faults.at(stage, Edge::Before).await
    }

    /// A stage's work is done, and its result not yet handed on.
    pub(crate) async fn done(&self, stage: Stage) -> Result<(), Crash> {
        self.faults.at(stage, Edge::After).await
    }

    /// Sends a message on; the observer hears of what that waits.
    pub(crate) async fn send<M: Message>(&self, ticket: &Ticket, next: &Mailbox<M>, message: M) -> Result<(), Crash> {
        let began = Instant::now();
        next.send(message).await?;
        self.observer.waited(ticket, M::STAGE, began.elapsed());
        Ok(())
    }
}

/// One stage at work for one job. The time until it is dropped is work, but for what it waits.
pub(crate) struct Run<'a> {
    frame: &'a Frame,
    stage: Stage,
    /// The job.
    pub ticket: &'a Arc<Ticket>,
    since: Instant,
}

impl Run<'_> {
    /// Sends a message on.
    pub(crate) async fn send<M: Message>(&mut self, next: &Mailbox<M>, message: M) -> Result<(), Crash> {
        self.tell();
        let sent = self.frame.send(self.ticket, next, message).await;
        self.since = Instant::now();
        sent
    }

    /// Goes on only with the lease.
    pub(crate) async fn wait_for_lease(&mut self) {
        self.wait(self.frame.lease.wait()).await;
    }

    /// Waits for something: no work.
    pub(crate) async fn wait<T>(&mut self, something: impl Future<Output = T>) -> T {
        self.tell();
        let had = something.await;
        self.since = Instant::now();
        had
    }

    /// Tells the work so far.
    pub(crate) fn lap(&mut self) {
        self.tell();
        self.since = Instant::now();
    }

    fn tell(&self) {
        self.frame.observer.worked(self.ticket, self.stage, self.since.elapsed());
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        self.tell();
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
        let Delivery { message, queued, permit } = delivery;
        let ticket = message.part().ticket().clone();
        self.frame.observer.waited(&ticket, S::Message::STAGE, queued.elapsed());
        let ends_by_itself = self.stage.ends_by_itself(&message);
        let span = self.stage.span(&ticket.span, &message);
        tokio::select! {
            ended = self.run(state, message, &ticket).instrument(span) => ended?,
            () = ticket.over(), if !ends_by_itself => {}
        }
        drop(permit);
        Ok(())
    }
}

impl<S: StageWork> Framed<S> {
    async fn run(&self, state: &mut S::State, mut message: S::Message, ticket: &Arc<Ticket>) -> Result<(), Crash> {
        let Some(mut run) = self.frame.begin(S::Message::STAGE, ticket).await? else { return Ok(()) };
        let done = match self.stage.work(state, &mut message, &mut run).await {
            Ok(done) => Ok(done),
            Err(Stop::End(ending)) => Err(ending),
            Err(Stop::Crash(crash)) => return Err(crash),
        };
        self.frame.done(S::Message::STAGE).await?;
        match done {
            Ok(done) => self.stage.hand_on(message, done, &mut run).await,
            Err(ending) => {
                ticket.end(ending);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests;
