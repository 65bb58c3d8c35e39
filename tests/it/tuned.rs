//! Pools, mailboxes and permits of other sizes while they are at work: nothing is lost, and nothing is done twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use warmer_pipeline::{Edge, Settings, Stage, Tuner};
use warmer_store::AttemptOutcome;
use warmer_tests::faults::{At, Hold, Kind};
use warmer_tests::inside::{Inside, Line, until};
use warmer_tests::{GIT, Need, Repo, needs};

/// Sizes that follow one another: each pool grows and shrinks, and no two at the same pace.
fn sized(settings: &Settings, round: usize) -> Settings {
    let mut next = settings.clone();
    let at = |pace: usize, most: usize| 1 + (round / pace) % most;
    next.claimer.concurrency = 1 + at(5, 4);
    next.fill.concurrency = at(7, 3);
    next.fetcher.workers = at(1, 4);
    next.hasher.workers = at(2, 5);
    next.embedder.workers = at(3, 4);
    next.storer.workers = at(1, 3);
    (next.hasher.mailbox, next.embedder.mailbox, next.storer.mailbox) = (at(1, 3), at(2, 4), at(3, 2));
    (next.hasher.mailbox_size, next.storer.mailbox_size) = (1 << (12 + round % 10), 1 << (12 + round % 8));
    next
}

/// Resizes everything until it is told to end; how often.
async fn resize(tuner: Tuner, settings: Settings, ends: Arc<AtomicBool>) -> usize {
    let mut rounds = 0;
    while !ends.load(SeqCst) {
        tuner.tune(sized(&settings, rounds));
        rounds += 1;
        // The stages have their turn in between.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }
    rounds
}

/// Warms these while everything is resized; how the refreshes ended, and how often that was done.
async fn warmed(inside: &Inside, repos: &[Repo]) -> (Vec<AttemptOutcome>, usize) {
    let mut jobs = vec![];
    for repo in repos {
        jobs.push(inside.enqueue(repo).await);
    }
    let mut line: Line = inside.start().await;
    let ends = Arc::new(AtomicBool::new(false));
    let resizing = tokio::spawn(resize(line.running.tuner(), inside.settings.clone(), ends.clone()));
    let ended = line.ends(&jobs).await;
    line.filled(inside.store.as_ref()).await;
    ends.store(true, SeqCst);
    let rounds = resizing.await.expect("it does not panic");
    line.running.stop(Duration::ZERO).await;
    (jobs.iter().map(|job| ended[job].outcome).collect(), rounds)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sizes_that_change_all_the_while_change_nothing_in_the_end_whatever_fails() {
    needs!(GIT, Need::Runtime);
    let repos = [Repo::generated(70, 1_200, 3), Repo::generated(30, 600, 4)];
    let undisturbed = Inside::new().await;
    assert_eq!(undisturbed.warm(&repos.each_ref()).await, [AttemptOutcome::Warmed; 2]);
    let expected = undisturbed.database().dump_served();
    let mut resized = 0;
    for stage in Stage::ALL {
        for kind in Kind::ALL {
            let fault = Arc::new(At::new(stage, Edge::Before, kind, 1));
            let mut inside = Inside::with(fault.clone()).await;
            inside.settings.embedder.text_deadline = Duration::from_millis(500);
            let stall = if kind == Kind::Stall { Duration::from_secs(1) } else { Duration::from_secs(600) };
            inside.settings.claimer.stall = stall;
            let (outcomes, rounds) = warmed(&inside, &repos).await;
            let what = format!("{stage:?} {kind:?}, {rounds} sizes");
            assert_eq!(outcomes, [AttemptOutcome::Warmed; 2], "{what}");
            assert_eq!(fault.fired.load(SeqCst), 1, "{what}");
            assert!(inside.database().dump_served() == expected, "{what}");
            let counts = inside.database().counts();
            assert_eq!((counts.jobs, counts.staged), (0, 0), "{what}");
            inside.database().assert_whole();
            resized += rounds;
        }
    }
    assert!(resized > 100, "{resized} sizes are few");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_that_grows_takes_what_waits_and_one_that_shrinks_ends_what_it_holds() {
    needs!(GIT, Need::Runtime);
    let hold = Arc::new(Hold::new(Stage::Fetcher, Edge::Before));
    let mut inside = Inside::with(hold.clone()).await;
    inside.settings.claimer.stall = Duration::from_secs(3_600);
    (inside.settings.claimer.concurrency, inside.settings.fetcher.workers) = (2, 1);
    let repos: Vec<_> = (0..6).map(|seed| Repo::generated(3, 200, seed)).collect();
    let mut jobs = vec![];
    for repo in &repos {
        jobs.push(inside.enqueue(repo).await);
    }
    let mut line = inside.start().await;
    hold.reached(1).await;
    let with = |concurrency, workers| {
        let mut settings = inside.settings.clone();
        (settings.claimer.concurrency, settings.fetcher.workers) = (concurrency, workers);
        line.running.tuner().tune(settings);
    };
    with(5, 4);
    hold.reached(4).await;
    let claims = || line.running.ledger.count().refreshes;
    until(|| claims() == 5).await;
    with(1, 1);
    assert_eq!(claims(), 5, "what runs goes on");
    hold.release();
    let ends = line.ends(&jobs).await;
    assert!(jobs.iter().all(|job| ends[job].outcome == AttemptOutcome::Warmed), "{ends:?}");
    assert_eq!(line.running.mailboxes.fetcher.limits().workers, 1);
    let rows = inside.store.status().await.expect("figures").instances;
    assert_eq!(rows.len(), 1);
    line.running.stop(Duration::ZERO).await;
}
