//! Sentences about the history of attempts: which stay, and what is only counted.

use std::time::Duration;

use super::Bench;
use super::fill_fixture::filled;
use super::fill_queue::{claim_fill, served};
use super::fixture::*;
use crate::*;

/// An attempt that ends so.
async fn ends(bench: &Bench, repository: RepositoryId, how: Settlement) -> Claim {
    let job = bench.store.enqueue(repository, Enqueue { force: true, ..Enqueue::default() }).await.unwrap().job;
    let filter = ClaimFilter { only: Some(vec![job]), heavy: true, ..ClaimFilter::default() };
    let claim = bench.store.claim(bench.instance().await, &filter).await.unwrap().expect("it is due");
    assert!(bench.settle(&claim, how).await.is_some());
    claim
}

async fn outcomes(bench: &Bench, repository: RepositoryId) -> Vec<AttemptOutcome> {
    let attempts = bench.store.attempts(AttemptFilter::Refreshes(repository), 100).await.unwrap();
    attempts.iter().map(|attempt| attempt.outcome).collect()
}

async fn day(bench: &Bench) -> (u64, u64, u64) {
    let ended = bench.store.status().await.unwrap().ended_24h.expect("of all");
    (ended.warmed, ended.fresh, ended.failed)
}

pub(crate) async fn of_the_checks_that_found_nothing_new_only_the_latest_stays(bench: &Bench) {
    let (checked, other) = (bench.repository("/a").await, bench.repository("/b").await);
    bench.warm(checked, None, "c1", &[("f", "text")]).await;
    let before = ends(bench, other, fresh()).await;
    let mut latest = None;
    for _ in 0..5 {
        bench.clock.forward(15 * MINUTE).await;
        latest = Some(ends(bench, checked, fresh()).await.id);
    }
    let history = bench.store.attempts(AttemptFilter::All, 100).await.unwrap();
    let told: Vec<_> = history.iter().map(|attempt| (attempt.outcome, Some(attempt.claim))).collect();
    let [last, of_other, warmed] = told[..] else { panic!("{told:?}") };
    assert_eq!(last, (AttemptOutcome::Fresh, latest));
    assert_eq!(of_other, (AttemptOutcome::Fresh, Some(before.id)), "it has a latest of its own");
    assert_eq!(warmed.0, AttemptOutcome::Warmed);
    let listed = bench.store.history(&HistoryFilter::default(), 100).await.unwrap();
    assert_eq!(listed, history);
    assert_eq!(history[0].commit.as_deref(), Some("c1"), "of what was published before all of them");
    assert_eq!(day(bench).await, (1, 6, 0), "the others are counted");
}

pub(crate) async fn a_check_stays_for_ten_minutes_whatever_comes_after_it(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let first = ends(bench, repository, fresh()).await;
    for _ in 0..3 {
        bench.clock.forward(3 * MINUTE).await;
        ends(bench, repository, fresh()).await;
    }
    let found = bench.store.attempts(AttemptFilter::Job(first.job), 1).await.unwrap();
    assert_eq!(found.first().map(|attempt| attempt.claim), Some(first.id), "who waits for its job reads how it ended");
    assert_eq!(bench.settle(&first, fresh()).await.map(|settled| settled.outcome), Some(AttemptOutcome::Fresh));
    bench.clock.forward(2 * MINUTE).await;
    ends(bench, repository, fresh()).await;
    assert_eq!(bench.store.attempts(AttemptFilter::Job(first.job), 1).await.unwrap(), []);
    assert_eq!(outcomes(bench, repository).await.len(), 4);
}

pub(crate) async fn whatever_else_an_attempt_came_to_stays_beside_later_checks(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.warm(repository, None, "c1", &[("f", "text")]).await;
    let stuck = Settlement::Stuck { after: MINUTE, error: "it hangs".into() };
    for how in [retry("down"), stuck, cancelled(), Settlement::Dead { error: "gone".into() }] {
        ends(bench, repository, how).await;
    }
    let before = outcomes(bench, repository).await;
    for _ in 0..2 {
        bench.clock.forward(15 * MINUTE).await;
        ends(bench, repository, fresh()).await;
    }
    let after = outcomes(bench, repository).await;
    assert_eq!((after[0], &after[1..]), (AttemptOutcome::Fresh, &before[..]));
}

