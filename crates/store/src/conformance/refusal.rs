//! Sentences about what one instance lacks, and what the fleet makes of it.

use super::Bench;
use super::fixture::*;
use crate::*;

fn refused(error: &str) -> Settlement {
    let otherwise = Box::new(Settlement::Dead { error: error.into() });
    Settlement::Refused { error: error.into(), otherwise }
}

async fn state(bench: &Bench, repository: RepositoryId) -> (RepositoryState, Option<String>) {
    let row = bench.store.repository(repository).await.unwrap().expect("it is followed");
    (row.state, row.last_error)
}

/// The repository's job, claimed by this instance and refused.
async fn refuses(bench: &Bench, instance: InstanceId, why: &str) -> Option<Settled> {
    let claim = bench.claim(instance).await.expect("something is due for it");
    bench.settle(&claim, refused(why)).await
}

pub(crate) async fn what_one_instance_refuses_another_takes_at_once(bench: &Bench) {
    let (here, there) = (bench.instance().await, bench.instance().await);
    let repository = bench.repository("/a").await;
    let job = bench.enqueue(repository).await.job;
    assert_eq!(refuses(bench, here, "no token").await.map(|settled| settled.outcome), Some(AttemptOutcome::Refused));
    assert_eq!(bench.claim(here).await, None, "it does not take again what it refused");
    assert_eq!(bench.store.next_due(Some(here), &ClaimFilter::default()).await.unwrap(), None, "nor wait for it");
    let only = ClaimFilter { only: Some(vec![job]), ..ClaimFilter::default() };
    assert_eq!(bench.store.next_due(Some(here), &only).await.unwrap(), None);
    assert_eq!(
        bench.store.next_due(Some(there), &ClaimFilter::default()).await.unwrap(),
        Some(std::time::Duration::ZERO)
    );
    let standing = bench.store.refusals(Some(repository)).await.unwrap();
    assert_eq!((standing.len(), standing[0].instance, &*standing[0].reason), (1, here, "no token"));
    let claim = bench.claim(there).await.expect("it has not refused");
    assert_eq!((claim.job, claim.attempt), (job, 1), "a refusal does not count");
    bench.settle(&claim, fresh()).await;
    assert_eq!(state(bench, repository).await, (RepositoryState::Active, None));
    let history = bench.store.attempts(AttemptFilter::Job(job), 10).await.unwrap();
    let told: Vec<_> = history.iter().map(|one| (one.outcome, one.error.as_deref())).collect();
    assert_eq!(told, [(AttemptOutcome::Fresh, None), (AttemptOutcome::Refused, Some("no token"))]);
}

pub(crate) async fn a_refusal_outlasts_its_job_and_goes_after_ten_minutes(bench: &Bench) {
    let (here, there) = (bench.instance().await, bench.instance().await);
    let repository = bench.repository("/a").await;
    bench.enqueue(repository).await;
    refuses(bench, here, "no token").await;
    let claim = bench.claim(there).await.expect("it has not refused");
    bench.settle(&claim, fresh()).await;
    bench.enqueue(repository).await;
    assert_eq!(bench.claim(here).await, None, "the host is not asked again by each job");
    bench.clock.forward(11 * MINUTE).await;
    assert!(bench.claim(here).await.is_some(), "what it lacked may be there by now");
    assert_eq!(bench.store.refusals(None).await.unwrap(), []);
}

pub(crate) async fn what_every_live_instance_refused_is_dead_with_all_reasons(bench: &Bench) {
    let (here, there) = (bench.instance().await, bench.instance().await);
    let own = InstanceId::random();
    bench.store.register(own, 1, "test", Takes::Own).await.unwrap();
    let repository = bench.repository("/a").await;
    bench.enqueue(repository).await;
    assert_eq!(refuses(bench, here, "no token").await.map(|settled| settled.outcome), Some(AttemptOutcome::Refused));
    // The reasons stand in the order of their moments, which SQLite tells apart by the millisecond.
    bench.clock.forward(std::time::Duration::from_secs(1)).await;
    assert!(is_last(&refuses(bench, there, "no such protocol").await), "who takes only its own is not asked");
    let (dead, why) = state(bench, repository).await;
    assert_eq!((dead, why.as_deref()), (RepositoryState::Dead, Some("no token; no such protocol")));
    assert_eq!(bench.store.refusals(None).await.unwrap(), [], "the verdict is given");
    assert_eq!(bench.store.jobs(&JobFilter::default()).await.unwrap(), []);
}

pub(crate) async fn one_instance_alone_is_the_fleet(bench: &Bench) {
    let gone = bench.instance().await;
    bench.store.retire(gone).await.unwrap();
    let here = bench.instance().await;
    let repository = bench.repository("/a").await;
    bench.enqueue(repository).await;
    assert!(is_last(&refuses(bench, here, "no token").await));
    assert_eq!(state(bench, repository).await, (RepositoryState::Dead, Some("no token".into())));
}

