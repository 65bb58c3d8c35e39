//! Sentences about fills in the queue: they and refreshes never meet.

use std::time::Duration;

use warmer_content::EmbeddingId;

use super::Bench;
use super::fill_fixture::{filled, other_model};
use super::fixture::*;
use crate::*;

pub(crate) const LOW: Shard = Shard { first: 0, last: 127 };
pub(crate) const HIGH: Shard = Shard { first: 128, last: 255 };

/// A repository that serves a file, and so has a generation.
pub(crate) async fn served(bench: &Bench, remote: &str) -> RepositoryId {
    let repository = bench.repository(remote).await;
    bench.warm(repository, None, "c1", &[("f", "text")]).await;
    repository
}

pub(crate) fn any_fill() -> ClaimFilter {
    ClaimFilter { kind: JobKind::Fill, ..ClaimFilter::default() }
}

fn fills_of(embedding: EmbeddingId) -> ClaimFilter {
    ClaimFilter { embedding: Some(embedding), ..any_fill() }
}

pub(crate) async fn claim_fill(bench: &Bench, instance: InstanceId) -> Option<Claim> {
    bench.store.claim(instance, &any_fill()).await.unwrap()
}

async fn fill_due(bench: &Bench) -> Option<Duration> {
    bench.store.next_due(None, &any_fill()).await.unwrap()
}

/// The jobs there are, by kind and state.
pub(crate) async fn there(bench: &Bench) -> Vec<(JobKind, JobState)> {
    let jobs = bench.store.jobs(&JobFilter::default()).await.unwrap();
    let mut there: Vec<_> = jobs.iter().map(|job| (job.kind, job.state)).collect();
    there.sort();
    there
}

pub(crate) async fn a_refresh_and_a_fill_of_one_repository_run_beside_each_other(bench: &Bench) {
    let repository = served(bench, "/a").await;
    let instance = bench.instance().await;
    assert!(bench.inside.fill(repository, Lane::New, Shard::ALL).await);
    assert_eq!((bench.next_due(None).await, fill_due(bench).await), (None, Some(Duration::ZERO)));
    assert_eq!(bench.claim(instance).await, None, "who asks for refreshes gets none");
    let fill = claim_fill(bench, instance).await.expect("it is due");
    bench.enqueue(repository).await;
    assert_eq!(bench.next_due(None).await, Some(Duration::ZERO), "it does not wait for the fill");
    assert_eq!(claim_fill(bench, instance).await, None, "who asks for fills gets no refresh");
    let refresh = bench.claim(instance).await.expect("nor now");
    assert_eq!((refresh.fill, refresh.repository.id), (None, repository));
    assert!(bench.inside.fill(repository, Lane::Bulk, Shard::ALL).await);
    assert!(claim_fill(bench, instance).await.is_some(), "nor a fill for the refresh");
    assert_eq!(there(bench).await.len(), 3);
    assert!(bench.settle(&refresh, fresh()).await.is_some());
    assert!(bench.settle(&fill, filled()).await.is_some());
}

pub(crate) async fn a_claimed_fill_tells_what_it_is_to_do(bench: &Bench) {
    let repository = served(bench, "/a").await;
    bench.warm(repository, Some("c1"), "c2", &[("g", "other")]).await;
    assert!(bench.inside.fill(repository, Lane::Bulk, LOW).await);
    let claim = claim_fill(bench, bench.instance().await).await.expect("it is due");
    let fill = claim.fill.expect("it is one");
    assert_eq!((fill.recipe, fill.lane, fill.shard, fill.up_to), (recipe(), Lane::Bulk, LOW, 2));
    assert_eq!((claim.repository.id, claim.attempt), (repository, 1));
    let read = Claim { claimed_in: Duration::ZERO, ..claim.clone() };
    assert_eq!(bench.store.claimed(claim.id).await.unwrap(), Some(read));
    let listed = bench.store.job(claim.job).await.unwrap().expect("it runs");
    assert_eq!((listed.kind, listed.lane, listed.shard), (JobKind::Fill, Some(Lane::Bulk), Some(LOW)));
    bench.enqueue(repository).await;
    let of = async |kind| {
        let filter = JobFilter { kind: Some(kind), repository: Some(repository), ..JobFilter::default() };
        bench.store.jobs(&filter).await.unwrap().iter().map(|job| (job.kind, job.lane)).collect::<Vec<_>>()
    };
    assert_eq!(of(JobKind::Fill).await, [(JobKind::Fill, Some(Lane::Bulk))]);
    assert_eq!(of(JobKind::Refresh).await, [(JobKind::Refresh, None)]);
}

