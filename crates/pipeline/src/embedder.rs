//! Embedder: embeds each text once per process, whatever job asks.
//!
//! takes    [`Embed::Texts`] that lack vectors.
//! gives    [`Finished::Texts`] with what became of each.
//! keeps    the texts in flight, the provider's pause and the hold, shared by the pool.
//! on crash the texts that the worker had taken go back, and another worker takes them; the second time one is given
//! up, and its chunk is served without a vector (W-7).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::Span;
use warmer_content::{SkipReason, TextKey};
use warmer_embedding::{CallLimits, EmbedError, Embedding, ask};
use warmer_store::ClaimId;
use warmer_supervision::{
    Activity, Crash, Deadline, Delivery, LeftBehind, Mailbox, Outcome, Seat, Wait, Work, call_counted,
};
use warmer_traces::names;

use crate::batch::{Embed, Finished};
use crate::counters::Stage;
use crate::ending::Ending;
use crate::hold::{Held, Hold};
use crate::ledger::Ledger;
use crate::live::Live;
use crate::model_call::ModelCall;
use crate::observer::Event;
use crate::open_step::OpenStep;
use crate::pause::{Pause, Paused};
use crate::settings::Settings;
use crate::single_flight::{SingleFlight, Taken, Waiting};
use crate::stage::Frame;
use crate::stopwatch::Doing;
use crate::tools::Tools;
use crate::yielding::YieldBudget;

/// The Embedder pool's work.
pub(crate) struct Embedder {
    /// The Storer pool.
    pub next: Mailbox<Finished>,
    /// This pool.
    pub own: Mailbox<Embed>,
    /// The provider.
    pub tools: Tools,
    /// The refreshes of this process, which go first where the provider takes their cores.
    pub ledger: Ledger,
    /// Which texts are wanted by which batches.
    pub flight: Arc<SingleFlight>,
    /// Notifications that no worker has taken yet.
    pub looks: Arc<AtomicUsize>,
    /// Whether the provider is left alone.
    pub pause: Arc<Pause>,
    /// Whether this process makes any vectors at all, for now.
    pub hold: Hold,
    /// Calls that did not end when they were told to, each of which may hold a thread. They are of this part alone: a
    /// process whose model hangs goes on with everything else.
    pub left: LeftBehind,
    /// So many of them are allowed; with more no further call is made.
    pub left_max: usize,
    /// The only job of this process, whose texts are noted one by one as they are tried: another died of one of them.
    pub trying: Option<ClaimId>,
    /// How long one call of the provider may take.
    pub settings: Live<Settings>,
    /// What it works in. Texts belong to no job, so the Embedder takes its steps one by one.
    pub frame: Frame,
}

/// What became of one text.
type Embedded = Result<Embedding, EmbedError>;

impl Work for Embedder {
    type Message = Embed;
    type State = YieldBudget;

    fn state(&self) -> YieldBudget {
        YieldBudget::default()
    }

    async fn handle(&self, budget: &mut YieldBudget, delivery: Delivery<Embed>) -> Result<(), Crash> {
        let Delivery { message, queued, permit, seat } = delivery;
        if matches!(message, Embed::Look) {
            let one_less = |looks: usize| Some(looks.saturating_sub(1));
            self.looks.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less).ok();
        }
        if let Embed::Texts(batch) = message {
            let (ticket, waits) = (batch.part.ticket(), Doing::Wait(Wait::Session));
            let step = OpenStep::begin(&self.frame.observer, ticket, Stage::Embedder, queued, waits);
            step.holds(batch.missing.len() as u64, batch.text_bytes());
            if let Some(complete) = self.flight.admit(Waiting { batch, permit, step }) {
                self.forward(complete, &seat).await?;
            }
        }
        loop {
            // What was just published may be in the mailbox: its texts are to be seen before more are taken. A worker
            // that stayed until nothing is left would keep it there for as long as there is bulk.
            if self.own.gauges().queued > 0 {
                look(&self.own, &self.looks);
                return Ok(());
            }
            for waiting in self.flight.stranded() {
                self.forward(waiting, &seat).await?;
            }
            if let Some(held) = self.held() {
                self.put_back(&held);
                return Ok(());
            }
            if let Some(Paused::Wait(until)) = self.pause.now() {
                self.wait(until);
                return Ok(());
            }
            if !self.tools.provider.uploads() && budget.yields(&self.ledger) {
                blocked(&seat, Wait::Refresh, budget.spend(&self.ledger)).await;
                continue;
            }
            let taken = self.flight.take(self.limits());
            if taken.is_empty() {
                return Ok(());
            }
            for waiting in self.embed(taken, &seat, budget).await? {
                self.forward(waiting, &seat).await?;
            }
        }
    }

    /// Texts may be ready with no worker left to see them.
    fn crashed(&self, _: &Mailbox<Embed>) {
        look(&self.own, &self.looks);
    }

    /// The notification of a crash that ended the pool went with it.
    fn restarted(&self, _: &Mailbox<Embed>) {
        self.looks.store(0, Ordering::Release);
        look(&self.own, &self.looks);
    }
}

