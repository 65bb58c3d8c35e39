//! Sentences about how attempts end.

use super::Bench;
use super::fixture::*;
use crate::*;

async fn state(bench: &Bench, repository: RepositoryId) -> RepositoryState {
    bench.store.repository(repository).await.unwrap().unwrap().state
}

fn lost(progressed: bool) -> Settlement {
    Settlement::Lost { error: "a worker died".into(), progressed }
}

fn unfit(error: &str) -> Settlement {
    Settlement::Unfit { after: MINUTE, error: error.into() }
}

pub(crate) async fn a_settlement_of_a_lost_claim_changes_nothing_and_is_counted(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let zombie = bench.start(repository).await;
    bench.settle(&zombie, cancelled()).await;
    let live = bench.claim(bench.instance().await).await.unwrap();
    let before = bench.store.job(live.job).await.unwrap();
    let endings = [fresh(), retry("late"), lost(false), Settlement::Dead { error: "late".into() }, unfit("late")];
    for (number, how) in endings.into_iter().enumerate() {
        assert_eq!(bench.settle(&zombie, how).await, None);
        assert_eq!(bench.store.counters().stale_finishes, number as u64 + 1);
    }
    assert_eq!(bench.store.job(live.job).await.unwrap(), before);
    assert_eq!(state(bench, repository).await, RepositoryState::Active);
    assert!(bench.settle(&live, fresh()).await.is_some());
}

pub(crate) async fn a_lost_acknowledgement_is_recognised(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let endings = [
        fresh(),
        retry("down"),
        Settlement::Deferred { after: MINUTE },
        cancelled(),
        lost(false),
        Settlement::Dead { error: "gone".into() },
        unfit("no disk"),
    ];
    for how in endings {
        bench.store.enqueue(repository, Enqueue { force: true, ..Enqueue::default() }).await.unwrap();
        let claim = bench.claim(bench.instance().await).await.unwrap();
        assert!(bench.settle(&claim, how.clone()).await.is_some());
        assert!(bench.settle(&claim, how).await.is_some());
    }
    assert_eq!(bench.store.counters().stale_finishes, 0);
    assert_eq!(bench.store.attempts(AttemptFilter::Refreshes(repository), 100).await.unwrap().len(), 7);
}

pub(crate) async fn an_attempt_counts_when_it_is_claimed(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let claim = bench.start(repository).await;
    assert_eq!(claim.attempt, 1);
    assert_eq!(bench.store.job(claim.job).await.unwrap().unwrap().attempt, 1);
    bench.settle(&claim, lost(false)).await;
    assert_eq!(bench.claim(bench.instance().await).await.unwrap().attempt, 2);
}

pub(crate) async fn an_attempt_that_progressed_or_was_handed_back_does_not_count(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.enqueue(repository).await;
    let instance = bench.instance().await;
    let harmless = [lost(true), cancelled(), Settlement::Deferred { after: std::time::Duration::ZERO }];
    for how in harmless.into_iter().cycle().take(12) {
        let claim = bench.claim(instance).await.expect("it went back");
        assert_eq!(claim.attempt, 1);
        assert!(bench.settle(&claim, how).await.is_some());
    }
}

pub(crate) async fn used_up_attempts_bury_the_repository(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.enqueue(repository).await;
    let instance = bench.instance().await;
    for attempt in 1..=5 {
        let claim = bench.claim(instance).await.expect("it went back");
        assert_eq!(claim.attempt, attempt);
        let settled = bench.settle(&claim, retry("no route")).await;
        assert_eq!(is_last(&settled), attempt == 5);
        assert_eq!(bench.settle(&claim, retry("no route")).await, settled, "also when its acknowledgement was lost");
        bench.clock.forward(11 * MINUTE).await;
    }
    let buried = bench.store.repository(repository).await.unwrap().unwrap();
    assert_eq!((buried.state, buried.last_error.as_deref()), (RepositoryState::Dead, Some("no route")));
    assert_eq!(bench.store.jobs(&JobFilter::default()).await.unwrap(), []);
    let status = bench.store.status().await.unwrap();
    assert_eq!(status.dead, 1);
}

pub(crate) async fn a_dead_repository_is_tried_once_unless_forced_and_rises_when_it_ends_well(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let claim = bench.start(repository).await;
    bench.settle(&claim, Settlement::Dead { error: "no such ref".into() }).await;
    let claim = bench.start(repository).await;
    assert!(bench.settle(&claim, lost(true)).await.is_some(), "it got somewhere");
    let claim = bench.claim(bench.instance().await).await.expect("it went back");
    assert!(is_last(&bench.settle(&claim, retry("down")).await));
    assert_eq!(state(bench, repository).await, RepositoryState::Dead);
    bench.store.enqueue(repository, Enqueue { force: true, ..Enqueue::default() }).await.unwrap();
    let claim = bench.claim(bench.instance().await).await.expect("a person asked for it");
    assert!(bench.settle(&claim, retry("down")).await.is_some(), "as often as any other");
    bench.clock.forward(11 * MINUTE).await;
    let claim = bench.claim(bench.instance().await).await.expect("it went back");
    assert_eq!(claim.attempt, 2);
    bench.settle(&claim, fresh()).await;
    assert_eq!(state(bench, repository).await, RepositoryState::Active);
}

