//! A fill that meets its fence, or a database that fails, between two of its batches.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;
use tracing::Span;
use warmer_content::{Digest, EmbeddingId, Recipe};
use warmer_store::{
    AttemptFilter, AttemptOutcome, ClaimFilter, FillRequest, JobFilter, JobKind, RepositoryId, RepositoryState,
    Unwanted,
};
use warmer_supervision::{Delivery, Limits, Line, Permit, Seat, Work};

use super::*;
use crate::faults::NoFaults;
use crate::live::Live;
use crate::observer::Observer;
use crate::settings::Settings;
use crate::stage::{Frame, Framed};
use crate::testing::{Bench, ended};
use crate::ticket::Report;

/// Stands in the place of the Embedder: the Filler goes on to its next batch when a test lets go of the last.
struct Taker(mpsc::Sender<Delivery<Embed>>);

impl Work for Taker {
    type Message = Embed;
    type State = ();

    fn state(&self) {}

    async fn handle(&self, (): &mut (), delivery: Delivery<Embed>) -> Result<(), Crash> {
        self.0.send(delivery).await.map_err(|_| Crash("nobody takes it".into()))
    }
}

/// Three batches and a half: one that is taken, one in the mailbox, and one that waits for room while pages are left.
const TEXTS: usize = 450;

/// The next fill of this bench, with `between` done while its third batch waits.
async fn fill(bench: &Bench, between: impl AsyncFnOnce()) -> Report {
    let (tools, limits) = (bench.tools(), Limits { workers: 1, mailbox: 1, mailbox_bytes: 1 << 20 });
    let (next, receiver) = Mailbox::new("embedder", limits);
    let (give, mut batches) = mpsc::channel(1);
    let restarts = Settings::default().supervision.line();
    let line = Line::builder("line", restarts).stage(Arc::new(Taker(give)), receiver, restarts).build();
    let root = line.tree().start().await.expect("it starts");
    let filter = ClaimFilter { kind: JobKind::Fill, embedding: Some(tools.recipe.embedding), ..ClaimFilter::default() };
    let claim = bench.store.claim(bench.instance, &filter).await.expect("a claim").expect("a fill is queued");
    let (report, mut reports) = mpsc::channel(1);
    let (ticket, part) = tools.open(claim, Span::none(), Arc::new(move |ended| drop(report.try_send(ended))));
    let (lease, hold) = (Lease::new(false), Hold::new(Live::default()));
    let frame = Frame { lease: lease.clone(), faults: Arc::new(NoFaults), observer: Observer::default() };
    let stage = Framed { stage: Filler { next, tools, room: Places::new(9), lease, hold }, frame };
    let (queued, permit, seat) = (Instant::now(), Permit::free(), Seat::unmeasured());
    let mut state = ();
    let filling = stage.handle(&mut state, Delivery { message: Lacking { part }, queued, permit, seat });
    let taking = async {
        let first = batches.recv().await.expect("a batch");
        while ticket.counters.wanted.get() < 3 * BATCH_TEXTS as u64 {
            tokio::task::yield_now().await;
        }
        between().await;
        let mut taken = Some(first);
        loop {
            if let Some(Delivery { message: Embed::Texts(texts), .. }) = taken.take()
                && let Some(last) = texts.part.finish()
            {
                let ending = last.ticket().filled();
                last.done(ending);
            }
            tokio::select! {
                biased;
                batch = batches.recv() => taken = batch,
                report = reports.recv() => return report.expect("the parts are home"),
            }
        }
    };
    let (filled, report) = tokio::join!(filling, taking);
    filled.expect("no worker dies");
    root.stop().await;
    report
}

