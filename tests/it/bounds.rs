//! The bounds as equations: claims (W-4), messages and bytes (W-6), texts (W-5), restarts (W-8).

use std::cell::Cell;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use warmer_pipeline::{Edge, Ending, Event, Faults, Settings, Stage, Ticket};
use warmer_store::{AttemptFilter, AttemptOutcome, ClaimFilter, JobFilter, JobState, Lane};
use warmer_supervision::{Crash, Limits, Wait};
use warmer_tests::faults::{At, Hold, Kind};
use warmer_tests::inside::{Inside, Line, until};
use warmer_tests::{GIT, Need, Repo, needs};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_storer_held_claims_and_mailboxes_are_exactly_full_and_no_more() {
    needs!(GIT, Need::Runtime);
    let hold = Arc::new(Hold::new(Stage::Storer, Edge::Before));
    let mut inside = Inside::with(hold.clone()).await;
    inside.settings.claimer.stall = Duration::from_secs(3_600);
    let repos: Vec<_> = (0..6).map(|seed| Repo::generated(400, 200, seed)).collect();
    let mut jobs = vec![];
    for repo in &repos {
        jobs.push(inside.enqueue(repo).await);
    }
    let mut line = inside.start().await;
    let settings = &inside.settings;
    let limits = limits(settings);
    hold.reached(1).await;
    // Every stage before the held one fills up; each one that is full is seen by a sender that waits in front of it.
    let is_full =
        |stage: Stage| line.running.mailboxes.gauges()[stage as usize].inside == limits[stage as usize].permits();
    until(|| is_full(Stage::Hasher) && is_full(Stage::Storer)).await;
    // One place of the process is for checks; the jobs without a slot are back in the queue.
    let heavy = settings.claimer.concurrency.min(settings.fetcher.workers) - 1;
    let queued = JobFilter { state: Some(JobState::Queued), ..JobFilter::default() };
    let waiting = async || inside.store.jobs(&queued).await.expect("rows").iter().filter(|job| job.heavy).count();
    let all_wait = async {
        while waiting().await < repos.len() - heavy {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), all_wait).await.expect("who has no slot goes back");
    until(|| line.running.ledger.count().refreshes == heavy).await;
    let running = inside.store.running(inside.tools.identity.get()).await.expect("rows");
    assert_eq!(running.len(), heavy, "rows that run = claims in the ledger");
    let hashers = |line: &Line| line.running.measurements().workers[Stage::Hasher as usize];
    let before = Cell::new(hashers(&line));
    let are_blocked = || {
        let now = hashers(&line);
        let since = now.since(&before.replace(now));
        since.busy.is_zero() && since.starved.is_zero() && !since.blocked_by(Wait::NextStage).is_zero()
    };
    until(are_blocked).await;
    hold.release();
    let ends = line.ends(&jobs).await;
    assert!(jobs.iter().all(|job| ends[job].outcome == AttemptOutcome::Warmed), "{ends:?}");
    line.filled(inside.store.as_ref()).await;
    for (gauges, limits) in line.running.mailboxes.gauges().iter().zip(limits) {
        assert!(gauges.peak <= limits.permits(), "{gauges:?} over {limits:?}");
        assert!(gauges.peak_bytes <= limits.mailbox_bytes, "{gauges:?} over {limits:?}");
    }
    let peak = line.running.ledger.count().refreshes_peak;
    assert!((heavy..=settings.claimer.concurrency).contains(&peak), "{peak}");
    line.running.stop(Duration::ZERO).await;
}

/// The mailboxes of all stages, in the order of [`Stage::ALL`].
fn limits(settings: &Settings) -> [Limits; 5] {
    let Settings { fetcher, hasher, fill, embedder, storer, .. } = settings;
    [fetcher.limits(), hasher.limits(), fill.limits(), embedder.limits(), storer.limits()]
}

