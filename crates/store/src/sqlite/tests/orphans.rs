//! Jobs of a pipeline that died.

use std::sync::Arc;
use std::time::Duration;

use super::{bench, pipeline};
use crate::conformance::Bench;
use crate::conformance::fixture::*;
use crate::sqlite::Sqlite;
use crate::*;

/// The pipeline dies with all it runs, and another takes over.
async fn die(store: Arc<Sqlite>, directory: &std::path::Path) -> Arc<Sqlite> {
    store.close().await;
    assert_eq!(Arc::strong_count(&store), 1, "the lock goes with the last owner");
    drop(store);
    Arc::new(pipeline(directory).await)
}

async fn claim(store: &Sqlite, instance: InstanceId) -> Option<Claim> {
    store.claim(instance, &ClaimFilter { heavy: true, ..ClaimFilter::default() }).await.unwrap()
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
    assert_eq!(bench.settle(&zombie, fresh()).await, None);
    assert_eq!(bench.store.publish(&publication(&zombie, None, "c1")).await.unwrap(), Published::Stale);
    assert_eq!(bench.store.counters().stale_finishes, 2);
    assert_eq!(bench.paths(repository).await, Vec::<String>::new());
}

#[tokio::test]
async fn jobs_that_only_the_dead_could_take_are_taken_out() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(pipeline(directory.path()).await);
    let dead = InstanceId::random();
    store.register(dead, 4, "test", Takes::Any).await.unwrap();
    let mut jobs = Vec::new();
    let hourly = Policy { refresh: Some(Refresh::Every(Duration::from_hours(1))), ..Policy::default() };
    for (remote, pinned) in [("/cancelled", None), ("/running", Some(dead)), ("/queued", Some(dead))] {
        let repository = store.add_repository(remote, None).await.unwrap().id;
        store.set_policy(repository, &hourly).await.unwrap();
        jobs.push(store.enqueue(repository, Enqueue { pinned, ..Enqueue::default() }).await.unwrap().job);
    }
    for job in &jobs[..2] {
        assert_eq!(claim(&store, dead).await.map(|claim| claim.job), Some(*job));
    }
    assert_eq!(store.cancel(jobs[0]).await.unwrap(), Cancel::Asked);
    let store = die(store, directory.path()).await;
    assert_eq!(store.jobs(&JobFilter::default()).await.unwrap(), []);
    assert_eq!(
        store.enqueue_due(None, 9, Duration::ZERO).await.unwrap().enqueued,
        0,
        "what was taken out is not due before its time"
    );
    let expected = [AttemptOutcome::Crashed, AttemptOutcome::Cancelled, AttemptOutcome::Cancelled];
    for (job, outcome) in jobs.into_iter().zip(expected) {
        assert_eq!(store.attempts(AttemptFilter::Job(job), 1).await.unwrap()[0].outcome, outcome);
    }
}
