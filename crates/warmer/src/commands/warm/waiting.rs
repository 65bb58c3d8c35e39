//! The wait for all that was asked for: until each repository is served, and has its vectors or does not get them for
//! now. The vectors of one are made as soon as it is served, whatever becomes of the others.

use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Interval, MissedTickBehavior, interval};
use warmer_pipeline::{Event, Running, Selection};
use warmer_store::{InstanceId, Store};

use super::answers::Answers;
use super::end::{Ended, interrupted};
use super::progress::Progress;
use super::vectors::{Vectors, newly_complete, newly_served};
use super::{elsewhere, takeover};
use crate::signals::Signals;

/// How often jobs are read from the database whose end the pipeline may not report.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// How often coverage is read.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// What is waited for, and where it is seen.
pub(super) struct Waiting<'a> {
    pub(super) running: &'a Running,
    pub(super) store: &'a dyn Store,
    /// This process, in the queue.
    pub(super) ours: InstanceId,
    /// The jobs that it takes.
    pub(super) scope: &'a Selection,
    /// Everything is checked again.
    pub(super) full: bool,
    /// Where vectors are looked for; `None`: nobody waits for them.
    pub(super) vectors: Option<Vectors<'a>>,
    /// Whom it is told to what is served.
    pub(super) told: Option<&'a Progress>,
}

impl Waiting<'_> {
    /// Waits until there is nothing left to wait for, or a signal comes.
    pub(super) async fn until_done(
        &self,
        events: &mut UnboundedReceiver<Event>,
        answers: &mut Answers,
    ) -> anyhow::Result<Ended> {
        let (mut polls, mut looks, mut signals) = (every(POLL_INTERVAL), every(LOOK_INTERVAL), Signals::listen()?);
        loop {
            let (served, complete) = (newly_served(answers), newly_complete(answers));
            for line in served.into_iter().chain(complete) {
                self.told.iter().for_each(|progress| progress.note(&line));
            }
            let settled = self.vectors.is_none() || answers.all_settled();
            if answers.all_answered() && settled {
                return Ok(Ended::Settled);
            }
            // What a signal cuts off here is read anew by whoever comes next.
            let read = async {
                tokio::select! {
                    _ = polls.tick(), if !answers.all_answered() => self.poll(events, answers).await,
                    _ = looks.tick(), if !settled => self.look(answers).await,
                    event = events.recv() => match event {
                        Some(event) => { answers.record(event); Ok(()) }
                        None => anyhow::bail!("the pipeline ended before its jobs did"),
                    },
                }
            };
            tokio::select! {
                done = read => done?,
                why = self.running.failed() => anyhow::bail!("the pipeline gave up: {why}"),
                exit = signals.next() => return Ok(interrupted(answers, exit)),
            }
        }
    }

    /// Reads how jobs ended that the pipeline does not tell of.
    async fn poll(&self, events: &mut UnboundedReceiver<Event>, answers: &mut Answers) -> anyhow::Result<()> {
        let snapshots = match elsewhere::snapshots(self.store, answers).await {
            Ok(snapshots) => snapshots,
            Err(error) if error.is_temporary() => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        while let Ok(event) = events.try_recv() {
            answers.record(event);
        }
        answers.apply(&snapshots, self.ours);
        takeover::take_over(self.store, answers, self.ours, self.full).await?;
        // A job that waited behind another instance's goes on under that one's number when it comes back.
        self.scope.name(answers.jobs());
        Ok(())
    }

    /// Reads how far the vectors are of what is served, and takes what there is to make.
    async fn look(&self, answers: &mut Answers) -> anyhow::Result<()> {
        let Some(vectors) = &self.vectors else { return Ok(()) };
        vectors.look(answers, self.running.held().as_ref()).await?;
        self.scope.name(answers.jobs());
        if !answers.all_settled() {
            self.running.wake();
        }
        Ok(())
    }
}

/// One that was missed is not made up for.
fn every(time: Duration) -> Interval {
    let mut ticks = interval(time);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