pub(crate) async fn who_takes_only_what_is_new_passes_over_the_bulk(bench: &Bench) {
    let (repository, instance) = (served(bench, "/a").await, bench.instance().await);
    let new_only = ClaimFilter { new_only: true, ..any_fill() };
    assert!(bench.inside.fill(repository, Lane::Bulk, LOW).await);
    assert_eq!(bench.store.claim(instance, &new_only).await.unwrap(), None);
    assert!(bench.inside.fill(repository, Lane::New, Shard::ALL).await);
    let lane = |claim: Option<Claim>| claim.and_then(|claim| claim.fill).map(|fill| fill.lane);
    let bulk = bench.store.jobs(&JobFilter::default()).await.unwrap();
    let bulk = bulk.iter().find(|job| job.lane == Some(Lane::Bulk)).expect("it is queued").id;
    let only_bulk = ClaimFilter { only: Some(vec![bulk]), ..new_only.clone() };
    assert_eq!(bench.store.claim(instance, &only_bulk).await.unwrap(), None, "nor when it is named");
    assert_eq!(lane(bench.store.claim(instance, &new_only).await.unwrap()), Some(Lane::New));
    assert_eq!(lane(bench.store.claim(instance, &any_fill()).await.unwrap()), Some(Lane::Bulk));
}

pub(crate) async fn of_each_key_one_fill_is_queued_and_one_runs(bench: &Bench) {
    let (repository, other) = (served(bench, "/a").await, served(bench, "/b").await);
    let instance = bench.instance().await;
    let keys = [(Lane::New, Shard::ALL), (Lane::Bulk, Shard::ALL), (Lane::Bulk, LOW), (Lane::Bulk, HIGH)];
    for (lane, shard) in keys {
        assert!(bench.inside.fill(repository, lane, shard).await);
        assert!(!bench.inside.fill(repository, lane, shard).await, "it does this, too");
    }
    bench.enqueue(repository).await;
    for _ in keys {
        assert!(claim_fill(bench, instance).await.is_some());
    }
    assert_eq!(fill_due(bench).await, None);
    assert!(bench.inside.fill(repository, Lane::Bulk, LOW).await, "one that runs may be past it");
    assert_eq!((claim_fill(bench, instance).await, fill_due(bench).await), (None, None), "it waits for that");
    assert!(bench.inside.fill(other, Lane::Bulk, LOW).await);
    assert_eq!(fill_due(bench).await, Some(Duration::ZERO), "but no other does");
    assert_eq!(claim_fill(bench, instance).await.map(|claim| claim.repository.id), Some(other));
}

pub(crate) async fn a_request_meets_no_fill(bench: &Bench) {
    let repository = served(bench, "/a").await;
    assert!(bench.inside.fill(repository, Lane::New, Shard::ALL).await);
    let asked = Enqueue { full: true, force: true, rank: -50, ..Enqueue::default() };
    assert!(!bench.store.enqueue(repository, asked).await.unwrap().merged);
    assert!(bench.enqueue(repository).await.merged, "the refresh");
    let fill = claim_fill(bench, bench.instance().await).await.expect("it is due");
    let job = bench.store.job(fill.job).await.unwrap().unwrap();
    assert_eq!((job.full, job.rank, job.merged, fill.full), (false, 0, 0, false));
}

pub(crate) async fn the_schedule_sees_no_fill(bench: &Bench) {
    let repository = served(bench, "/a").await;
    let policy = Policy { refresh: Some(Refresh::Every(10 * MINUTE)), ..Policy::default() };
    bench.store.set_policy(repository, &policy).await.unwrap();
    let instance = bench.instance().await;
    bench.inside.fill(repository, Lane::New, Shard::ALL).await;
    let fill = claim_fill(bench, instance).await.expect("it is due");
    bench.inside.fill(repository, Lane::New, Shard::ALL).await;
    let schedule = async || bench.store.schedules().await.unwrap().remove(0);
    let next = schedule().await.next.expect("nothing checks it");
    bench.clock.forward(25 * MINUTE).await;
    let status = bench.store.status().await.unwrap();
    assert_eq!((status.due, status.overdue), (1, 1), "it is not being checked");
    let told = schedule().await;
    assert_eq!(told.next, Some(next));
    assert!(told.overdue.is_some());
    bench.settle(&fill, filled()).await;
    let last = schedule().await.last.expect("it was published");
    assert!(last < MINUTE, "{last:?}: of the last refresh");
    let page = bench.store.enqueue_due(None, 100, Duration::ZERO).await.unwrap();
    assert_eq!((page.enqueued, page.next), (1, None), "it has a refresh now");
    assert_eq!(bench.enqueue_due().await, 0);
    let refresh = bench.claim(instance).await.expect("it is due");
    assert_eq!((bench.enqueue_due().await, schedule().await.next), (0, None));
    assert_eq!(refresh.fill, None);
}

