//! Sentences about how fills end: none for good, and none that touches its repository.

use std::time::Duration;

use warmer_content::SkipReason;

use super::Bench;
use super::fill_fixture::{filled, other_model};
use super::fill_queue::{HIGH, LOW, any_fill, claim_fill, served, there};
use super::fixture::*;
use crate::*;

const DOWN: &str = "the provider is down";

/// A fill of this repository, claimed.
async fn start(bench: &Bench, repository: RepositoryId) -> Claim {
    assert!(bench.inside.fill(repository, Lane::New, Shard::ALL).await);
    claim_fill(bench, bench.instance().await).await.expect("it is due")
}

/// The ways in which a fill goes back, how long it waits, and how that is told.
fn ways_back() -> Vec<(Settlement, Duration, AttemptOutcome, Option<&'static str>)> {
    let (error, progressed) = (DOWN.to_owned(), false);
    let otherwise = Box::new(Settlement::Unfit { after: MINUTE, error: error.clone() });
    vec![
        (retry(DOWN), 10 * MINUTE, AttemptOutcome::Retry, Some(DOWN)),
        (Settlement::Unfit { after: MINUTE, error: error.clone() }, MINUTE, AttemptOutcome::Unfit, Some(DOWN)),
        (Settlement::Lost { error: error.clone(), progressed }, Duration::ZERO, AttemptOutcome::Lost, Some(DOWN)),
        (Settlement::Deferred { after: MINUTE }, MINUTE, AttemptOutcome::Deferred, None),
        (Settlement::Cancelled { error: DOWN.into() }, Duration::ZERO, AttemptOutcome::Cancelled, None),
        (Settlement::Stuck { after: MINUTE, error: error.clone() }, MINUTE, AttemptOutcome::Retry, Some(DOWN)),
        (Settlement::Dead { error: error.clone() }, 10 * MINUTE, AttemptOutcome::Retry, Some(DOWN)),
        (Settlement::Crashed { error: error.clone() }, 10 * MINUTE, AttemptOutcome::Retry, Some(DOWN)),
        (
            Settlement::Held { lasts: MINUTE, error: error.clone(), unfit: false },
            Duration::ZERO,
            AttemptOutcome::Retry,
            Some(DOWN),
        ),
        (
            Settlement::Held { lasts: MINUTE, error: error.clone(), unfit: true },
            Duration::ZERO,
            AttemptOutcome::Unfit,
            Some(DOWN),
        ),
        (Settlement::Refused { error, otherwise }, MINUTE, AttemptOutcome::Unfit, Some(DOWN)),
    ]
}

pub(crate) async fn no_ending_of_a_fill_touches_its_repository(bench: &Bench) {
    let repository = served(bench, "/a").await;
    let policy = Policy { refresh: Some(Refresh::Every(60 * MINUTE)), ..Policy::default() };
    bench.store.set_policy(repository, &policy).await.unwrap();
    let row = async || {
        let schedule = bench.store.schedules().await.unwrap().remove(0);
        (bench.store.repository(repository).await.unwrap(), schedule.next, schedule.last)
    };
    let before = row().await;
    for (how, after, outcome, why) in ways_back() {
        let claim = start(bench, repository).await;
        let settled = bench.settle(&claim, how.clone()).await.expect("the claim stands");
        assert_eq!((settled.outcome, settled.given_up), (outcome, false), "{how:?}");
        assert_eq!(bench.settle(&claim, how.clone()).await, Some(settled), "the acknowledgement was lost");
        let job = bench.store.job(claim.job).await.unwrap().expect("it goes back");
        let stands = (job.state, job.attempt, job.crashes, job.child_deaths, job.heavy, job.rescued);
        assert_eq!(stands, (JobState::Queued, 0, 0, 0, false, false), "{how:?}");
        assert_eq!(job.last_error.as_deref(), why, "{how:?}");
        let due = bench.store.next_due(None, &any_fill()).await.unwrap().expect("it is queued");
        assert!(due <= after && due + MINUTE / 2 >= after, "{how:?}: {due:?}");
        let ended = bench.store.attempts(AttemptFilter::Job(claim.job), 1).await.unwrap().remove(0);
        assert_eq!((ended.kind, ended.outcome, ended.number), (JobKind::Fill, outcome, 1));
        assert_eq!(row().await, before, "{how:?}");
        assert_eq!(bench.store.cancel(claim.job).await.unwrap(), Cancel::Removed);
        assert_eq!(row().await, before, "nor does a person who takes it out");
    }
    assert_eq!(bench.store.refusals(None).await.unwrap(), []);
    let refreshes = bench.store.attempts(AttemptFilter::Refreshes(repository), 100).await.unwrap();
    assert_eq!(refreshes.iter().map(|attempt| attempt.outcome).collect::<Vec<_>>(), [AttemptOutcome::Warmed]);
    assert_eq!(bench.store.counters().stale_finishes, 0);
}

