//! Jobs of a pipeline that died: nobody is punished who is not to blame.

use std::sync::Arc;
use std::time::Duration;

use super::{bench, change, pipeline};
use crate::conformance::Bench;
use crate::conformance::fixture::*;
use crate::sqlite::Sqlite;
use crate::*;

/// The pipeline dies with all it has in hand, and another takes over.
async fn die(store: Arc<Sqlite>, directory: &std::path::Path) -> Arc<Sqlite> {
    store.close().await;
    assert_eq!(Arc::strong_count(&store), 1, "the lock goes with the last owner");
    drop(store);
    Arc::new(pipeline(directory).await)
}

async fn claim(store: &Sqlite, instance: InstanceId, idle: bool) -> Option<Claim> {
    store.claim(instance, &ClaimFilter { only: None, heavy: true, idle }).await.unwrap()
}

#[tokio::test]
async fn suspects_run_alone_and_first() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(pipeline(directory.path()).await);
    let instance = InstanceId::random();
    store.register(instance, 4, "test").await.unwrap();
    for name in ["/a", "/b"] {
        let repository = store.add_repository(name, None).await.unwrap().id;
        store.enqueue(repository, Enqueue::default()).await.unwrap();
        claim(&store, instance, false).await.expect("it is free");
    }
    let store = die(store, directory.path()).await;
    assert!(!store.heartbeat(instance).await.unwrap(), "who died stays dead");
    let innocent = store.add_repository("/c", None).await.unwrap().id;
    store.enqueue(innocent, Enqueue { rank: -9, ..Enqueue::default() }).await.unwrap();

    let instance = InstanceId::random();
    store.register(instance, 4, "test").await.unwrap();
    let first = claim(&store, instance, true).await.unwrap();
    assert!(first.suspect);
    assert_eq!(first.attempt, 2, "the attempt that crashed counts");
    assert_eq!(claim(&store, instance, true).await, None, "nothing runs beside a suspect");
    assert_eq!(store.settle(first.id, fresh()).await.unwrap(), Settled::Done);
    let second = claim(&store, instance, false).await.unwrap();
    assert_eq!(second.repository.id, innocent, "not alone: a suspect waits");
    assert_eq!(claim(&store, instance, true).await, None, "whatever the caller believes");
    store.settle(second.id, fresh()).await.unwrap();
    let third = claim(&store, instance, true).await.unwrap();
    assert!(third.suspect);
}

#[tokio::test]
async fn for_a_suspect_that_waits_too_long_nothing_else_is_taken() {
    let directory = tempfile::tempdir().unwrap();
    let store = pipeline(directory.path()).await;
    let instance = InstanceId::random();
    store.register(instance, 4, "test").await.unwrap();
    let suspect = store.add_repository("/suspect", None).await.unwrap().id;
    store.enqueue(suspect, Enqueue::default()).await.unwrap();
    change(&store, "UPDATE job SET suspect = 1, run_at = run_at - 110000000").await;
    for name in ["/a", "/b", "/c"] {
        let repository = store.add_repository(name, None).await.unwrap().id;
        store.enqueue(repository, Enqueue::default()).await.unwrap();
    }
    let first = claim(&store, instance, false).await.expect("it has not waited for long");
    change(&store, "UPDATE job SET run_at = run_at - 20000000 WHERE suspect").await;
    assert_eq!(claim(&store, instance, false).await, None, "it comes to rest");
    store.settle(first.id, fresh()).await.unwrap();
    assert!(claim(&store, instance, true).await.unwrap().suspect);
}

