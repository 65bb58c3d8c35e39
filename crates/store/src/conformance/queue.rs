//! Sentences about enqueueing and claiming.

use std::time::Duration;

use super::Bench;
use super::fixture::*;
use crate::*;

pub(crate) async fn a_repository_has_at_most_one_queued_job(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let one = bench.enqueue(repository).await;
    let two = bench.enqueue(repository).await;
    assert_eq!((one.merged, two.merged), (false, true));
    assert_eq!(one.job, two.job);
    let jobs = bench.store.jobs(&JobFilter::default()).await.unwrap();
    assert_eq!((jobs.len(), jobs[0].merged), (1, 1));
}

pub(crate) async fn folding_keeps_the_earliest_time_the_best_rank_and_every_wish(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let later = Enqueue { rank: 3, delay: 10 * MINUTE, trace: Some(trace(1)), ..Enqueue::default() };
    let sooner = Enqueue { rank: -1, delay: 5 * MINUTE, full: true, ..Enqueue::default() };
    let job = bench.store.enqueue(repository, later.clone()).await.unwrap().job;
    let before = bench.store.job(job).await.unwrap().unwrap();
    bench.store.enqueue(repository, sooner).await.unwrap();
    bench.store.enqueue(repository, later).await.unwrap();
    let after = bench.store.job(job).await.unwrap().unwrap();
    assert!(before.run_at.duration_since(after.run_at).unwrap() > 4 * MINUTE);
    assert_eq!((after.rank, after.full, after.merged), (-1, true, 2));
    bench.clock.forward(6 * MINUTE).await;
    let claim = bench.claim(bench.instance().await).await.unwrap();
    assert!(claim.full);
    assert_eq!(claim.traces, [trace(1)]);
}

pub(crate) async fn an_enqueue_during_a_run_leaves_exactly_one_follow_up(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let claim = bench.start(repository).await;
    let follow_up = bench.enqueue(repository).await;
    assert!(!follow_up.merged);
    assert_eq!(bench.enqueue(repository).await.job, follow_up.job);
    let instance = bench.instance().await;
    assert_eq!(bench.claim(instance).await, None, "not while the repository has a running job");
    assert!(bench.settle(&claim, fresh()).await.is_some());
    assert_eq!(bench.claim(instance).await.map(|claim| claim.job), Some(follow_up.job));
}

pub(crate) async fn only_force_shortens_a_backoff(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let claim = bench.start(repository).await;
    bench.settle(&claim, retry("the remote is down")).await;
    let instance = bench.instance().await;
    assert!(bench.enqueue(repository).await.merged);
    assert_eq!(bench.claim(instance).await, None);
    let forced = Enqueue { force: true, ..Enqueue::default() };
    assert_eq!(bench.store.enqueue(repository, forced).await.unwrap(), Enqueued { job: claim.job, merged: true });
    assert_eq!(bench.claim(instance).await.map(|claim| claim.attempt), Some(2));
}

pub(crate) async fn jobs_are_claimed_by_due_so_that_priorities_age(bench: &Bench) {
    let (a, b, c) = (bench.repository("/a").await, bench.repository("/b").await, bench.repository("/c").await);
    let ranked = |rank| Enqueue { rank, ..Enqueue::default() };
    bench.store.enqueue(a, ranked(2)).await.unwrap();
    bench.clock.forward(6 * MINUTE).await;
    bench.store.enqueue(b, ranked(1)).await.unwrap();
    bench.clock.forward(6 * MINUTE).await;
    bench.store.enqueue(c, ranked(-1)).await.unwrap();
    let instance = bench.instance().await;
    let mut order = Vec::new();
    while let Some(claim) = bench.claim(instance).await {
        order.push(claim.repository.id);
    }
    // Due at 10, 6 + 5 and 12 - 5 minutes: the newest is first by rank, the oldest has overtaken a better rank.
    assert_eq!(order, [c, a, b]);
}

pub(crate) async fn an_instance_that_is_not_registered_or_retired_claims_nothing(bench: &Bench) {
    bench.enqueue(bench.repository("/a").await).await;
    let stranger = InstanceId::random();
    assert_eq!(bench.claim(stranger).await, None);
    assert!(!bench.heartbeat(stranger).await);
    let instance = bench.instance().await;
    assert!(bench.heartbeat(instance).await);
    bench.store.retire(instance).await.unwrap();
    assert!(!bench.heartbeat(instance).await);
    assert_eq!(bench.claim(instance).await, None);
}