pub(crate) async fn who_gives_no_sign_of_life_is_not_waited_for(bench: &Bench) {
    let _silent = bench.instance().await;
    bench.clock.forward(MINUTE).await;
    let here = bench.instance().await;
    bench.enqueue(bench.repository("/a").await).await;
    assert!(is_last(&refuses(bench, here, "no token").await));
}

pub(crate) async fn a_refusal_of_all_may_end_otherwise_than_dead(bench: &Bench) {
    let here = bench.instance().await;
    let repository = bench.repository("/a").await;
    bench.enqueue(repository).await;
    let claim = bench.claim(here).await.expect("it is due");
    let otherwise = Box::new(Settlement::Retry { after: MINUTE, error: "no model".into(), progressed: true });
    let how = Settlement::Refused { error: "no model".into(), otherwise };
    assert!(bench.settle(&claim, how.clone()).await.is_some());
    assert!(bench.settle(&claim, how).await.is_some(), "and is recognised");
    assert_eq!(state(bench, repository).await, (RepositoryState::Active, Some("no model".into())));
    bench.clock.forward(2 * MINUTE).await;
    assert!(bench.claim(here).await.is_some(), "it tries again by itself");
}

pub(crate) async fn a_pinned_job_has_no_others(bench: &Bench) {
    let (here, _there) = (bench.instance().await, bench.instance().await);
    let repository = bench.repository("/a").await;
    bench.store.enqueue(repository, Enqueue { pinned: Some(here), ..Enqueue::default() }).await.unwrap();
    assert!(is_last(&refuses(bench, here, "no such path").await));
}

pub(crate) async fn an_instance_that_joins_tries_what_all_others_refused(bench: &Bench) {
    let here = bench.instance().await;
    let (repository, hopeless) = (bench.repository("/a").await, bench.repository("/b").await);
    bench.enqueue(hopeless).await;
    let claim = bench.claim(here).await.expect("it is due");
    bench.settle(&claim, Settlement::Dead { error: "too large".into() }).await;
    bench.enqueue(repository).await;
    refuses(bench, here, "no token").await;
    bench.store.register(here, 4, "test", Takes::Any).await.unwrap();
    assert_eq!(bench.store.jobs(&JobFilter::default()).await.unwrap(), [], "who comes back joins nothing");
    let joined = bench.instance().await;
    let jobs = bench.store.jobs(&JobFilter::default()).await.unwrap();
    assert_eq!(jobs.iter().map(|job| job.repository).collect::<Vec<_>>(), [repository], "once, and nothing else");
    let claim = bench.claim(joined).await.expect("it is due");
    bench.settle(&claim, fresh()).await;
    assert_eq!(state(bench, repository).await.0, RepositoryState::Active);
    bench.instance().await;
    assert_eq!(bench.store.jobs(&JobFilter::default()).await.unwrap(), []);
}

pub(crate) async fn when_one_leaves_the_others_are_asked_anew(bench: &Bench) {
    let (here, there) = (bench.instance().await, bench.instance().await);
    let repository = bench.repository("/a").await;
    bench.enqueue(repository).await;
    refuses(bench, here, "no token").await;
    bench.store.retire(there).await.unwrap();
    assert!(is_last(&refuses(bench, here, "no token").await), "it is the last, and says so at once");
}

pub(crate) async fn what_an_instance_has_again_it_takes_again(bench: &Bench) {
    let (here, there) = (bench.instance().await, bench.instance().await);
    bench.enqueue(bench.repository("/a").await).await;
    refuses(bench, here, "no token").await;
    assert_eq!(bench.store.withdraw_refusals(here).await.unwrap(), 1);
    assert_eq!(refuses(bench, here, "no token").await.map(|settled| settled.outcome), Some(AttemptOutcome::Refused));
    assert!(is_last(&refuses(bench, there, "no token").await));
    bench.store.withdraw_refusals(here).await.unwrap();
    assert!(bench.claim(here).await.is_some(), "also what was given up");
}

pub(crate) async fn a_refused_job_that_a_person_took_out_does_not_go_back(bench: &Bench) {
    let (here, _there) = (bench.instance().await, bench.instance().await);
    let repository = bench.repository("/a").await;
    bench.enqueue(repository).await;
    let claim = bench.claim(here).await.expect("it is due");
    bench.store.cancel(claim.job).await.unwrap();
    assert!(bench.settle(&claim, refused("no token")).await.is_some());
    assert_eq!(bench.store.jobs(&JobFilter::default()).await.unwrap(), []);
    assert_eq!(state(bench, repository).await.0, RepositoryState::Active);
}