/// W-15: whatever the Embedder does, what is pushed is served; and what waits for it is bounded.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_embedder_held_fills_are_exactly_full_and_every_refresh_is_served() {
    needs!(GIT, Need::Runtime);
    let hold = Arc::new(Hold::new(Stage::Embedder, Edge::Before));
    let mut inside = Inside::with(hold.clone()).await;
    (inside.settings.claimer.stall, inside.settings.embedder.mailbox) = (Duration::from_secs(3_600), 4);
    let mut repos: Vec<_> = (0..6).map(|seed| Repo::generated(400, 200, seed)).collect();
    let mut line = inside.start().await;
    for _ in 0..2 {
        let mut jobs = vec![];
        for repo in &repos {
            jobs.push(inside.enqueue(repo).await);
        }
        line.running.wake();
        let ends = line.ends(&jobs).await;
        assert!(jobs.iter().all(|job| ends[job].outcome == AttemptOutcome::Warmed), "{ends:?}");
        for repo in &mut repos {
            // More than one batch, and what two fills bring is more than there is room for.
            let lines = (0..10_000).map(|line| format!("line {line} of what is pushed meanwhile\n"));
            repo.write("pushed.txt", lines.collect::<String>()).commit("pushed");
        }
    }
    let limits = limits(&inside.settings);
    let gauges = || line.running.mailboxes.gauges();
    until(|| gauges()[Stage::Embedder as usize].inside == limits[Stage::Embedder as usize].permits()).await;
    assert_eq!(line.running.ledger.count().fills, inside.settings.fill.concurrency);
    assert_eq!(inside.database().counts().vectors, 0, "none is made");
    hold.release();
    line.filled(inside.store.as_ref()).await;
    for (gauges, limits) in line.running.mailboxes.gauges().iter().zip(limits) {
        assert!(gauges.peak <= limits.permits(), "{gauges:?} over {limits:?}");
        assert!(gauges.peak_bytes <= limits.mailbox_bytes, "{gauges:?} over {limits:?}");
    }
    assert_eq!(line.running.ledger.count().fills_peak, inside.settings.fill.concurrency);
    line.running.stop(Duration::ZERO).await;
    inside.database().assert_whole();
}

/// Holds the Embedder, and knows in which order texts were embedded.
struct Recorder {
    hold: Hold,
    texts: Mutex<Vec<String>>,
}

#[async_trait]
impl Faults for Recorder {
    async fn at(&self, stage: Stage, edge: Edge) -> Result<(), Crash> {
        self.hold.at(stage, edge).await
    }

    fn text(&self, text: &str) {
        self.texts.lock().expect("no panic").push(text.to_owned());
    }
}

/// What is just published finds room behind however much there is in bulk, and is embedded before it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bulk_holds_at_most_three_quarters_of_the_embedders_mailbox_and_lets_what_is_new_go_first() {
    needs!(GIT, Need::Runtime);
    let hold = Hold::new(Stage::Embedder, Edge::Before);
    let recorder = Arc::new(Recorder { hold, texts: Mutex::default() });
    let mut inside = Inside::with(recorder.clone()).await;
    (inside.settings.claimer.stall, inside.settings.embedder.mailbox) = (Duration::from_secs(3_600), 4);
    let (mut repo, room) = (Repo::generated(1_000, 200, 1), 3);
    let refresh = inside.enqueue(&repo).await;
    let mut line = inside.start().await;
    line.ends(&[refresh]).await;
    let held = |line: &Line| line.running.mailboxes.gauges()[Stage::Embedder as usize].inside;
    until(|| held(&line) == room).await;
    repo.write("pushed.txt", "what is pushed meanwhile\n").commit("pushed");
    let refresh = inside.enqueue(&repo).await;
    line.running.wake();
    line.ends(&[refresh]).await;
    let is_new = |ticket: &Arc<Ticket>| ticket.claim.fill.as_ref().is_some_and(|fill| fill.lane == Lane::New);
    until(|| line.running.ledger.tickets().iter().any(is_new)).await;
    until(|| held(&line) == room + 1).await;
    recorder.hold.release();
    line.filled(inside.store.as_ref()).await;
    let at = recorder.texts.lock().expect("no panic").iter().position(|text| text.contains("what is pushed"));
    // Before it come what the workers had in hand, and what one may take while the other lets it in.
    let in_hand = inside.settings.embedder.workers + 1;
    assert!(at.is_some_and(|at| at <= in_hand), "{at:?}");
    line.running.stop(Duration::ZERO).await;
    inside.database().assert_whole();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fills_with_the_same_texts_embed_each_once_though_the_first_is_cancelled() {
    needs!(GIT, Need::Runtime);
    let hold = Arc::new(Hold::new(Stage::Embedder, Edge::Before));
    let mut inside = Inside::with(hold.clone()).await;
    inside.settings.claimer.stall = Duration::from_secs(3_600);
    let (one, two) = (Repo::generated(20, 1_000, 9), Repo::generated(20, 1_000, 9));
    inside.enqueue(&one).await;
    inside.enqueue(&two).await;
    let mut line = inside.start().await;
    let mut fills = vec![];
    while fills.len() < 2 {
        match line.events.recv().await.expect("the pipeline goes on") {
            Event::Began(ticket) if ticket.claim.fill.is_some() => fills.push(ticket),
            _ => {}
        }
    }
    until(|| fills.iter().all(|ticket| ticket.counters.wanted.get() > 0)).await;
    fills[0].end(Ending::Cancelled("the test cancels it".to_owned()));
    hold.release();
    let mut outcomes = vec![];
    while outcomes.len() < 3 {
        match line.events.recv().await.expect("the pipeline goes on") {
            Event::Began(ticket) => fills.push(ticket),
            Event::Ended(ended) if ended.ticket.claim.fill.is_some() => outcomes.push(ended.outcome),
            _ => {}
        }
    }
    outcomes.sort();
    assert_eq!(outcomes, [AttemptOutcome::Filled, AttemptOutcome::Filled, AttemptOutcome::Cancelled]);
    let embedded: u64 = fills.iter().map(|ticket| ticket.counters.embedded.get()).sum();
    let counts = inside.database().counts();
    // A text that was in a worker's hand when the last batch of the cancelled fill left is counted for nobody.
    assert!(i64::try_from(embedded).is_ok_and(|embedded| embedded <= counts.vectors), "no text was embedded twice");
    line.running.stop(Duration::ZERO).await;
    inside.database().assert_whole();
}

