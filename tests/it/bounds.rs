//! The bounds as equations: claims (W-4), messages and bytes (W-6), texts (W-5), restarts (W-8).

use std::sync::Arc;
use std::time::Duration;

use warmer_pipeline::{Edge, Ending, Event, Stage};
use warmer_store::{AttemptFilter, AttemptOutcome, ClaimFilter, JobFilter, JobState};
use warmer_tests::faults::{At, Hold, Kind};
use warmer_tests::inside::Inside;
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
    let limits =
        [settings.fetcher.limits(), settings.hasher.limits(), settings.embedder.limits(), settings.storer.limits()];
    hold.reached(1).await;
    // Every stage behind the held one fills up; each one that is full is seen by a sender that waits in front of it.
    let full = || line.running.mailboxes.gauges()[1..].iter().zip(&limits[1..]).all(|(g, l)| g.inside == l.permits());
    until(full).await;
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
    until(|| line.running.ledger.count().open == heavy).await;
    let running = inside.store.running(inside.tools.identity.get()).await.expect("rows");
    assert_eq!(running.len(), heavy, "rows that run = claims in the ledger");
    hold.release();
    let ends = line.ends(&jobs).await;
    assert!(ends.values().all(|ended| ended.outcome == AttemptOutcome::Warmed), "{ends:?}");
    for (gauges, limits) in line.running.mailboxes.gauges().iter().zip(limits) {
        assert!(gauges.peak <= limits.permits(), "{gauges:?} over {limits:?}");
        assert!(gauges.peak_bytes <= limits.mailbox_bytes, "{gauges:?} over {limits:?}");
    }
    let peak = line.running.ledger.count().peak;
    assert!((heavy..=settings.claimer.concurrency).contains(&peak), "{peak}");
    line.running.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_with_the_same_texts_embed_each_once_though_the_first_is_cancelled() {
    needs!(GIT, Need::Runtime);
    let hold = Arc::new(Hold::new(Stage::Embedder, Edge::Before));
    let inside = Inside::with(hold.clone()).await;
    let (one, two) = (Repo::generated(20, 1_000, 9), Repo::generated(20, 1_000, 9));
    let first = inside.enqueue(&one).await;
    let mut line = inside.start().await;
    hold.reached(1).await;
    let second = inside.enqueue(&two).await;
    line.running.wake();
    let mut tickets = vec![];
    while tickets.len() < 2 {
        if let Some(Event::Began(ticket)) = line.events.recv().await {
            tickets.push(ticket);
        }
    }
    until(|| tickets[1].counters.wanted.get() > 0).await;
    let cancelled = tickets.iter().find(|ticket| ticket.claim.job == first).expect("it began");
    cancelled.end(Ending::Dead("the test cancels it".to_owned()));
    hold.release();
    let ends = line.ends(&[first, second]).await;
    assert_eq!(ends[&second].outcome, AttemptOutcome::Warmed);
    assert_eq!(ends[&first].outcome, AttemptOutcome::Dead);
    let embedded: u64 = tickets.iter().map(|ticket| ticket.counters.embedded.get()).sum();
    let counts = inside.database().counts();
    // A text that was in a worker's hand when the last batch of the cancelled job left is counted for nobody.
    assert!(i64::try_from(embedded).is_ok_and(|embedded| embedded <= counts.vectors), "no text was embedded twice");
    line.running.stop(Duration::ZERO).await;
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
    assert_eq!((running.len(), line.running.measurements().claims.peak), (1, 1));
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

/// Waits for what another task will make true, giving way in between.
async fn until(mut holds: impl FnMut() -> bool) {
    let waited = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waited).await.expect("it never came to hold");
}
