//! Sentences about jobs that are taken out, and jobs that one instance alone may take.

use super::Bench;
use super::fixture::*;
use crate::*;

async fn outcome(bench: &Bench, job: JobId) -> AttemptOutcome {
    bench.store.attempts(AttemptFilter::Job(job), 1).await.unwrap()[0].outcome
}

async fn enqueue(bench: &Bench, repository: RepositoryId, pinned: Option<InstanceId>) -> JobId {
    bench.store.enqueue(repository, Enqueue { pinned, ..Enqueue::default() }).await.unwrap().job
}

pub(crate) async fn a_queued_job_is_taken_out_at_once(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let policy = Policy { refresh: Some(Refresh::Every(MINUTE)), ..Policy::default() };
    bench.store.set_policy(repository, &policy).await.unwrap();
    let job = bench.enqueue(repository).await.job;
    assert_eq!(bench.store.cancel(job).await.unwrap(), Cancel::Removed);
    assert_eq!(bench.store.job(job).await.unwrap(), None);
    assert_eq!(outcome(bench, job).await, AttemptOutcome::Cancelled);
    assert_eq!(bench.store.cancel(job).await.unwrap(), Cancel::Unknown);
    assert_eq!(bench.enqueue_due().await, 0, "the schedule does not bring it back");
}

pub(crate) async fn a_running_job_that_was_taken_out_does_not_go_back(bench: &Bench) {
    let lost = Settlement::Lost { error: "a worker died".into(), progressed: false };
    for how in [retry("down"), lost, Settlement::Deferred { after: MINUTE }, cancelled()] {
        let repository = bench.repository("/a").await;
        let instance = bench.instance().await;
        bench.enqueue(repository).await;
        let claim = bench.claim(instance).await.unwrap();
        assert_eq!(bench.store.cancel(claim.job).await.unwrap(), Cancel::Asked);
        let running = Running { job: claim.job, claim: claim.id, cancel: true };
        assert_eq!(bench.store.running(instance).await.unwrap(), [running]);
        let follow_up = bench.enqueue(repository).await.job;
        for _ in 0..2 {
            assert!(bench.settle(&claim, how.clone()).await.is_some(), "also when the answer was lost");
        }
        assert_eq!(bench.store.job(claim.job).await.unwrap(), None);
        assert_eq!(outcome(bench, claim.job).await, AttemptOutcome::Cancelled);
        assert_eq!(bench.store.cancel(follow_up).await.unwrap(), Cancel::Removed, "what was asked for later stays");
    }
    assert_eq!(bench.store.counters().stale_finishes, 0);
}

pub(crate) async fn a_job_that_was_taken_out_too_late_ends_as_it_did(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let asked = async || {
        let claim = bench.start(repository).await;
        bench.store.cancel(claim.job).await.unwrap();
        claim
    };
    let claim = asked().await;
    let published = bench.store.publish(&publication(&claim, None, "c1")).await.unwrap();
    assert!(matches!(published, Published::Done { recognised: false, .. }));
    assert_eq!(outcome(bench, claim.job).await, AttemptOutcome::Warmed);
    for (how, ended) in
        [(fresh(), AttemptOutcome::Fresh), (Settlement::Dead { error: "gone".into() }, AttemptOutcome::Dead)]
    {
        let claim = asked().await;
        assert!(bench.settle(&claim, how).await.is_some());
        assert_eq!(outcome(bench, claim.job).await, ended);
    }
}

pub(crate) async fn a_pinned_job_is_taken_by_its_instance_alone(bench: &Bench) {
    let (mine, other) = (bench.instance().await, bench.instance().await);
    let job = enqueue(bench, bench.repository("/a").await, Some(mine)).await;
    let only = ClaimFilter { only: Some(vec![job]), heavy: true, ..ClaimFilter::default() };
    assert_eq!(bench.claim(other).await, None);
    assert_eq!(bench.store.claim(other, &only).await.unwrap(), None);
    assert_eq!(bench.next_due(None).await, None, "nobody but its instance waits for it");
    assert!(bench.next_due(Some(&[job])).await.is_some());
    assert_eq!(bench.claim(mine).await.map(|claim| claim.job), Some(job));
}

pub(crate) async fn the_last_request_decides_on_the_pin(bench: &Bench) {
    let (one, two) = (bench.instance().await, bench.instance().await);
    let repository = bench.repository("/a").await;
    enqueue(bench, repository, Some(one)).await;
    let job = enqueue(bench, repository, Some(two)).await;
    assert_eq!(bench.claim(one).await, None);
    let claim = bench.claim(two).await.expect("it is pinned to this one now");
    enqueue(bench, repository, Some(one)).await;
    bench.settle(&claim, cancelled()).await;
    assert_eq!(bench.claim(two).await, None, "the follow-up was pinned to the other");
    assert_eq!(enqueue(bench, repository, None).await, job);
    assert_eq!(bench.claim(two).await.map(|claim| claim.job), Some(job), "the pin was taken away");
}

pub(crate) async fn pinned_jobs_go_with_their_instance(bench: &Bench) {
    let (mine, other) = (bench.instance().await, bench.instance().await);
    let job = enqueue(bench, bench.repository("/a").await, Some(mine)).await;
    let stays = enqueue(bench, bench.repository("/b").await, Some(other)).await;
    bench.store.retire(mine).await.unwrap();
    assert_eq!(bench.store.job(job).await.unwrap(), None);
    assert_eq!(outcome(bench, job).await, AttemptOutcome::Cancelled);
    assert_eq!(bench.claim(other).await.map(|claim| claim.job), Some(stays));
}

pub(crate) async fn a_pin_to_an_instance_that_ended_is_refused(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let gone = bench.instance().await;
    let pinned = |instance| Enqueue { pinned: Some(instance), ..Enqueue::default() };
    bench.store.retire(gone).await.unwrap();
    let job = enqueue(bench, repository, None).await;
    let error = bench.store.enqueue(repository, pinned(gone)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Gone, "{error}");
    let claim = bench.claim(bench.instance().await).await;
    assert_eq!(claim.map(|claim| claim.job), Some(job), "what was queued before is as it was");
    let to_come = InstanceId::random();
    assert!(bench.store.enqueue(repository, pinned(to_come)).await.is_ok(), "it may register yet");
}