pub(crate) async fn a_fill_fails_as_often_as_it_likes(bench: &Bench) {
    let repository = served(bench, "/a").await;
    assert!(bench.inside.fill(repository, Lane::New, Shard::ALL).await);
    let instance = bench.instance().await;
    for _ in 0..12 {
        let claim = claim_fill(bench, instance).await.expect("it went back");
        assert!(!is_last(&bench.settle(&claim, retry(DOWN)).await));
        bench.clock.forward(11 * MINUTE).await;
    }
    assert_eq!(bench.store.repository(repository).await.unwrap().unwrap().state, RepositoryState::Active);
}

pub(crate) async fn a_fill_that_came_to_its_end_is_gone_and_told(bench: &Bench) {
    let repository = served(bench, "/a").await;
    let claim = start(bench, repository).await;
    let summary = serde_json::json!({ "texts": 1 });
    let settled = bench.store.settle(claim.id, filled(), Some(&summary)).await.unwrap();
    assert_eq!(settled.as_ref().map(|settled| settled.outcome), Some(AttemptOutcome::Filled));
    assert_eq!(bench.settle(&claim, filled()).await, settled, "the acknowledgement was lost");
    assert_eq!(bench.store.job(claim.job).await.unwrap(), None);
    let told = bench.store.attempts(AttemptFilter::Job(claim.job), 9).await.unwrap();
    let told: Vec<_> = told.iter().map(|attempt| (attempt.kind, attempt.outcome, attempt.summary.clone())).collect();
    assert_eq!(told, [(JobKind::Fill, AttemptOutcome::Filled, Some(summary))]);
    assert_eq!(bench.settle(&claim, fresh()).await, None, "it did not end so");
}

pub(crate) async fn neither_kind_ends_as_the_other(bench: &Bench) {
    let repository = served(bench, "/a").await;
    let (refresh, fill) = (bench.start(repository).await, start(bench, repository).await);
    assert!(bench.store.settle(refresh.id, filled(), None).await.is_err());
    assert!(bench.store.settle(fill.id, fresh(), None).await.is_err());
    assert_eq!(there(bench).await, [(JobKind::Refresh, JobState::Running), (JobKind::Fill, JobState::Running)]);
}

pub(crate) async fn a_fill_neither_stages_nor_publishes(bench: &Bench) {
    let repository = served(bench, "/a").await;
    let fill = start(bench, repository).await;
    assert!(!bench.store.stage(fill.id, &[staged("g", "text")]).await.unwrap());
    let published = bench.store.publish(&publication(&fill, Some("c1"), "c2")).await.unwrap();
    assert_eq!(published, Published::Stale);
    assert_eq!(bench.paths(repository).await, ["f"]);
    assert!(bench.settle(&fill, filled()).await.is_some(), "its claim stands");
}

