//! Sentences about processes that die while they run a job: nobody is punished who is not to blame.

use std::time::Duration;

use super::Bench;
use super::fixture::*;
use crate::*;

fn died(how: &str) -> Settlement {
    Settlement::Crashed { error: how.into() }
}

async fn state(bench: &Bench, repository: RepositoryId) -> RepositoryState {
    bench.store.repository(repository).await.unwrap().unwrap().state
}

/// An instance takes the first job there is and dies of whatever.
async fn die(bench: &Bench) -> Claim {
    let instance = bench.instance().await;
    let claim = bench.claim(instance).await.expect("a job is queued");
    bench.death.of(instance).await;
    claim
}

pub(crate) async fn a_job_whose_instance_died_is_the_first_to_be_claimed_whatever_the_ranks(bench: &Bench) {
    let (victim, urgent) = (bench.repository("/victim").await, bench.repository("/urgent").await);
    bench.enqueue(victim).await;
    die(bench).await;
    bench.store.enqueue(urgent, Enqueue { rank: -100, ..Enqueue::default() }).await.unwrap();
    bench.clock.forward(MINUTE).await;
    assert_eq!(bench.next_due(None).await, Some(Duration::ZERO));
    let listed = bench.store.jobs(&JobFilter::default()).await.unwrap();
    assert_eq!(listed.iter().map(|job| (job.repository, job.rescued)).collect::<Vec<_>>()[0], (victim, true));
    // Beside whatever else the instance runs.
    let instance = bench.instance().await;
    let order = [bench.claim(instance).await.unwrap(), bench.claim(instance).await.unwrap()];
    assert_eq!(order.map(|claim| claim.repository.id), [victim, urgent]);
}

pub(crate) async fn a_job_whose_instance_died_goes_back_at_once_and_its_attempt_does_not_count(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.enqueue(repository).await;
    let claim = die(bench).await;
    let job = bench.store.job(claim.job).await.unwrap().unwrap();
    assert_eq!((job.state, job.attempt, job.crashes, job.child_deaths), (JobState::Queued, 0, 1, 0));
    assert_eq!(
        bench.store.attempts(AttemptFilter::Job(claim.job), 9).await.unwrap()[0].outcome,
        AttemptOutcome::Crashed
    );
    let again = bench.claim(bench.instance().await).await.expect("without a pause");
    assert_eq!((again.job, again.attempt, again.runs_in_child()), (claim.job, 1, false));
    assert_eq!(bench.settle(&claim, fresh()).await, None, "of the dead nothing counts");
}

pub(crate) async fn a_job_whose_instance_died_stays_the_first_until_an_attempt_fails(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.enqueue(repository).await;
    let job = die(bench).await.job;
    let rescued = async || bench.store.job(job).await.unwrap().unwrap().rescued;
    for how in [Settlement::Deferred { after: MINUTE }, cancelled()] {
        let claim = bench.claim(bench.instance().await).await.unwrap();
        bench.settle(&claim, how).await;
        assert!(rescued().await, "nothing of it was done");
        bench.clock.forward(MINUTE).await;
    }
    let claim = bench.claim(bench.instance().await).await.unwrap();
    bench.settle(&claim, retry("the host is down")).await;
    assert!(!rescued().await, "it had its turn");
}

pub(crate) async fn a_job_whose_instance_died_goes_before_light_ones_though_it_waits_for_a_slot(bench: &Bench) {
    let (victim, urgent) = (bench.repository("/victim").await, bench.repository("/urgent").await);
    bench.enqueue(victim).await;
    die(bench).await;
    let instance = bench.instance().await;
    let claim = bench.claim(instance).await.unwrap();
    bench.settle(&claim, Settlement::Deferred { after: MINUTE }).await;
    bench.store.enqueue(urgent, Enqueue { rank: -100, ..Enqueue::default() }).await.unwrap();
    let claim = async |heavy, yields| {
        let filter = ClaimFilter { heavy, yields, ..ClaimFilter::default() };
        bench.store.claim(instance, &filter).await.unwrap().map(|claim| claim.repository.id)
    };
    assert_eq!(claim(false, true).await, None, "a slot is looked for first");
    assert_eq!(claim(false, false).await, Some(urgent), "where there is none, nobody else waits");
    assert_eq!(claim(true, false).await, Some(victim));
}

pub(crate) async fn after_the_second_crash_a_job_runs_in_a_child(bench: &Bench) {
    bench.enqueue(bench.repository("/a").await).await;
    for crashes in 0..2 {
        let claim = die(bench).await;
        assert_eq!((claim.crashes, claim.runs_in_child()), (crashes, false));
    }
    let claim = bench.claim(bench.instance().await).await.unwrap();
    assert_eq!((claim.crashes, claim.runs_in_child()), (2, true));
}

pub(crate) async fn however_often_its_instance_dies_a_repository_is_not_in_quarantine(bench: &Bench) {
    let repository = bench.repository("/innocent").await;
    bench.enqueue(repository).await;
    for _ in 0..10 {
        die(bench).await;
        assert_eq!(state(bench, repository).await, RepositoryState::Active);
    }
    let claim = bench.claim(bench.instance().await).await.expect("it is still queued");
    assert!(bench.settle(&claim, retry("the host is down")).await.is_some(), "nor are its attempts used up");
}