pub(crate) async fn bulk_stands_behind_what_is_new_and_both_follow_their_repository(bench: &Bench) {
    let repository = served(bench, "/a").await;
    let ranks = async || {
        let jobs = bench.store.jobs(&JobFilter::default()).await.unwrap();
        let mut ranks: Vec<_> = jobs.iter().map(|job| (job.kind, job.lane, job.rank)).collect();
        ranks.sort();
        ranks.into_iter().map(|(.., rank)| rank).collect::<Vec<_>>()
    };
    let follows = async |rank| {
        bench.store.set_policy(repository, &Policy { rank, ..Policy::default() }).await.unwrap();
        ranks().await
    };
    follows(3).await;
    bench.inside.fill(repository, Lane::Bulk, Shard::ALL).await;
    bench.inside.fill(repository, Lane::New, Shard::ALL).await;
    bench.store.enqueue(repository, Enqueue { rank: 3, ..Enqueue::default() }).await.unwrap();
    assert_eq!(ranks().await, [3, 3, 23]);
    assert_eq!(follows(-7).await, [-7, -7, 13]);
    assert_eq!(follows(90).await, [90, 90, 100]);
    follows(0).await;
    let instance = bench.instance().await;
    let lane = async || claim_fill(bench, instance).await.and_then(|claim| claim.fill).map(|fill| fill.lane);
    assert_eq!([lane().await, lane().await, lane().await], [Some(Lane::New), Some(Lane::Bulk), None]);
}

pub(crate) async fn bulk_is_never_left_behind_for_good(bench: &Bench) {
    let (repository, other) = (served(bench, "/a").await, served(bench, "/b").await);
    bench.inside.fill(repository, Lane::Bulk, Shard::ALL).await;
    bench.clock.forward(101 * MINUTE).await;
    bench.inside.fill(other, Lane::New, Shard::ALL).await;
    let claim = claim_fill(bench, bench.instance().await).await.expect("both are due");
    assert_eq!(claim.repository.id, repository);
}

pub(crate) async fn of_all_states_only_paused_holds_a_fill_back(bench: &Bench) {
    let repository = served(bench, "/a").await;
    let instance = bench.instance().await;
    for state in [RepositoryState::Active, RepositoryState::Dead, RepositoryState::Quarantined] {
        bench.store.set_state(repository, state).await.unwrap();
        bench.inside.fill(repository, Lane::New, Shard::ALL).await;
        assert_eq!(fill_due(bench).await, Some(Duration::ZERO));
        let claim = claim_fill(bench, instance).await.expect("what is served lacks its vectors");
        assert!(!claim.runs_in_child());
        bench.settle(&claim, filled()).await;
        let found = bench.store.repository(repository).await.unwrap().unwrap();
        assert_eq!(found.state, state, "it says nothing about the repository");
    }
    bench.store.set_state(repository, RepositoryState::Paused).await.unwrap();
    bench.inside.fill(repository, Lane::New, Shard::ALL).await;
    assert_eq!((claim_fill(bench, instance).await, fill_due(bench).await), (None, None));
}

pub(crate) async fn a_fill_is_taken_by_who_can_produce_it(bench: &Bench) {
    let repository = served(bench, "/a").await;
    let instance = bench.instance().await;
    bench.inside.fill(repository, Lane::New, Shard::ALL).await;
    let job = bench.store.jobs(&JobFilter::default()).await.unwrap()[0].id;
    let other = fills_of(embedding("other"));
    let only = ClaimFilter { only: Some(vec![job]), ..other.clone() };
    for filter in [other, only] {
        assert_eq!(bench.store.claim(instance, &filter).await.unwrap(), None);
        assert_eq!(bench.store.next_due(None, &filter).await.unwrap(), None);
        assert_eq!(due_of_all(bench, instance, &filter).await, None);
    }
    let mine = fills_of(recipe().embedding);
    let not_it = ClaimFilter { only: Some(vec![]), ..mine.clone() };
    assert_eq!(bench.store.claim(instance, &not_it).await.unwrap(), None);
    let only = ClaimFilter { only: Some(vec![job]), ..mine.clone() };
    for filter in [&mine, &only] {
        assert_eq!(bench.store.next_due(None, filter).await.unwrap(), Some(Duration::ZERO));
        assert_eq!(due_of_all(bench, instance, filter).await, Some(Duration::ZERO));
    }
    assert_eq!(due_of_all(bench, instance, &not_it).await, None);
    assert_eq!(bench.store.claim(InstanceId::random(), &mine).await.unwrap(), None, "it is not registered");
    assert_eq!(bench.store.claim(instance, &only).await.unwrap().map(|claim| claim.job), Some(job));
}