impl Embedder {
    fn deadline(&self) -> Deadline {
        self.settings.now().embedder.text_deadline.into()
    }

    /// How much one call carries. Of several texts at once nobody could tell which was to blame.
    fn limits(&self) -> CallLimits {
        let limits = self.tools.provider.limits();
        if self.trying.is_some() { CallLimits { texts: 1, ..limits } } else { limits }
    }

    /// Embeds the texts by one call and delivers them; gives the batches that are complete now.
    async fn embed(&self, taken: Vec<Taken>, seat: &Seat, budget: &mut YieldBudget) -> Result<Vec<Waiting>, Crash> {
        blocked(seat, Wait::Lease, self.frame.lease.wait()).await;
        // A text that nobody wants any more goes back, and is let go of when it is taken next.
        let taken: Vec<_> = taken.into_iter().filter(Taken::is_wanted).collect();
        if taken.is_empty() {
            return Ok(vec![]);
        }
        let (taken, mut complete) = blocked(seat, Wait::Database, self.look_again(taken)).await;
        if taken.is_empty() {
            return Ok(complete);
        }
        let called = Instant::now();
        let made = tokio::time::timeout(self.deadline().after, self.call(&taken)).await;
        let (took, answer) =
            (called.elapsed(), made.as_ref().map(|made| made.as_ref().ok().and_then(Option::as_deref)));
        let call = ModelCall::of(answer.ok().flatten(), took);
        self.frame.observer.tell(&Event::Embedded(call));
        budget.earn(took);
        let each = took / u32::try_from(taken.len()).unwrap_or(u32::MAX);
        for taken in &taken {
            taken.worked(each);
            // Where a call is one text, the step tells as much of its calls in one line.
            if self.limits().texts > 1 {
                taken.called(names::EMBEDDINGS, called.into_std(), call.outcome.failure());
            }
        }
        match made {
            Ok(Ok(Some(made))) => {
                complete.extend(self.deliver(taken, made, called));
            }
            Ok(Err(crash)) => return Err(crash),
            Ok(Ok(None)) | Err(_) => {
                complete.extend(taken.into_iter().flat_map(|taken| taken.failed(SkipReason::TooSlow)));
            }
        }
        Ok(complete)
    }

    /// Delivers what another instance has stored since the Filler read its page: two that fill forks of one repository
    /// would else embed nearly everything twice. A database that does not answer costs double work, and no more.
    async fn look_again(&self, taken: Vec<Taken>) -> (Vec<Taken>, Vec<Waiting>) {
        if !self.tools.store.is_shared() {
            return (taken, vec![]);
        }
        let keys: Vec<TextKey> = taken.iter().map(|taken| taken.wanted.key).collect();
        let lacks = self.tools.store.missing_vectors(self.tools.recipe.embedding, &keys);
        let lacks = match self.frame.observer.database(names::DB_VECTORS, lacks).await {
            Ok(lacks) => lacks,
            Err(error) => {
                tracing::debug!(%error, "cannot look for vectors that others stored");
                return (taken, vec![]);
            }
        };
        let (lacking, stored): (Vec<_>, Vec<_>) =
            taken.into_iter().partition(|taken| lacks.binary_search(&taken.wanted.key).is_ok());
        (lacking, stored.into_iter().flat_map(Taken::stored).collect())
    }

    /// One call of the provider; `None` where it did not end in time.
    async fn call(&self, taken: &[Taken]) -> Result<Option<Vec<Embedded>>, Crash> {
        self.frame.started(Stage::Embedder).await?;
        self.tries(taken.first()).await?;
        let (provider, stop) = (self.tools.provider.clone(), CancellationToken::new());
        let texts: Vec<_> = taken.iter().map(|taken| taken.wanted.text.to_string()).collect();
        // What a first call loads belongs to the job that waited first. Of each text a span would be entered at every
        // poll: a fifth of what traces cost.
        let first = taken.first().filter(|_| !provider.is_open());
        let span = first.map_or_else(Span::none, Taken::span);
        let asked = {
            let (stop, faults) = (stop.clone(), self.frame.faults.clone());
            async move {
                texts.iter().for_each(|text| faults.text(text));
                ask(provider.as_ref(), texts, stop).await
            }
        };
        let made = match call_counted((span, &self.left), self.deadline(), move || stop.cancel(), asked).await {
            Outcome::Done(made) => Some(made),
            Outcome::Panicked(why) => Some(vec![Err(EmbedError::Text(why)); taken.len()]),
            Outcome::Stopped(_) | Outcome::Late => None,
        };
        self.tries(None).await?;
        self.frame.done(Stage::Embedder).await?;
        Ok(made)
    }

