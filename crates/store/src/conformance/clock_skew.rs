//! Sentences about moments that a clock which ran ahead left behind.

use std::time::Duration;

use super::Bench;
use super::fixture::*;
use crate::*;

const HOUR: Duration = Duration::from_hours(1);
const AHEAD: Duration = Duration::from_hours(400 * 24);

async fn end_future(bench: &Bench) -> u64 {
    bench.store.end_future(2 * HOUR).await.unwrap()
}

async fn follow(bench: &Bench, remote: &str) -> RepositoryId {
    let id = bench.repository(remote).await;
    let policy = Policy { refresh: Some(Refresh::Every(10 * MINUTE)), ..Policy::default() };
    assert!(bench.store.set_policy(id, &policy).await.unwrap());
    id
}

pub(crate) async fn what_was_tried_or_made_in_the_future_is_due_again(bench: &Bench) {
    bench.clock.forward(AHEAD).await;
    let tried = follow(bench, "/tried").await;
    bench.warm(tried, None, "c1", &[]).await;
    follow(bench, "/never tried").await;
    bench.clock.back(AHEAD).await;
    assert_eq!(bench.enqueue_due().await, 0, "as if it were due in a year");
    assert!(end_future(bench).await >= 2);
    assert_eq!(end_future(bench).await, 0, "told once");
    assert_eq!(bench.enqueue_due().await, 1, "never tried, so at once");
    bench.clock.forward(11 * MINUTE).await;
    assert_eq!(bench.enqueue_due().await, 1, "an interval after now");
    let row = bench.store.repository(tried).await.unwrap().expect("it is followed");
    for time in [row.published_at, row.served_at] {
        assert!(time.expect("it was published") < std::time::SystemTime::now() + HOUR, "{time:?}");
    }
}

pub(crate) async fn a_job_put_off_by_a_clock_that_ran_ahead_is_due_and_a_backoff_stands(bench: &Bench) {
    let repository = bench.repository("/before").await;
    let claim = bench.start(repository).await;
    bench.clock.forward(AHEAD).await;
    bench.settle(&claim, retry("down")).await;
    bench.enqueue(bench.repository("/ahead").await).await;
    bench.clock.back(AHEAD).await;
    let later = bench.repository("/backoff").await;
    bench.store.enqueue(later, Enqueue { delay: HOUR, ..Enqueue::default() }).await.unwrap();
    let instance = bench.instance().await;
    assert_eq!(bench.claim(instance).await, None);
    assert_eq!(end_future(bench).await, 6, "two repositories, two jobs, an attempt and its count");
    let mut taken = vec![];
    while let Some(claim) = bench.claim(instance).await {
        taken.push(claim.repository.remote);
    }
    taken.sort();
    assert_eq!(taken, ["/ahead", "/before"]);
    assert!(bench.next_due(None).await.is_some_and(|due| due > 50 * MINUTE));
}

pub(crate) async fn an_instance_seen_in_the_future_is_not_alive_for_ever(bench: &Bench) {
    bench.clock.forward(AHEAD).await;
    bench.instance().await;
    bench.clock.back(AHEAD).await;
    end_future(bench).await;
    bench.clock.forward(MINUTE).await;
    assert_eq!(bench.store.status().await.unwrap().active_workers, 0);
}

pub(crate) async fn what_ended_in_the_future_is_not_recent_for_ever(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.clock.forward(AHEAD).await;
    let claim = bench.start(repository).await;
    bench.settle(&claim, fresh()).await;
    bench.clock.back(AHEAD).await;
    end_future(bench).await;
    bench.clock.forward(6 * MINUTE).await;
    assert!(bench.store.status().await.unwrap().completed_per_min < 0.1);
}

pub(crate) async fn what_was_marked_in_the_future_goes_a_term_after_now(bench: &Bench) {
    bench.put("one two ").await;
    bench.clock.forward(AHEAD).await;
    assert!(bench.collect().await.artifacts_marked > 0);
    bench.clock.back(AHEAD).await;
    assert!(end_future(bench).await > 0);
    bench.clock.forward(DAY / 2).await;
    assert_eq!(bench.collect().await.artifacts_deleted, 0, "not sooner");
    bench.clock.forward(DAY).await;
    assert_eq!(bench.collect().await.artifacts_deleted, 1);
}