pub(crate) async fn the_third_death_of_a_child_is_quarantine_with_its_reason(bench: &Bench) {
    let repository = bench.repository("/guilty").await;
    let job = bench.enqueue(repository).await.job;
    let instance = bench.instance().await;
    for (death, how) in ["exit status 101", "signal 6", "signal 9"].into_iter().enumerate() {
        assert_eq!(state(bench, repository).await, RepositoryState::Active);
        let claim = bench.claim(instance).await.expect("at once");
        assert_eq!(usize::try_from(claim.crashes).unwrap(), death);
        let settled = bench.settle(&claim, died(how)).await;
        assert_eq!(is_last(&settled), death == 2);
        assert_eq!(bench.settle(&claim, died(how)).await, settled, "the acknowledgement was lost");
    }
    let found = bench.store.repository(repository).await.unwrap().unwrap();
    assert_eq!((found.state, found.last_error.as_deref()), (RepositoryState::Quarantined, Some("signal 9")));
    let told = bench.store.attempts(AttemptFilter::Job(job), 9).await.unwrap();
    assert!(told.iter().all(|attempt| attempt.outcome == AttemptOutcome::Crashed), "{told:?}");
    assert_eq!((told.len(), told[1].error.as_deref()), (3, Some("signal 6")));
    assert_eq!(bench.store.jobs(&JobFilter::default()).await.unwrap(), []);
    bench.enqueue(repository).await;
    assert_eq!(bench.claim(instance).await, None, "unless a person asks for it");
    assert_eq!(bench.store.status().await.unwrap().quarantined, 1);
}

pub(crate) async fn three_attempts_in_a_row_that_were_stuck_are_quarantine_with_the_reason(bench: &Bench) {
    let repository = bench.repository("/hangs").await;
    bench.enqueue(repository).await;
    let instance = bench.instance().await;
    let stuck = || Settlement::Stuck { after: Duration::ZERO, error: "it did not answer".into() };
    // One that failed otherwise in between begins a new row; one that was handed back does not.
    let other = Settlement::Lost { error: "a worker died".into(), progressed: true };
    for how in [stuck(), stuck(), other, stuck(), cancelled(), stuck()] {
        let claim = bench.claim(instance).await.expect("at once");
        assert!(bench.settle(&claim, how).await.is_some());
        assert_eq!(state(bench, repository).await, RepositoryState::Active);
    }
    let claim = bench.claim(instance).await.expect("at once");
    assert!(is_last(&bench.settle(&claim, stuck()).await));
    assert!(is_last(&bench.settle(&claim, stuck()).await), "the acknowledgement was lost");
    let found = bench.store.repository(repository).await.unwrap().unwrap();
    assert_eq!(found.state, RepositoryState::Quarantined);
    let why = found.last_error.unwrap_or_default();
    assert!(why.contains("3 attempts in a row") && why.contains("it did not answer"), "{why}");
}

pub(crate) async fn a_repository_in_quarantine_that_a_person_asks_for_runs_in_a_child(bench: &Bench) {
    let repository = bench.repository("/guilty").await;
    bench.enqueue(repository).await;
    let instance = bench.instance().await;
    for _ in 0..3 {
        let claim = bench.claim(instance).await.unwrap();
        bench.settle(&claim, died("signal 6")).await;
    }
    bench.store.enqueue(repository, Enqueue { force: true, ..Enqueue::default() }).await.unwrap();
    let forced = bench.claim(instance).await.expect("a person asked for it");
    assert_eq!((forced.crashes, forced.runs_in_child()), (0, true));
    bench.settle(&forced, fresh()).await;
    assert_eq!(state(bench, repository).await, RepositoryState::Active);
}

pub(crate) async fn a_job_that_ends_well_leaves_no_crash_behind(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.enqueue(repository).await;
    for _ in 0..2 {
        die(bench).await;
    }
    let claim = bench.claim(bench.instance().await).await.unwrap();
    bench.settle(&claim, fresh()).await;
    bench.enqueue(repository).await;
    assert!(!bench.claim(bench.instance().await).await.unwrap().runs_in_child());
}

pub(crate) async fn what_a_process_told_of_a_job_before_it_died_is_what_the_attempt_did(bench: &Bench) {
    let stages = |batches: u64| serde_json::json!({ "hasher": { "batches": batches } });
    bench.enqueue(bench.repository("/a").await).await;
    let died = async |told: Option<f64>| {
        let instance = bench.instance().await;
        let claim = bench.claim(instance).await.expect("it went back at once");
        bench.clock.forward(MINUTE).await;
        if let Some(seconds) = told {
            let of = |job, batches| JobFigures { job, seconds, stages: stages(batches), ..JobFigures::default() };
            let jobs = vec![of(claim.job.0 + 1, 1), of(claim.job.0, 2)];
            let figures = InstanceFigures { jobs, ..InstanceFigures::default() };
            assert!(bench.store.report(instance, &figures).await.unwrap().is_some());
        }
        bench.clock.forward(MINUTE).await;
        bench.death.of(instance).await;
        bench.store.attempts(AttemptFilter::Job(claim.job), 1).await.unwrap()[0].summary.clone()
    };
    assert_eq!(died(None).await, None, "it said nothing");
    let told = serde_json::json!({ "told_seconds": 50.0, "stages": stages(2) });
    assert_eq!(died(Some(50.0)).await, Some(told));
    assert_eq!(died(Some(500.0)).await, None, "that began before this claim: it is of an attempt before");
}
