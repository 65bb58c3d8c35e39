//! Embedder: embeds each text once per process, whatever job asks.
//!
//! takes    [`Embed::Batch`] with its missing texts.
//! gives    [`Batch`] with all its vectors.
//! keeps    the desk, shared by the pool; per worker one model session, opened for the first text.
//! on crash the text in hand goes back to the desk, and another worker looks there; the second time it is given up,
//!          which costs the files that hold it (W-7).

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use tracing::{Instrument, info_span};
use warmer_content::{SkipReason, Vector};
use warmer_embedding::{EmbedError, Embedder as Session, Terminator};
use warmer_supervision::{Crash, Deadline, Delivery, Intake, Outcome, Work, blocking};

use crate::batch::{Batch, Embed};
use crate::desk::{Desk, Taken, Waiting};
use crate::faults::Edge;
use crate::tally::Stage;
use crate::tools::Tools;
use crate::trust::Trust;

/// The Embedder pool's work.
pub(crate) struct Embedder {
    /// The Storer pool.
    pub next: Intake<Batch>,
    /// The model.
    pub tools: Tools,
    /// Which texts are wanted by which batches.
    pub desk: Arc<Desk>,
    /// How long one text may take.
    pub deadline: Deadline,
    /// Who may work.
    pub trust: Trust,
}

impl Work for Embedder {
    type Message = Embed;
    type State = Option<Session>;

    fn state(&self) -> Option<Session> {
        None
    }

    async fn handle(&self, session: &mut Option<Session>, delivery: Delivery<Embed>) -> Result<(), Crash> {
        let Delivery { message, queued, place } = delivery;
        if let Embed::Batch(batch) = message {
            batch.part.ticket().tally.waited(Stage::Embedder, queued.elapsed());
            if let Some(complete) = self.desk.admit(Waiting { batch, place }) {
                self.forward(complete).await?;
            }
        }
        loop {
            for waiting in self.desk.stranded() {
                self.forward(waiting).await?;
            }
            let Some(taken) = self.desk.take() else { return Ok(()) };
            for waiting in self.embed(session, taken).await? {
                self.forward(waiting).await?;
            }
        }
    }

    /// Texts may be ready with no worker left to see them.
    fn crashed(&self, intake: &Intake<Embed>) {
        intake.poke(Embed::Look);
    }

    /// The hint of a crash that ended the pool went with it.
    fn restarted(&self, intake: &Intake<Embed>) {
        intake.poke(Embed::Look);
    }
}

impl Embedder {
    /// Embeds one text and delivers it; gives the batches that are complete now.
    async fn embed(&self, session: &mut Option<Session>, taken: Taken) -> Result<Vec<Waiting>, Crash> {
        self.trust.hold().await;
        let Some(ticket) = taken.ticket() else { return Ok(vec![]) };
        let span = info_span!(parent: &ticket.span, "embeddings", tokens = taken.wanted.tokens());
        let began = Instant::now();
        let made = tokio::time::timeout(self.deadline.after, self.run(session, &taken)).instrument(span).await;
        ticket.tally.worked(Stage::Embedder, began.elapsed());
        match made {
            Ok(Ok(Made::Vector(vector))) => Ok(taken.made(&vector)),
            Ok(Ok(Made::Failed(reason))) => Ok(taken.failed(reason)),
            Ok(Ok(Made::Unfit(why))) => {
                taken.refuse(&why);
                Ok(vec![])
            }
            Ok(Err(crash)) => Err(crash),
            Err(_) => Ok(taken.failed(SkipReason::TooSlow)),
        }
    }

    async fn run(&self, session: &mut Option<Session>, taken: &Taken) -> Result<Made, Crash> {
        self.tools.faults.at(Stage::Embedder, Edge::Before).await?;
        let (model, open, text) = (self.tools.model.clone(), session.take(), taken.wanted.text());
        let terminator = Terminator::default();
        let guard = RaiseOnDrop(terminator.clone());
        let work = move |_: &AtomicBool| {
            let mut session = match open {
                Some(session) => session,
                None => model.open().map_err(|error| error.to_string())?,
            };
            let vector = session.embed(&text, &terminator);
            Ok((session, vector))
        };
        let made = match blocking(self.deadline, Arc::default(), work).await {
            Outcome::Done(Ok((open, vector))) => {
                *session = Some(open);
                match vector {
                    Ok(vector) => Made::Vector(vector),
                    Err(EmbedError::Stopped) => Made::Failed(SkipReason::TooSlow),
                    Err(EmbedError::Failed(_)) => Made::Failed(SkipReason::Panicked),
                }
            }
            Outcome::Done(Err(why)) => Made::Unfit(why),
            Outcome::Panicked(_) => Made::Failed(SkipReason::Panicked),
            Outcome::Stopped(_) | Outcome::Late => Made::Failed(SkipReason::TooSlow),
        };
        drop(guard);
        self.tools.faults.at(Stage::Embedder, Edge::After).await?;
        Ok(made)
    }

    /// Hands a batch to the Storer; its place here is given back only when the Storer has taken it.
    async fn forward(&self, waiting: Waiting) -> Result<(), Crash> {
        let Waiting { batch, place } = waiting;
        let ticket = batch.part.ticket().clone();
        if ticket.is_over() {
            return Ok(());
        }
        let began = Instant::now();
        tokio::select! {
            sent = self.next.send(batch) => sent?,
            () = ticket.over() => {}
        }
        ticket.tally.waited(Stage::Storer, began.elapsed());
        drop(place);
        Ok(())
    }
}

/// What became of one text.
enum Made {
    Vector(Vector),
    /// The text cannot be embedded.
    Failed(SkipReason),
    /// No text can be embedded here.
    Unfit(String),
}

/// Ends the run in progress when nobody waits for it any more.
struct RaiseOnDrop(Terminator);

impl Drop for RaiseOnDrop {
    fn drop(&mut self) {
        self.0.raise();
    }
}