/// The same, with how it is told and what stands in the history and under the repository.
async fn settled(bench: &Bench, repository: RepositoryId, between: impl AsyncFnOnce()) -> AttemptOutcome {
    let (mut settler, mut events) = bench.settler();
    let report = fill(bench, between).await;
    let job = report.ticket.claim.job;
    settler.settle(report.into()).await;
    let told = ended(&mut events);
    let history = bench.store.attempts(AttemptFilter::Job(job), 1).await.expect("a history");
    assert_eq!((history[0].outcome, &history[0].error), (told.outcome, &told.error));
    let coverage = bench.store.coverage(Some(&[repository])).await.expect("a catalogue");
    assert_eq!(coverage[&repository].last_error, None);
    let jobs = bench.store.jobs(&JobFilter::default()).await.expect("a queue");
    assert!(jobs.iter().all(|job| job.last_error.is_none()), "{jobs:?}");
    let why = told.error.as_deref();
    assert_eq!(told.outcome == AttemptOutcome::Cancelled, why.is_some(), "{why:?}");
    told.outcome
}

#[tokio::test]
async fn a_fill_whose_repository_is_paused_is_cancelled_and_goes_on_afterwards() {
    let bench = Bench::new().await;
    let repository = bench.publish("/a", TEXTS).await;
    let set = async |state| bench.store.set_state(repository, state).await.expect("a row");
    let paused = async || assert!(set(RepositoryState::Paused).await);
    assert_eq!(settled(&bench, repository, paused).await, AttemptOutcome::Cancelled);
    set(RepositoryState::Active).await;
    assert_eq!(settled(&bench, repository, async || {}).await, AttemptOutcome::Filled, "it went back");
}

#[tokio::test]
async fn a_fill_whose_generation_retires_is_cancelled_and_one_that_is_rolled_back_in_time_is_not() {
    let bench = Bench::new().await;
    let first = bench.tools().recipe;
    let repository = bench.publish("/a", TEXTS).await;
    let second = Recipe { embedding: EmbeddingId(Digest::of(b"another model")), ..first };
    bench.publish_by("/b", 1, second).await;
    let activate = async |recipe| assert!(bench.store.activate(recipe).await.expect("a store"), "it is there");
    let there = async || activate(second).await;
    let report = fill(&bench, there).await;
    assert_eq!(report.ending, Ending::Cancelled(Unwanted::Retired.to_string()));
    bench.settler().0.settle(report.into()).await;
    activate(first).await;
    let request = FillRequest { repositories: Some(&[repository]), ..FillRequest::all(9) };
    let fills = bench.store.enqueue_fills(first.embedding, request).await.expect("a queue");
    assert_eq!(fills, 1, "none was left queued, and it is made again");
    let there_and_back = async || {
        activate(second).await;
        activate(first).await;
    };
    assert_eq!(settled(&bench, repository, there_and_back).await, AttemptOutcome::Filled);
}

#[tokio::test]
async fn a_database_that_fails_is_told_as_that_and_not_as_a_worker() {
    let bench = Bench::new().await;
    bench.publish("/a", TEXTS).await;
    let Report { ending, .. } = fill(&bench, async || bench.store.close().await).await;
    let why = ending.why().expect("it failed");
    assert!(!why.contains("worker") && !matches!(ending, Ending::Cancelled(_)), "{ending:?}");
}

#[tokio::test]
async fn a_fill_of_what_is_new_goes_back_behind_what_else_is_due_after_its_share() {
    let bench = Bench::new().await;
    bench.publish("/a", TEXTS).await;
    assert_eq!(fill(&bench, async || {}).await.ticket.claim.fill.map(|fill| fill.lane), Some(Lane::Bulk), "all of it");
    let bench = Bench::new().await;
    let share = usize::try_from(SHARD_TEXTS).expect("a small number");
    let repository = bench.publish("/a", 1).await;
    // With the one from before, which nobody has filled yet.
    assert_eq!(bench.publish("/a", share + 100).await, repository);
    let report = fill(&bench, async || {}).await;
    let ticket = report.ticket.clone();
    assert_eq!(ticket.claim.fill.map(|fill| fill.lane), Some(Lane::New), "a push");
    assert_eq!(ticket.counters.wanted.get(), SHARD_TEXTS);
    bench.settler().0.settle(report.into()).await;
    let jobs = bench.store.jobs(&JobFilter::default()).await.expect("a queue");
    let queued: Vec<_> = jobs.iter().filter(|job| job.kind == JobKind::Fill).map(|job| (job.id, job.attempt)).collect();
    assert_eq!(queued, [(ticket.claim.job, 0)], "the rest is the same job's");
}