/// As after a claim whose acknowledgement was lost: the row runs under this instance, and no ledger knows it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_runs_here_but_is_in_no_ledger_is_given_back() {
    needs!(GIT, Need::Runtime);
    let (inside, repo) = (Inside::new().await, Repo::generated(3, 200, 1));
    let job = inside.enqueue(&repo).await;
    inside.store.register(inside.tools.identity.get(), 4, "test", warmer_store::Takes::Any).await.expect("a row");
    let unheard = inside.store.claim(inside.tools.identity.get(), &ClaimFilter::default()).await.expect("a claim");
    assert_eq!(unheard.map(|claim| claim.job), Some(job));
    let mut line = inside.start().await;
    let ends = line.ends(&[job]).await;
    assert_eq!(ends[&job].outcome, AttemptOutcome::Warmed);
    let attempts = inside.store.attempts(AttemptFilter::Job(job), 10).await.expect("a history");
    let outcomes: Vec<_> = attempts.iter().map(|attempt| attempt.outcome).collect();
    assert_eq!(outcomes, [AttemptOutcome::Warmed, AttemptOutcome::Cancelled]);
    line.running.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_jobs_are_claimed_than_are_allowed_and_none_after_the_end() {
    needs!(GIT, Need::Runtime);
    let hold = Arc::new(Hold::new(Stage::Hasher, Edge::Before));
    let mut inside = Inside::with(hold.clone()).await;
    (inside.settings.claimer.concurrency, inside.settings.claimer.stall) = (1, Duration::from_secs(3_600));
    let repos: Vec<_> = (0..3).map(|seed| Repo::generated(3, 200, seed)).collect();
    for repo in &repos {
        inside.enqueue(repo).await;
    }
    let line = inside.start().await;
    hold.reached(1).await;
    line.running.wake();
    let instance = inside.tools.identity.get();
    let running = inside.store.running(instance).await.expect("rows");
    assert_eq!((running.len(), line.running.measurements().claims.refreshes_peak), (1, 1));
    hold.release();
    line.running.stop(Duration::from_secs(60)).await;
    assert_eq!(inside.store.running(instance).await.expect("rows").len(), 0);
    let left = inside.store.jobs(&JobFilter::default()).await.expect("rows");
    assert!(left.iter().all(|job| job.state == JobState::Queued), "{left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_of_which_nothing_finishes_is_lost_after_the_limit() {
    needs!(GIT, Need::Runtime);
    let hold = Arc::new(Hold::new(Stage::Hasher, Edge::Before));
    let (inside, repo) = (Inside::with(hold.clone()).await, Repo::generated(3, 200, 1));
    let job = inside.enqueue(&repo).await;
    let mut line = inside.start().await;
    hold.reached(1).await;
    let ended = line.ended().await;
    assert_eq!((ended.ticket.claim.job, ended.outcome), (job, AttemptOutcome::Lost));
    assert!(ended.error.as_deref().is_some_and(|why| why.contains("nothing of the job finished")), "{ended:?}");
    assert!(ended.goes_on() && line.running.measurements().totals.attempts[&AttemptOutcome::Lost] == 1);
    hold.release();
    line.running.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_every_intensity_the_tree_gives_up_and_the_job_is_free_again() {
    needs!(GIT, Need::Runtime);
    let mut inside = Inside::with(Arc::new(At::new(Stage::Hasher, Edge::Before, Kind::Panic, usize::MAX))).await;
    let limits = &mut inside.settings.supervision;
    (limits.intensity, limits.line_intensity, limits.root_intensity) = (0, 0, 0);
    let repo = Repo::generated(5, 100, 1);
    let jobs: Vec<_> = [inside.enqueue(&repo).await].into();
    let line = inside.start().await;
    let why = tokio::time::timeout(Duration::from_secs(60), line.running.failed()).await.expect("it gives up");
    assert!(why.contains("gave up"), "{why}");
    line.running.stop(Duration::ZERO).await;
    let again = Inside::reopened(inside).await;
    let job = again.store.job(jobs[0]).await.expect("a row").expect("the job is not lost");
    assert_eq!(job.claim, None, "it is queued again");
}