pub(crate) async fn what_goes_back_takes_the_follow_up_of_its_own_key_alone(bench: &Bench) {
    let repository = served(bench, "/a").await;
    let instance = bench.instance().await;
    for shard in [LOW, HIGH] {
        bench.inside.fill(repository, Lane::Bulk, shard).await;
    }
    let (low, high) = (claim_fill(bench, instance).await.unwrap(), claim_fill(bench, instance).await.unwrap());
    let refresh = bench.start(repository).await;
    for shard in [LOW, HIGH] {
        assert!(bench.inside.fill(repository, Lane::Bulk, shard).await, "a follow-up");
    }
    bench.enqueue(repository).await;
    bench.settle(&low, retry(DOWN)).await;
    let merged = async |claim: &Claim| bench.store.job(claim.job).await.unwrap().map(|job| job.merged);
    let all = bench.store.jobs(&JobFilter::default()).await.unwrap().len();
    assert_eq!((all, merged(&low).await, merged(&high).await), (5, Some(1), Some(0)));
    bench.settle(&refresh, cancelled()).await;
    let all = bench.store.jobs(&JobFilter::default()).await.unwrap();
    assert_eq!((all.len(), merged(&refresh).await), (4, Some(1)));
    assert_eq!(all.iter().filter(|job| job.kind == JobKind::Fill && job.state == JobState::Queued).count(), 2);
    assert!(bench.claim(instance).await.is_some(), "the refresh goes on beside the fill that runs");
}

pub(crate) async fn a_fill_whose_instance_died_goes_back_and_after_the_second_time_runs_in_a_child(bench: &Bench) {
    let repository = served(bench, "/a").await;
    bench.inside.fill(repository, Lane::New, Shard::ALL).await;
    let counted = async || bench.store.status().await.unwrap().ended_24h;
    let before = counted().await;
    for died in 0..4 {
        let dies = bench.instance().await;
        let claim = claim_fill(bench, dies).await.expect("at once");
        assert_eq!((claim.crashes, claim.runs_in_child()), (died, died >= 2));
        bench.death.of(dies).await;
        let job = bench.store.job(claim.job).await.unwrap().expect("it went back");
        assert_eq!((job.attempt, job.child_deaths, job.rescued), (0, 0, false));
    }
    assert_eq!(counted().await, before, "its crashes are none of those of refreshes");
    let claim = claim_fill(bench, bench.instance().await).await.expect("at once");
    let told = bench.store.attempts(AttemptFilter::Job(claim.job), 9).await.unwrap();
    assert!(told.iter().all(|attempt| attempt.outcome == AttemptOutcome::Crashed), "{told:?}");
    assert_eq!(told.len(), 4);
}

pub(crate) async fn a_hold_is_told_until_it_is_over_or_a_fill_ended_well(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.push(repository, (None, "c1"), &[("f", "one two")], recipe()).await;
    let held = || Settlement::Held { lasts: 10 * MINUTE, error: DOWN.into(), unfit: true };
    let until = async || bench.coverage(repository).await.hold_until;
    let claim = bench.claim_fill(recipe()).await.expect("the publication made it");
    assert_eq!(until().await, None);
    bench.settle(&claim, held()).await.expect("the claim stands");
    let told = until().await.expect("it is on");
    assert_eq!(bench.store.status().await.unwrap().hold_until, Some(told));
    bench.clock.forward(9 * MINUTE).await;
    assert_eq!(until().await, Some(told), "a moment, whenever it is read");
    bench.clock.forward(2 * MINUTE).await;
    assert_eq!((until().await, bench.store.status().await.unwrap().hold_until), (None, None));
    let claim = bench.claim_fill(recipe()).await.expect("it went back at once");
    bench.settle(&claim, held()).await.expect("the claim stands");
    let claim = bench.claim_fill(recipe()).await.expect("another instance takes it meanwhile");
    bench.fill(&claim, recipe()).await;
    let coverage = bench.coverage(repository).await;
    assert_eq!((coverage.hold_until, coverage.last_error, coverage.missing), (None, None, 0));
}