#[tokio::test]
async fn only_a_crash_while_alone_leads_to_quarantine() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Arc::new(pipeline(directory.path()).await);
    let guilty = store.add_repository("/guilty", None).await.unwrap().id;
    let innocent = store.add_repository("/innocent", None).await.unwrap().id;
    for repository in [guilty, innocent] {
        store.enqueue(repository, Enqueue::default()).await.unwrap();
    }
    let mut deaths = 0;
    loop {
        let instance = InstanceId::random();
        store.register(instance, 4, "test").await.unwrap();
        let Some(first) = claim(&store, instance, true).await else { break };
        let beside = claim(&store, instance, false).await;
        assert_eq!(first.suspect, beside.is_none());
        if first.repository.id == guilty {
            deaths += 1;
            assert!(deaths <= 4, "the guilty is never found");
            store = die(store, directory.path()).await;
        } else {
            store.settle(first.id, fresh()).await.unwrap();
        }
    }
    assert_eq!(deaths, 4, "once in company, three times alone");
    let state = async |id| store.repository(id).await.unwrap().unwrap().state;
    assert_eq!(state(guilty).await, RepositoryState::Quarantined);
    assert_eq!(state(innocent).await, RepositoryState::Active);
    let status = store.status().await.unwrap();
    assert_eq!((status.quarantined, status.failed_per_min), (1, 1.0), "five crashed attempts in five minutes");

    let bench: Bench = bench(store, directory);
    bench.enqueue(guilty).await;
    let instance = bench.instance().await;
    assert_eq!(bench.claim(instance).await, None);
    bench.store.enqueue(guilty, Enqueue { force: true, ..Enqueue::default() }).await.unwrap();
    let pardoned = bench.claim(instance).await.expect("a person asked for it");
    assert!(!pardoned.suspect);
    bench.settle(&pardoned, fresh()).await;
    let state = bench.store.repository(guilty).await.unwrap().unwrap().state;
    assert_eq!(state, RepositoryState::Active);
}

#[tokio::test]
async fn a_zombie_of_a_pipeline_that_was_given_up_finishes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(pipeline(directory.path()).await);
    let bench: Bench = bench(Arc::clone(&store), directory);
    let repository = bench.repository("/a").await;
    let zombie = bench.start(repository).await;
    bench.put("one ").await;
    bench.store.stage(zombie.id, &[staged("a", "one ")]).await.unwrap();
    store.take_over().await.unwrap();
    assert_eq!(bench.settle(&zombie, fresh()).await, Settled::Stale);
    assert_eq!(bench.store.publish(&publication(&zombie, None, "c1")).await.unwrap(), Published::Stale);
    assert_eq!(bench.store.counters().stale_finishes, 2);
    assert_eq!(bench.paths(repository).await, Vec::<String>::new());
}

#[tokio::test]
async fn jobs_that_only_the_dead_could_take_are_taken_out() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(pipeline(directory.path()).await);
    let dead = InstanceId::random();
    store.register(dead, 4, "test").await.unwrap();
    let mut jobs = Vec::new();
    let hourly = Policy { refresh: Some(Refresh::Every(Duration::from_hours(1))), ..Policy::default() };
    for (remote, pinned) in [("/cancelled", None), ("/running", Some(dead)), ("/queued", Some(dead))] {
        let repository = store.add_repository(remote, None).await.unwrap().id;
        store.set_policy(repository, &hourly).await.unwrap();
        jobs.push(store.enqueue(repository, Enqueue { pinned, ..Enqueue::default() }).await.unwrap().job);
    }
    for job in &jobs[..2] {
        assert_eq!(claim(&store, dead, false).await.map(|claim| claim.job), Some(*job));
    }
    assert_eq!(store.cancel(jobs[0]).await.unwrap(), Cancel::Asked);
    let store = die(store, directory.path()).await;
    assert_eq!(store.jobs(&JobFilter::default()).await.unwrap(), []);
    assert_eq!(store.enqueue_due(None, 9).await.unwrap().enqueued, 0, "what was taken out is not due before its time");
    let expected = [AttemptOutcome::Crashed, AttemptOutcome::Cancelled, AttemptOutcome::Cancelled];
    for (job, outcome) in jobs.into_iter().zip(expected) {
        assert_eq!(store.attempts(AttemptFilter::Job(job), 1).await.unwrap()[0].outcome, outcome);
    }
}