async fn due_of_all(bench: &Bench, instance: InstanceId, fills: &ClaimFilter) -> Option<Duration> {
    bench.store.next_due_of_all(instance, fills.only.as_deref(), fills.embedding).await.unwrap()
}

pub(crate) async fn who_refused_a_repository_still_fills_it(bench: &Bench) {
    let repository = served(bench, "/a").await;
    let (here, there) = (bench.instance().await, bench.instance().await);
    let (mine, no_model) = (fills_of(recipe().embedding), any_fill());
    bench.enqueue(repository).await;
    let claim = bench.claim(here).await.expect("it is due");
    let otherwise = Box::new(Settlement::Dead { error: "no token".into() });
    bench.settle(&claim, Settlement::Refused { error: "no token".into(), otherwise }).await;
    assert_eq!(bench.claim(here).await, None);
    assert_eq!(due_of_all(bench, here, &mine).await, None);
    assert_eq!(due_of_all(bench, there, &mine).await, Some(Duration::ZERO));
    bench.inside.fill(repository, Lane::New, Shard::ALL).await;
    assert_eq!(due_of_all(bench, here, &mine).await, Some(Duration::ZERO));
    assert_eq!(due_of_all(bench, here, &no_model).await, None);
    assert_eq!(bench.store.next_due(Some(here), &any_fill()).await.unwrap(), Some(Duration::ZERO));
    assert!(claim_fill(bench, here).await.is_some(), "that asks no host");
}

pub(crate) async fn the_figures_of_the_queue_are_of_refreshes(bench: &Bench) {
    let (repository, other) = (served(bench, "/a").await, served(bench, "/b").await);
    let instance = bench.instance().await;
    let before = bench.store.status().await.unwrap();
    bench.inside.fill(repository, Lane::New, Shard::ALL).await;
    let claim = claim_fill(bench, instance).await.expect("it is due");
    bench.inside.fill(repository, Lane::Bulk, LOW).await;
    bench.inside.fill(repository, Lane::Bulk, HIGH).await;
    let after = Settlement::Retry { after: 60 * MINUTE, error: "down".into(), progressed: false };
    let late = bench.store.claim(instance, &any_fill()).await.unwrap().expect("it is due");
    bench.settle(&late, after).await;
    let status = bench.store.status().await.unwrap();
    assert_eq!((status.fills_queued, status.fills_running), (2, 1));
    let beside = Status { fills_queued: 0, fills_running: 0, rows: before.rows, ..status.clone() };
    assert_eq!(beside, before);
    assert_eq!(status.instances.iter().map(|instance| instance.running).sum::<u64>(), 0);
    bench.settle(&claim, filled()).await;
    let ended = bench.store.status().await.unwrap();
    assert_eq!((ended.completed_per_min, ended.failed_per_min), (0.4, 0.0), "two publications in five minutes");
    assert_eq!(ended.ended_24h, status.ended_24h);
    bench.push(repository, (Some("c1"), "c2"), &[("g", "two three ")], recipe()).await;
    let figures = async |of: Option<&[RepositoryId]>| {
        let status = bench.store.status_of(of).await.unwrap();
        (status.fills_queued, status.texts_missing)
    };
    assert_eq!((figures(None).await, figures(Some(&[repository])).await), ((3, 2), (3, 2)));
    assert_eq!(figures(Some(&[other])).await, (0, 0));
    bench.push(repository, (Some("c2"), "c3"), &[], other_model()).await;
    let status = bench.store.status().await.unwrap();
    assert_eq!((status.texts_missing, status.texts_building_missing), (2, 3), "what is being made is told apart");
    bench.store.activate(other_model()).await.unwrap();
    assert_eq!(figures(None).await.1, 4, "what has retired is not missed, and both lack what searches use now");
}