pub(crate) async fn a_claim_takes_only_the_jobs_it_was_told_to(bench: &Bench) {
    let (a, b) = (bench.repository("/a").await, bench.repository("/b").await);
    bench.enqueue(a).await;
    let mine = bench.enqueue(b).await.job;
    let instance = bench.instance().await;
    let only = |jobs| ClaimFilter { only: Some(jobs), ..ClaimFilter::default() };
    assert_eq!(bench.store.claim(instance, &only(vec![])).await.unwrap(), None);
    let claim = bench.store.claim(instance, &only(vec![mine])).await.unwrap();
    assert_eq!(claim.map(|claim| claim.job), Some(mine));
    assert_eq!(bench.store.claim(instance, &only(vec![mine])).await.unwrap(), None);
}

pub(crate) async fn a_heavy_job_needs_a_slot_in_hand(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let claim = bench.start(repository).await;
    bench.settle(&claim, Settlement::Deferred { after: MINUTE }).await;
    bench.clock.forward(MINUTE).await;
    let instance = bench.instance().await;
    let light = ClaimFilter::default();
    assert_eq!(bench.store.claim(instance, &light).await.unwrap(), None);
    let claim = bench.claim(instance).await.expect("a slot is held");
    assert!(claim.heavy);
    assert_eq!(claim.attempt, 1, "going back for want of a slot does not count");
}

pub(crate) async fn a_paused_repository_waits_and_a_forced_job_runs(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.enqueue(repository).await;
    bench.store.set_state(repository, RepositoryState::Paused).await.unwrap();
    let instance = bench.instance().await;
    assert_eq!(bench.claim(instance).await, None);
    assert_eq!(bench.next_due(None).await, None);
    assert_eq!(bench.store.status().await.unwrap().queue_depth, 0);
    bench.store.enqueue(repository, Enqueue { force: true, ..Enqueue::default() }).await.unwrap();
    let claim = bench.claim(instance).await.expect("a person asked for it");
    bench.settle(&claim, fresh()).await;
    let state = bench.store.repository(repository).await.unwrap().map(|repository| repository.state);
    assert_eq!(state, Some(RepositoryState::Paused), "what a person paused stays paused");
}

pub(crate) async fn the_time_until_the_next_job_is_the_databases(bench: &Bench) {
    assert_eq!(bench.next_due(None).await, None);
    let repository = bench.repository("/a").await;
    let later = Enqueue { delay: 10 * MINUTE, ..Enqueue::default() };
    let job = bench.store.enqueue(repository, later).await.unwrap().job;
    let due = bench.next_due(Some(&[job])).await.expect("it is queued");
    assert!(due > 9 * MINUTE && due <= 10 * MINUTE, "{due:?}");
    assert_eq!(bench.next_due(Some(&[])).await, None);
    bench.clock.forward(13 * MINUTE).await;
    assert_eq!(bench.next_due(None).await, Some(Duration::ZERO));
    let claim = bench.claim(bench.instance().await).await.unwrap();
    assert!(claim.waited >= 3 * MINUTE && claim.waited < 4 * MINUTE, "{:?}", claim.waited);
}

pub(crate) async fn a_claim_tells_what_asked_for_it_and_the_attempt_before(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let traced = Enqueue { trace: Some(trace(1)), ..Enqueue::default() };
    bench.store.enqueue(repository, traced).await.unwrap();
    let instance = bench.instance().await;
    let first = bench.claim(instance).await.unwrap();
    assert_eq!((&first.traces[..], &first.previous), (&[trace(1)][..], &None));
    let attempt = trace(7).to_string();
    assert!(bench.store.note_trace(first.id, &attempt).await.unwrap());
    bench.settle(&first, Settlement::Lost { error: "a worker died".into(), progressed: false }).await;
    assert!(!bench.store.note_trace(first.id, "too late").await.unwrap());
    let second = bench.claim(instance).await.unwrap();
    assert_eq!((&second.traces[..], &second.previous), (&[trace(1)][..], &Some(trace(7))));
    let history = bench.store.attempts(AttemptFilter::Job(first.job), 10).await.unwrap();
    assert_eq!(history[0].traceparent, Some(attempt));
}