pub(crate) async fn a_text_that_its_process_dies_of_is_left_out_and_no_other(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.push(repository, (None, "c1"), &[("f", "one two")], recipe()).await;
    let [one, two] = texts("one two")[..] else { panic!("two texts") };
    let death = || Settlement::Crashed { error: "signal 6".into() };
    let claim = bench.claim_fill(recipe()).await.expect("the publication made it");
    assert!(bench.store.try_text(claim.id, Some(one)).await.unwrap());
    assert!(bench.store.try_text(claim.id, None).await.unwrap(), "it is done");
    bench.settle(&claim, death()).await.expect("the claim stands");
    assert_eq!((bench.coverage(repository).await.failed, bench.claim_fill(recipe()).await), (0, None), "later");

    bench.clock.forward(11 * MINUTE).await;
    let claim = bench.claim_fill(recipe()).await.expect("it is due");
    for text in [two, one, two] {
        assert!(bench.store.try_text(claim.id, Some(text)).await.unwrap());
        bench.everything_is_noted().await;
    }
    bench.settle(&claim, death()).await.expect("the claim stands");
    assert!(!bench.store.try_text(claim.id, Some(one)).await.unwrap(), "the claim was lost");
    let claim = bench.claim_fill(recipe()).await.expect("at once, without the text that was in hand");
    let pages = bench.pages(&claim, 2).await;
    assert_eq!(pages.iter().flat_map(|lacking| lacking.texts.clone()).collect::<Vec<_>>(), [one]);
    bench.fill(&claim, recipe()).await;
    let coverage = bench.coverage(repository).await;
    assert_eq!((coverage.missing, coverage.failed, coverage.complete()), (0, 1, true));
    bench.clock.forward(2 * DAY).await;
    bench.collect().await;
    assert_eq!(bench.missing(repository).await, 0, "it is not tried again by itself");
}

pub(crate) async fn whoever_finds_dead_fills_leaves_out_the_text_that_two_of_them_had_in_hand(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.push(repository, (None, "c1"), &[("f", "one two")], recipe()).await;
    let [one, two] = texts("one two")[..] else { panic!("two texts") };
    let claim = bench.claim_fill(recipe()).await.expect("the publication made it");
    bench.store.try_text(claim.id, Some(one)).await.unwrap();
    bench.settle(&claim, cancelled()).await.expect("the claim stands");
    assert_eq!(bench.coverage(repository).await.failed, 0, "it was handed back");
    for (text, failed) in [(one, 0), (two, 0), (one, 1)] {
        let dies = bench.instance().await;
        let claim = claim_fill(bench, dies).await.expect("it is due");
        bench.store.try_text(claim.id, Some(text)).await.unwrap();
        bench.death.of(dies).await;
        bench.everything_is_noted().await;
        assert_eq!(bench.coverage(repository).await.failed, failed, "somebody may have killed it");
    }
    bench.fill_all(recipe()).await;
    let coverage = bench.coverage(repository).await;
    assert_eq!((coverage.missing, coverage.failed, coverage.complete()), (0, 1, true), "the other has its vector");
}

pub(crate) async fn a_running_fill_that_was_taken_out_does_not_go_back(bench: &Bench) {
    let repository = served(bench, "/a").await;
    for how in [retry(DOWN), cancelled(), Settlement::Dead { error: DOWN.into() }] {
        let claim = start(bench, repository).await;
        let before = bench.store.repository(repository).await.unwrap();
        bench.take_out_with(&claim, how).await;
        assert_eq!(bench.store.job(claim.job).await.unwrap(), None);
        assert_eq!(bench.store.repository(repository).await.unwrap(), before);
    }
    let dies = bench.instance().await;
    bench.inside.fill(repository, Lane::New, Shard::ALL).await;
    let claim = claim_fill(bench, dies).await.expect("it is due");
    assert_eq!(bench.store.cancel(claim.job).await.unwrap(), Cancel::Asked);
    bench.death.of(dies).await;
    assert_eq!(bench.store.job(claim.job).await.unwrap(), None, "nor if its instance dies");
}