pub(crate) async fn a_check_between_two_attempts_that_were_stuck_is_not_forgotten(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let stuck = || Settlement::Stuck { after: MINUTE, error: "it hangs".into() };
    for how in [stuck(), stuck(), fresh(), fresh(), stuck(), stuck()] {
        assert_ne!(
            bench.store.repository(repository).await.unwrap().unwrap().state,
            RepositoryState::Quarantined,
            "never three in a row"
        );
        bench.clock.forward(15 * MINUTE).await;
        ends(bench, repository, how).await;
    }
    ends(bench, repository, stuck()).await;
    assert_eq!(bench.store.repository(repository).await.unwrap().unwrap().state, RepositoryState::Quarantined);
}

pub(crate) async fn the_rates_are_right_however_many_checks_were_only_counted(bench: &Bench) {
    let repository = bench.repository("/a").await;
    for _ in 0..30 {
        bench.clock.forward(MINUTE).await;
        ends(bench, repository, fresh()).await;
    }
    assert!(outcomes(bench, repository).await.len() < 12, "the others went");
    for of in [None, Some(&[repository][..])] {
        assert_eq!(bench.store.status_of(of).await.unwrap().completed_per_min, 1.0);
    }
    assert_eq!(day(bench).await, (0, 30, 0));
}

pub(crate) async fn an_attempt_is_counted_once_when_it_ends_and_one_whose_claim_was_lost_is_not(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let ended = ends(bench, repository, fresh()).await;
    assert!(bench.settle(&ended, fresh()).await.is_some(), "an acknowledgement that was lost");
    assert_eq!(bench.settle(&ended, retry("late")).await, None, "a claim that was lost");
    assert_eq!(day(bench).await, (0, 1, 0));
    ends(bench, repository, cancelled()).await;
    assert_eq!(day(bench).await, (0, 1, 0), "it goes on");
    bench.warm(repository, None, "c1", &[("f", "text")]).await;
    ends(bench, repository, retry("down")).await;
    assert_eq!(day(bench).await, (1, 1, 1));
    assert_eq!(
        bench.store.status_of(Some(&[repository])).await.unwrap().ended_24h,
        None,
        "nobody knows whose they are"
    );

    let instance = bench.instance().await;
    bench.clock.forward(11 * MINUTE).await;
    bench.claim(instance).await.expect("its backoff is over");
    bench.death.of(instance).await;
    assert_eq!(day(bench).await, (1, 1, 2), "its process died");
    bench.clock.forward(DAY).await;
    assert_eq!(day(bench).await, (0, 0, 0));
}

/// All the ways in which an attempt is settled.
fn endings() -> Vec<Settlement> {
    let error = || "why".to_owned();
    let (after, progressed) = (Duration::ZERO, false);
    let otherwise = || Box::new(Settlement::Retry { after, error: error(), progressed });
    vec![
        Settlement::Retry { after, error: error(), progressed },
        Settlement::Stuck { after, error: error() },
        Settlement::Unfit { after, error: error() },
        Settlement::Held { lasts: after, error: error(), unfit: false },
        Settlement::Deferred { after },
        cancelled(),
        Settlement::Lost { error: error(), progressed },
        Settlement::Crashed { error: error() },
        Settlement::Refused { error: error(), otherwise: otherwise() },
        Settlement::Dead { error: error() },
    ]
}

pub(crate) async fn what_an_attempt_did_is_kept_however_it_ended(bench: &Bench) {
    let summary = |number: usize| serde_json::json!({ "stages": { "fetcher": { "batches": number } } });
    for (number, how) in endings().into_iter().chain([fresh(), cancelled()]).enumerate() {
        let repository = bench.repository(&format!("/{number}")).await;
        let claim = bench.start(repository).await;
        // The last is taken out by a person.
        if number == endings().len() + 1 {
            assert_eq!(bench.store.cancel(claim.job).await.unwrap(), Cancel::Asked);
        }
        let settled = bench.store.settle(claim.id, how.clone(), Some(&summary(number))).await.unwrap();
        assert!(settled.is_some());
        let told = bench.store.attempts(AttemptFilter::Job(claim.job), 9).await.unwrap();
        assert_eq!(told[0].summary, Some(summary(number)), "{how:?}");
    }
    let repository = served(bench, "/filled").await;
    assert!(bench.inside.fill(repository, Lane::New, Shard::ALL).await);
    for (number, how) in endings().into_iter().chain([filled()]).enumerate() {
        let claim = claim_fill(bench, bench.instance().await).await.expect("it goes back each time");
        assert!(bench.store.settle(claim.id, how.clone(), Some(&summary(number))).await.unwrap().is_some());
        let told = bench.store.attempts(AttemptFilter::Job(claim.job), 99).await.unwrap();
        assert_eq!(told[0].summary, Some(summary(number)), "of a fill: {how:?}");
        bench.clock.forward(11 * MINUTE).await;
    }
}
