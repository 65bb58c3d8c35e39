//! Sentences about what gets a job by itself.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::future::join_all;

use super::Bench;
use super::fixture::*;
use crate::*;

const HOUR: Duration = Duration::from_hours(1);

/// A repository that is checked so often.
async fn followed(bench: &Bench, remote: &str, refresh: Refresh) -> RepositoryId {
    let id = bench.repository(remote).await;
    let policy = Policy { refresh: Some(refresh), rank: -3, ..Policy::default() };
    assert!(bench.store.set_policy(id, &policy).await.unwrap());
    id
}

async fn page(bench: &Bench, after: Option<RepositoryId>, limit: u32) -> Scheduled {
    bench.store.enqueue_due(after, limit, Duration::ZERO).await.unwrap()
}

/// Until the next is due, where none is now.
async fn next(bench: &Bench) -> Duration {
    let Scheduled { enqueued: 0, last: None, next: Some(next) } = page(bench, None, 100).await else {
        panic!("one is due, or none ever is")
    };
    next
}

fn about(found: Duration, expected: Duration) {
    assert!(found.abs_diff(expected) < MINUTE / 6, "{found:?} instead of {expected:?}");
}

pub(crate) async fn what_is_due_gets_a_job_and_nothing_else(bench: &Bench) {
    let every = || Refresh::Every(10 * MINUTE);
    let due = followed(bench, "/due", every()).await;
    let paused = followed(bench, "/paused", every()).await;
    bench.store.set_state(paused, RepositoryState::Paused).await.unwrap();
    let queued = followed(bench, "/queued", every()).await;
    bench.store.enqueue(queued, Enqueue { rank: 5, ..Enqueue::default() }).await.unwrap();
    bench.start(followed(bench, "/running", every()).await).await;
    bench.repository("/only when asked").await;
    assert_eq!(page(bench, None, 100).await, Scheduled { enqueued: 1, last: None, next: None });
    let of_queued = JobFilter { state: Some(JobState::Queued), ..JobFilter::default() };
    let jobs = bench.store.jobs(&of_queued).await.unwrap();
    let told: Vec<_> = jobs.iter().map(|job| (job.repository, job.rank, job.merged)).collect();
    assert_eq!(told, [(due, -3, 0), (queued, 5, 0)]);
    assert_eq!(page(bench, None, 100).await.enqueued, 0, "it has one now");
}

pub(crate) async fn a_page_ends_where_the_next_begins(bench: &Bench) {
    let every = || Refresh::Every(10 * MINUTE);
    bench.repository("/only when asked").await;
    followed(bench, "/a", every()).await;
    let b = followed(bench, "/b", every()).await;
    followed(bench, "/c", every()).await;
    assert_eq!(page(bench, None, 2).await, Scheduled { enqueued: 2, last: Some(b), next: None });
    assert_eq!(page(bench, Some(b), 2).await, Scheduled { enqueued: 1, last: None, next: None });
}

pub(crate) async fn an_interval_counts_from_the_last_attempt(bench: &Bench) {
    let repository = followed(bench, "/a", Refresh::Every(10 * MINUTE)).await;
    for how in [fresh(), cancelled()] {
        let claim = bench.start(repository).await;
        // It ends with it, whether or not it was done before a person took it out.
        bench.store.cancel(claim.job).await.unwrap();
        bench.clock.forward(HOUR).await;
        bench.settle(&claim, how).await;
        about(next(bench).await, 10 * MINUTE);
        bench.clock.forward(10 * MINUTE).await;
    }
    assert_eq!(page(bench, None, 100).await.enqueued, 1);
}

pub(crate) async fn an_adaptive_interval_is_half_the_age_of_the_commit(bench: &Bench) {
    let repository = followed(bench, "/a", Refresh::Adaptive).await;
    bench.warm(repository, None, "c0", &[("f", "text")]).await;
    about(next(bench).await, Duration::from_secs(45));
    let ages = [(MINUTE, Duration::from_secs(45)), (2 * HOUR, HOUR), (30 * DAY, 8 * HOUR)];
    for (number, (age, interval)) in ages.into_iter().enumerate() {
        let now = bench.store.repository(repository).await.unwrap().unwrap().served_at.unwrap();
        publish(bench, repository, number, Some(now - age)).await;
        about(next(bench).await, interval);
    }
}

/// The commit after number `number`, made at this time.
async fn publish(bench: &Bench, repository: RepositoryId, number: usize, committed_at: Option<SystemTime>) {
    let claim = bench.start(repository).await;
    let (base, commit) = (format!("c{number}"), format!("c{}", number + 1));
    let publication = Publication { committed_at, ..publication(&claim, Some(&base), &commit) };
    assert!(matches!(bench.store.publish(&publication).await.unwrap(), Published::Done { .. }));
}