pub(crate) async fn fills_between_attempts_that_were_stuck_say_nothing(bench: &Bench) {
    let repository = served(bench, "/a").await;
    let stuck = || Settlement::Stuck { after: Duration::ZERO, error: "it hangs".into() };
    for attempt in 1..=3 {
        let fill = start(bench, repository).await;
        bench.settle(&fill, filled()).await;
        let refresh = bench.start(repository).await;
        assert_eq!(is_last(&bench.settle(&refresh, stuck()).await), attempt == 3);
    }
    assert_eq!(bench.store.repository(repository).await.unwrap().unwrap().state, RepositoryState::Quarantined);
}

pub(crate) async fn what_no_generation_wants_any_more_is_not_filled(bench: &Bench) {
    let repository = served(bench, "/a").await;
    let instance = bench.instance().await;
    bench.inside.fill(repository, Lane::Bulk, LOW).await;
    let claim = claim_fill(bench, instance).await.expect("it is due");
    bench.inside.fill(repository, Lane::Bulk, HIGH).await;
    bench.push(repository, (Some("c1"), "c2"), &[], other_model()).await;
    assert!(bench.store.activate(other_model()).await.unwrap());
    let left = ClaimFilter { embedding: Some(recipe().embedding), ..any_fill() };
    assert_eq!(bench.store.claim(instance, &left).await.unwrap(), None, "it may come back, but has not");
    assert_eq!(bench.store.next_due(None, &left).await.unwrap(), None);
    let count = async || bench.store.jobs(&JobFilter::default()).await.unwrap().len();
    assert_eq!(count().await, 2, "one of the other model, and the one that runs");
    bench.clock.forward(2 * DAY).await;
    assert_eq!(bench.collect().await.generations_dropped, 1);
    assert_eq!(count().await, 2);
    assert_eq!(bench.store.claimed(claim.id).await.unwrap(), None, "nobody can tell what it was to make");
    assert!(bench.settle(&claim, retry(DOWN)).await.is_some());
    assert_eq!(bench.store.job(claim.job).await.unwrap(), None, "there is nothing to come back to");
}

pub(crate) async fn a_person_has_the_texts_of_a_repository_tried_again_whatever_they_failed_for(bench: &Bench) {
    let asked = bench.repository("/a").await;
    bench.push(asked, (None, "c1"), &[("a", "one "), ("b", "two "), ("c", "two one ")], recipe()).await;
    let fork = bench.repository("/b").await;
    bench.push(fork, (None, "c1"), &[("a", "two "), ("b", "six ")], recipe()).await;
    assert_eq!(bench.store.try_failed_again(asked).await.unwrap(), 0, "no text failed");
    for (text, reason) in [("one ", SkipReason::TooSlow), ("two ", SkipReason::Binary), ("six ", SkipReason::Binary)] {
        bench.cannot_embed(text, reason).await;
    }
    bench.fill_all(recipe()).await;
    let complete = async |repository| bench.coverage(repository).await.complete();
    assert_eq!((bench.coverage(asked).await.failed, bench.coverage(fork).await.failed), (2, 2));
    assert!(complete(asked).await && complete(fork).await, "nothing is left to do");

    assert_eq!(bench.store.try_failed_again(asked).await.unwrap(), 2);
    bench.everything_is_noted().await;
    assert_eq!(bench.failed_of("one two six ").await, texts("six "), "that one is of another repository alone");
    assert_eq!((bench.coverage(asked).await.failed, bench.coverage(fork).await.failed), (0, 1));
    assert!(!complete(asked).await && !complete(fork).await, "who shares a text lacks it, too");
    assert_eq!(bench.store.try_failed_again(asked).await.unwrap(), 0, "they are tried already");

    while bench.store.enqueue_fills(recipe().embedding, FillRequest::all(9)).await.unwrap() > 0 {}
    bench.fill_all(recipe()).await;
    assert!(complete(asked).await && complete(fork).await);
    assert_eq!(bench.store.verify(true).await.unwrap().vectors_missing, 0);
}