pub(crate) async fn fresh_means_current_as_of_now(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.warm(repository, None, "c1", &[("f", "text")]).await;
    let before = bench.store.repository(repository).await.unwrap().unwrap();
    bench.clock.forward(MINUTE).await;
    let claim = bench.start(repository).await;
    assert_eq!(claim.repository, before, "a claim shows what is served");
    bench.settle(&claim, fresh()).await;
    let after = bench.store.repository(repository).await.unwrap().unwrap();
    assert!(after.served_at.unwrap().duration_since(before.served_at.unwrap()).unwrap() >= MINUTE);
    assert_eq!(after.served, Some(served("c1")));
}

pub(crate) async fn a_job_that_goes_back_takes_its_follow_up_into_itself(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let claim = bench.start(repository).await;
    let follow_up = Enqueue { full: true, rank: -2, ..Enqueue::default() };
    let folded = bench.store.enqueue(repository, follow_up).await.unwrap().job;
    bench.settle(&claim, retry("down")).await;
    assert_eq!(bench.store.job(folded).await.unwrap(), None);
    let job = bench.store.job(claim.job).await.unwrap().unwrap();
    assert_eq!((job.state, job.full, job.rank), (JobState::Queued, true, -2));
    assert_eq!(job.last_error.as_deref(), Some("down"));
    assert_eq!(bench.claim(bench.instance().await).await, None, "a follow-up that nobody forced keeps the backoff");

    bench.clock.forward(11 * MINUTE).await;
    let claim = bench.claim(bench.instance().await).await.unwrap();
    bench.store.enqueue(repository, Enqueue { force: true, ..Enqueue::default() }).await.unwrap();
    bench.settle(&claim, retry("down")).await;
    let again = bench.claim(bench.instance().await).await;
    assert_eq!(again.map(|claim| claim.job), Some(claim.job), "a forced one does not");
}

pub(crate) async fn a_cancelled_job_leaves_its_follow_up(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let claim = bench.start(repository).await;
    let follow_up = bench.enqueue(repository).await.job;
    bench.take_out(&claim).await;
    assert_eq!(bench.store.job(claim.job).await.unwrap(), None);
    assert_eq!(bench.claim(bench.instance().await).await.map(|claim| claim.job), Some(follow_up));
}

pub(crate) async fn the_history_tells_how_each_attempt_ended(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let claim = bench.start(repository).await;
    bench.clock.forward(MINUTE).await;
    bench.settle(&claim, lost(false)).await;
    let again = bench.claim(bench.instance().await).await.unwrap();
    bench.store.settle(again.id, fresh(), Some(&serde_json::json!({ "files": 3 }))).await.unwrap();
    let history = bench.store.attempts(AttemptFilter::Job(claim.job), 10).await.unwrap();
    let told: Vec<_> = history.iter().map(|one| (one.claim, one.number, one.outcome, one.error.as_deref())).collect();
    let expected =
        [(again.id, 2, AttemptOutcome::Fresh, None), (claim.id, 1, AttemptOutcome::Lost, Some("a worker died"))];
    assert_eq!(told, expected, "latest first");
    assert_eq!(history[0].summary, Some(serde_json::json!({ "files": 3 })));
    assert_eq!(history[1].summary, None, "nobody said what it did");
    assert!(history[1].ended_at.duration_since(history[1].started_at).unwrap() >= MINUTE);
    let limited = bench.store.attempts(AttemptFilter::Refreshes(repository), 1).await.unwrap();
    assert_eq!(limited, history[..1]);
}

pub(crate) async fn the_latest_attempts_of_all_repositories_are_one_list(bench: &Bench) {
    let (plain, branch) =
        (bench.repository("/a").await, bench.store.add_repository("/b", Some("dev")).await.unwrap().id);
    for repository in [plain, branch, plain] {
        let claim = bench.start(repository).await;
        bench.settle(&claim, fresh()).await;
    }
    let told = bench.store.attempts(AttemptFilter::All, 2).await.unwrap();
    let told: Vec<_> = told.iter().map(|one| (one.remote.as_str(), one.reference.as_deref())).collect();
    assert_eq!(told, [("/a", None), ("/b", Some("dev"))], "the latest first, each with its repository's name");
    assert_eq!(bench.store.attempts(AttemptFilter::All, 10).await.unwrap().len(), 3);
}