pub(crate) async fn failures_double_the_interval(bench: &Bench) {
    let repository = followed(bench, "/a", Refresh::Every(HOUR)).await;
    for hours in [2, 4, 8, 8] {
        let claim = bench.start(repository).await;
        bench.settle(&claim, Settlement::Dead { error: "no such ref".into() }).await;
        about(next(bench).await, hours * HOUR);
    }
    followed(bench, "/a", Refresh::Every(9 * HOUR)).await;
    about(next(bench).await, 9 * HOUR);
    followed(bench, "/a", Refresh::Every(HOUR)).await;
    let claim = bench.start(repository).await;
    bench.settle(&claim, fresh()).await;
    about(next(bench).await, HOUR);
}

pub(crate) async fn paused_and_quarantined_repositories_are_left_alone(bench: &Bench) {
    let repository = followed(bench, "/a", Refresh::Every(HOUR)).await;
    for state in [RepositoryState::Paused, RepositoryState::Quarantined] {
        bench.store.set_state(repository, state).await.unwrap();
        assert_eq!(page(bench, None, 100).await, Scheduled::default(), "{state:?}");
    }
    bench.store.set_state(repository, RepositoryState::Dead).await.unwrap();
    assert_eq!(page(bench, None, 100).await.enqueued, 1, "it may be alive again");
    let claim = bench.start(repository).await;
    bench.settle(&claim, Settlement::Dead { error: "no such ref".into() }).await;
    bench.store.set_state(repository, RepositoryState::Active).await.unwrap();
    assert_eq!(page(bench, None, 100).await.enqueued, 1, "a person wants it looked at now");
    assert_eq!(bench.store.repository(repository).await.unwrap().unwrap().failures, 0);
}

pub(crate) async fn failures_in_a_row_are_counted(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let failures = async || bench.store.repository(repository).await.unwrap().unwrap().failures;
    let lost = Settlement::Lost { error: "a worker died".into(), progressed: false };
    let dead = Settlement::Dead { error: "no such ref".into() };
    let endings = [(retry("down"), 0), (lost, 0), (cancelled(), 0), (dead.clone(), 1), (dead, 2), (fresh(), 0)];
    for (how, counted) in endings {
        bench.store.enqueue(repository, Enqueue { force: true, ..Enqueue::default() }).await.unwrap();
        let claim = bench.claim(bench.instance().await).await.expect("it is queued");
        bench.settle(&claim, how).await;
        assert_eq!(failures().await, counted);
    }
    let claim = bench.start(repository).await;
    bench.settle(&claim, Settlement::Dead { error: "no such ref".into() }).await;
    bench.warm(repository, None, "c1", &[("f", "text")]).await;
    assert_eq!(failures().await, 0, "also after a publication");
}

pub(crate) async fn a_repository_fails_since_the_first_failure_in_a_row(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let since = async || bench.store.repository(repository).await.unwrap().unwrap().failing_since;
    let end = async |how| {
        bench.clock.forward(HOUR).await;
        bench.store.enqueue(repository, Enqueue { force: true, ..Enqueue::default() }).await.unwrap();
        let claim = bench.claim(bench.instance().await).await.expect("it is queued");
        bench.settle(&claim, how).await;
    };
    end(cancelled()).await;
    assert_eq!(since().await, None, "nothing failed");
    end(retry("down")).await;
    let first = since().await.expect("an attempt failed");
    end(retry("down")).await;
    end(Settlement::Dead { error: "no such ref".into() }).await;
    assert_eq!(since().await, Some(first), "the first of them tells");
    end(fresh()).await;
    assert_eq!(since().await, None);
    end(Settlement::Dead { error: "no such ref".into() }).await;
    assert!(since().await.expect("an attempt failed") > first + 3 * HOUR, "another row of failures");
}

pub(crate) async fn schedules_of_many_instances_leave_one_job_each(bench: &Bench) {
    for number in 0..20 {
        followed(bench, &format!("/{number}"), Refresh::Adaptive).await;
    }
    let scheduling = (0..8).map(|_| {
        let store = Arc::clone(&bench.store);
        tokio::spawn(async move { store.enqueue_due(None, 100, Duration::ZERO).await.unwrap().enqueued })
    });
    let enqueued: u32 = join_all(scheduling).await.into_iter().map(Result::unwrap).sum();
    // Who meets a repository that another is looking at leaves it to that one.
    assert_eq!(enqueued + page(bench, None, 100).await.enqueued, 20);
    let jobs = bench.store.jobs(&JobFilter::default()).await.unwrap();
    assert_eq!((jobs.len(), jobs.iter().map(|job| job.merged).sum::<u32>()), (20, 0));
}