pub(crate) async fn of_what_asked_for_a_job_the_first_eight_are_kept_with_their_state(bench: &Bench) {
    let repository = bench.repository("/a").await;
    for number in 1..=9 {
        let traced = (number != 2).then(|| trace(number));
        bench.store.enqueue(repository, Enqueue { trace: traced, ..Enqueue::default() }).await.unwrap();
    }
    let claim = bench.claim(bench.instance().await).await.unwrap();
    let expected: Vec<_> = [1, 3, 4, 5, 6, 7, 8].map(trace).into();
    assert_eq!(claim.traces, expected, "one of the first eight said nothing");
    assert_eq!(claim.traces[0].tracestate(), Some("vendor=1"));
}

pub(crate) async fn a_job_of_an_unknown_repository_is_refused(bench: &Bench) {
    let error = bench.store.enqueue(RepositoryId(77), Enqueue::default()).await.unwrap_err();
    assert!(error.to_string().contains("77"), "{error}");
}

pub(crate) async fn slots_are_never_exceeded_and_zero_switches_them_off(bench: &Bench) {
    let instance = bench.instance().await;
    let mut session = bench.store.session(instance).await.unwrap();
    let one = session.take_slot(2).await.unwrap().expect("both are free");
    let two = session.take_slot(2).await.unwrap().expect("one is free");
    assert_ne!(one, two);
    assert_eq!(session.take_slot(2).await.unwrap(), None);
    session.release_slot(one).await.unwrap();
    session.release_slot(one).await.unwrap();
    assert!(session.take_slot(2).await.unwrap().is_some());
    assert_eq!(session.take_slot(2).await.unwrap(), None, "releasing one twice frees one slot");
    assert!(session.take_slot(0).await.unwrap().is_some());
}

pub(crate) async fn the_wait_for_a_slot_is_told_apart_and_the_wait_counts_from_when_it_was_first_to_run(bench: &Bench) {
    let about = |wait: Duration, minutes: u32| (minutes * MINUTE..(minutes + 1) * MINUTE).contains(&wait);
    let job = bench.enqueue(bench.repository("/a").await).await.job;
    bench.clock.forward(2 * MINUTE).await;
    let claim = async || bench.claim(bench.instance().await).await.expect("it is due");
    let deferred = |claim: Claim| async move {
        assert!(bench.settle(&claim, Settlement::Deferred { after: MINUTE }).await.is_some());
        bench.clock.forward(3 * MINUTE).await;
    };
    let first = claim().await;
    assert!(about(first.waited, 2) && first.slot_wait.is_none(), "{first:?}");
    deferred(first).await;
    let second = claim().await;
    assert!(about(second.waited, 5) && about(second.slot_wait.unwrap(), 3), "{second:?}");
    deferred(second).await;
    let third = claim().await;
    assert!(about(third.waited, 8) && about(third.slot_wait.unwrap(), 6), "{third:?}");
    let again = bench.store.claimed(third.id).await.unwrap().expect("it runs");
    assert_eq!(
        (again.waited, again.slot_wait),
        (third.waited, third.slot_wait),
        "who reads the claim is told the same"
    );
    bench.settle(&third, retry("down")).await;
    let told = bench.store.attempts(AttemptFilter::Job(job), 9).await.unwrap();
    assert!(told.iter().all(|attempt| attempt.queued_at == told[0].queued_at), "{told:?}");
    bench.clock.forward(11 * MINUTE).await;
    let fourth = claim().await;
    assert!(about(fourth.waited, 1) && fourth.slot_wait.is_none(), "it had its slot, and failed: {fourth:?}");
    deferred(fourth).await;
    bench.store.cancel(job).await.unwrap();
    let told = bench.store.attempts(AttemptFilter::Job(job), 1).await.unwrap();
    let lasted = told[0].ended_at.duration_since(told[0].queued_at).unwrap();
    assert!(about(lasted, 4), "of one that was taken out while it waited: {lasted:?}");
}