    /// Notes the text that is in hand now, where it may be what this process dies of.
    async fn tries(&self, taken: Option<&Taken>) -> Result<(), Crash> {
        if let Some(claim) = self.trying {
            // Of a claim that was lost the next page tells.
            let tries = self.tools.store.try_text(claim, taken.map(|taken| taken.wanted.key));
            if let Err(error) = self.frame.observer.database(names::DB_TRY, tries).await {
                // Neither the text nor the worker is to blame.
                self.flight.sweep().iter().for_each(|ticket| ticket.end(Ending::from(&error)));
                return Err(error.into());
            }
        }
        Ok(())
    }

    /// Hands each text its result.
    fn deliver(&self, taken: Vec<Taken>, made: Vec<Embedded>, called: Instant) -> Vec<Waiting> {
        let mut complete = vec![];
        for (taken, made) in taken.into_iter().zip(made) {
            match made {
                Ok(made) => {
                    self.works(called);
                    complete.extend(taken.made(&made));
                }
                Err(EmbedError::Text(why)) => {
                    tracing::warn!(text = %taken.wanted.key, error = why, "a text cannot be embedded");
                    complete.extend(taken.failed(SkipReason::Panicked));
                }
                Err(EmbedError::Retry { why, after }) => {
                    taken.put_back();
                    self.leave_alone(called, &why, after);
                }
                // Nobody here stopped it.
                Err(error @ EmbedError::Stopped) => {
                    taken.put_back();
                    self.leave_alone(called, &error.to_string(), None);
                }
                Err(EmbedError::Unfit(why)) => {
                    taken.put_back();
                    self.hold.begin(&why, true, Duration::ZERO);
                }
            }
        }
        complete
    }

    fn works(&self, called: Instant) {
        self.hold.works(called);
        if let Some(outage) = self.pause.answered(called) {
            self.frame.observer.tell(&Event::ProviderResumed(outage));
            let outage_ms = outage.as_millis() as u64;
            tracing::info!(outage_ms, "the embedding provider answers again");
        }
    }

    fn leave_alone(&self, called: Instant, why: &str, wanted: Option<Duration>) {
        if let Some(pause) = self.pause.failed(called, why, wanted) {
            self.frame.observer.tell(&Event::ProviderPaused(pause));
            let pause_ms = pause.as_millis() as u64;
            tracing::warn!(pause_ms, error = why, "the embedding provider cannot answer now; pausing it");
        }
    }

    /// Whether nothing is to be embedded for longer than jobs may wait.
    fn held(&self) -> Option<Held> {
        let left = self.left.count();
        if left > self.left_max {
            let why = format!("{left} calls of the embedding provider do not end; a restart ends them");
            self.hold.begin(&why, false, Duration::ZERO);
        }
        if let Some(Paused::TooLong(why, until)) = self.pause.now() {
            let why = format!("the embedding provider does not answer for now: {why}");
            self.hold.begin(&why, false, until.saturating_duration_since(Instant::now()));
        }
        self.hold.now()
    }

    /// The jobs that wait go back to the queue, for other instances.
    fn put_back(&self, held: &Held) {
        let Held { why, unfit, left: lasts } = held;
        let ending = || Ending::Held { why: why.to_string(), lasts: *lasts, unfit: *unfit };
        self.flight.sweep().iter().for_each(|ticket| ticket.end(ending()));
        // Their batches are let go of.
        self.flight.sweep();
    }

    /// The jobs wait while the provider is left alone for a moment. They are looked at again.
    fn wait(&self, until: Instant) {
        self.flight.sweep().iter().for_each(|ticket| ticket.excuse(until.into_std()));
        let Some(time) = self.pause.next_look() else { return };
        let (own, looks) = (self.own.clone(), self.looks.clone());
        warmer_supervision::spawn("end of a pause", async move {
            sleep(time).await;
            // One for each worker: the pause may be over by then.
            (0..own.limits().workers).for_each(|_| look(&own, &looks));
        });
    }

    /// Hands a batch to the Storer; its permit is given back only when the Storer has taken it.
    async fn forward(&self, waiting: Waiting, seat: &Seat) -> Result<(), Crash> {
        let Waiting { batch, permit, step } = waiting;
        step.turn(Doing::Wait(Wait::NextStage));
        let ticket = batch.part.ticket().clone();
        if ticket.is_over() {
            return Ok(());
        }
        tokio::select! {
            sent = blocked(seat, Wait::NextStage, self.next.send(Finished::Texts(batch))) => sent?,
            () = ticket.over() => {}
        }
        drop(permit);
        Ok(())
    }
}

/// Has a worker look for texts, unless as many as there are workers are going to.
fn look(own: &Mailbox<Embed>, looks: &AtomicUsize) {
    let workers = own.limits().workers.max(1);
    let one_more = |looks| (looks < workers).then_some(looks + 1);
    if looks.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).is_ok() {
        own.notify(Embed::Look);
    }
}

/// What a worker waits for is no work.
async fn blocked<T>(seat: &Seat, wait: Wait, something: impl Future<Output = T>) -> T {
    seat.turn(Activity::Blocked(wait));
    let had = something.await;
    seat.turn(Activity::Busy);
    had
}

#[cfg(test)]
mod tests;
