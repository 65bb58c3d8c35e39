//! Sentences about the figures of `warmer status` and the ledger.

use std::time::Duration;

use super::Bench;
use super::fixture::*;
use crate::*;

pub(crate) async fn the_depth_counts_what_is_queued_and_due(bench: &Bench) {
    let nothing = Status { ended_24h: Some(EndedCounts::default()), ..Status::default() };
    assert_eq!(bench.store.status().await.unwrap(), nothing);
    let (a, b, c) = (bench.repository("/a").await, bench.repository("/b").await, bench.repository("/c").await);
    bench.enqueue(a).await;
    bench.start(b).await;
    bench.store.enqueue(c, Enqueue { delay: 60 * MINUTE, ..Enqueue::default() }).await.unwrap();
    bench.clock.forward(3 * MINUTE).await;
    let status = bench.store.status().await.unwrap();
    assert_eq!((status.queue_depth, status.running, status.delayed), (1, 1, 1));
    assert_eq!(status.repositories, 3);
    let oldest = status.oldest_job.expect("one is due");
    assert!(oldest >= 3 * MINUTE && oldest < 4 * MINUTE, "{oldest:?}");
}

pub(crate) async fn slots_are_the_lesser_of_capacities_and_the_clusters(bench: &Bench) {
    let (one, two) = (bench.instance().await, bench.instance().await);
    let figures = async || {
        let status = bench.store.status().await.unwrap();
        (status.active_workers, status.total_slots)
    };
    assert_eq!(figures().await, (2, 8));
    bench.slots(5).await;
    assert_eq!(figures().await, (2, 5));
    bench.slots(0).await;
    assert_eq!(figures().await, (2, 8), "zero is no limit");
    bench.store.retire(one).await.unwrap();
    assert_eq!(figures().await, (1, 4));
    bench.clock.forward(MINUTE).await;
    assert_eq!(figures().await, (0, 0), "without a heartbeat for a minute");
    bench.heartbeat(two).await;
    assert_eq!(figures().await, (1, 4));
}

pub(crate) async fn rates_are_of_the_last_five_minutes(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.warm(repository, None, "c1", &[("f", "text")]).await;
    let claim = bench.start(repository).await;
    bench.take_out(&claim).await;
    for how in [fresh(), cancelled(), retry("down")] {
        bench.store.enqueue(repository, Enqueue { force: true, ..Enqueue::default() }).await.unwrap();
        let claim = bench.claim(bench.instance().await).await.unwrap();
        bench.settle(&claim, how).await;
    }
    let status = bench.store.status().await.unwrap();
    assert_eq!((status.completed_per_min, status.failed_per_min), (0.4, 0.2));
    bench.clock.forward(6 * MINUTE).await;
    let status = bench.store.status().await.unwrap();
    assert_eq!((status.completed_per_min, status.failed_per_min), (0.0, 0.0));
}

pub(crate) async fn what_runs_is_listed_for_the_ledger(bench: &Bench) {
    let instance = bench.instance().await;
    bench.enqueue(bench.repository("/a").await).await;
    bench.start(bench.repository("/b").await).await;
    let claim = bench.claim(instance).await.unwrap();
    assert_eq!(
        bench.store.running(instance).await.unwrap(),
        [Running { job: claim.job, claim: claim.id, cancel: false }]
    );
    let running = JobFilter { state: Some(JobState::Running), ..JobFilter::default() };
    let jobs = bench.store.jobs(&running).await.unwrap();
    assert_eq!(jobs.len(), 2, "of all instances");
    let mine = jobs.iter().find(|job| job.id == claim.job).unwrap();
    assert_eq!((mine.instance, mine.claim), (Some(instance), Some(claim.id)));
    bench.settle(&claim, cancelled()).await;
    assert_eq!(bench.store.running(instance).await.unwrap(), []);
    assert_eq!(bench.store.jobs(&JobFilter { limit: 1, ..running }).await.unwrap().len(), 1);
}

pub(crate) async fn live_instances_and_slots_are_listed(bench: &Bench) {
    let one = bench.instance().await;
    bench.clock.forward(MINUTE / 60).await;
    let two = bench.instance().await;
    bench.enqueue(bench.repository("/a").await).await;
    bench.claim(two).await.expect("it is free");
    bench.slots(3).await;
    let mut session = bench.store.session(one).await.unwrap();
    let token = session.take_slot(3).await.unwrap().expect("one is free");
    let status = bench.store.status().await.unwrap();
    assert_eq!((status.slots, status.slots_held), (3, 1));
    let told: Vec<_> = status.instances.iter().map(|this| (this.id, this.capacity, this.running)).collect();
    assert_eq!(told, [(one, 4, 0), (two, 4, 1)], "the oldest first");
    assert_eq!(status.instances[0].version, "test");
    session.release_slot(token).await.unwrap();
    bench.store.retire(two).await.unwrap();
    let status = bench.store.status().await.unwrap();
    assert_eq!((status.slots_held, status.instances.len()), (0, 1));
}

pub(crate) async fn what_should_have_been_checked_by_now_is_overdue(bench: &Bench) {
    let every = |refresh| Policy { refresh: Some(Refresh::Every(refresh)), ..Policy::default() };
    let (often, seldom, asked) =
        (bench.repository("/a").await, bench.repository("/b").await, bench.repository("/c").await);
    bench.store.set_policy(often, &every(10 * MINUTE)).await.unwrap();
    bench.store.set_policy(seldom, &every(120 * MINUTE)).await.unwrap();
    for repository in [often, seldom, asked] {
        bench.warm(repository, None, "c1", &[("f", "text")]).await;
    }
    let overdue = async || {
        let status = bench.store.status().await.unwrap();
        (status.due, status.overdue, status.oldest_overdue.map(|age| age.as_secs() / 60))
    };
    assert_eq!(overdue().await, (0, 0, None), "all were just checked");
    bench.clock.forward(15 * MINUTE).await;
    assert_eq!(overdue().await, (1, 0, None), "its budget is twice its interval");
    bench.clock.forward(25 * MINUTE).await;
    assert_eq!(overdue().await, (1, 1, Some(20)), "nobody checks it, and nothing is in the queue");
    let listed = bench.store.schedules().await.unwrap().into_iter();
    let listed = listed.filter_map(|one| Some((one.repository, one.overdue?.as_secs() / 60)));
    assert_eq!(listed.collect::<Vec<_>>(), [(often, 20)]);
    let how = Enqueue::default();
    bench.store.enqueue(often, how.clone()).await.unwrap();
    assert_eq!(overdue().await, (1, 1, Some(20)), "to be in the queue is not to be checked");
    let claim = bench.claim(bench.instance().await).await.unwrap();
    assert_eq!(overdue().await, (0, 0, None), "it is being checked");
    bench.settle(&claim, cancelled()).await;
    bench.store.set_state(often, RepositoryState::Paused).await.unwrap();
    assert_eq!(overdue().await, (0, 0, None), "a person wants so");
}

pub(crate) async fn a_repository_is_overdue_once_its_budget_is_used_up_and_not_before_it_is_due(bench: &Bench) {
    bench.turn_to("2100-03-01T05:00:00Z").await;
    let cron = || Some(Refresh::Cron("0 6 * * *".parse().unwrap()));
    let hourly = Some(Refresh::Every(60 * MINUTE));
    let cases = [
        (hourly.clone(), None, Some(120)),
        (hourly.clone(), Some(90), Some(90)),
        (hourly, Some(5), Some(60)),
        (cron(), None, Some(25 * 60)),
        (cron(), Some(0), Some(60)),
        (cron(), Some(300), Some(300)),
        (None, Some(5), None),
    ];
    let mut expected = vec![];
    for (number, (refresh, budget, after)) in cases.into_iter().enumerate() {
        let repository = bench.repository(&format!("/{number}")).await;
        let staleness_budget = budget.map(|minutes: u32| minutes * MINUTE);
        let policy = Policy { refresh, staleness_budget, ..Policy::default() };
        bench.store.set_policy(repository, &policy).await.unwrap();
        let claim = bench.start(repository).await;
        bench.settle(&claim, fresh()).await;
        expected.push(after);
    }
    bench.clock.forward(30 * 60 * MINUTE).await;
    let overdue = bench.store.schedules().await.unwrap().into_iter().map(|one| one.overdue);
    // All were checked in the first minute.
    let after: Vec<_> = overdue.map(|age| Some(30 * 60 - age?.as_secs() / 60)).collect();
    assert_eq!(after, expected);
}

pub(crate) async fn a_schedule_tells_the_next_check_and_how_long_the_last_one_took(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let schedule = async || bench.store.schedules().await.unwrap().remove(0);
    assert_eq!((schedule().await.next, schedule().await.last, schedule().await.budget), (None, None, None));
    let policy = Policy { refresh: Some(Refresh::Every(60 * MINUTE)), ..Policy::default() };
    bench.store.set_policy(repository, &policy).await.unwrap();
    assert!(schedule().await.next.expect("it was never tried") <= bench.now().await);
    let claim = bench.start(repository).await;
    assert_eq!(schedule().await.next, None, "it is being checked");
    bench.clock.forward(3 * MINUTE).await;
    bench.settle(&claim, fresh()).await;
    let told = schedule().await;
    let minutes = |span: Duration| (span.as_secs() + 30) / 60;
    let left = told.next.expect("it has an interval").duration_since(bench.now().await).unwrap();
    assert_eq!((minutes(left), told.last.map(minutes), told.budget.map(minutes)), (60, Some(3), Some(120)));
    let later = Enqueue { delay: 10 * MINUTE, ..Enqueue::default() };
    bench.store.enqueue(repository, later).await.unwrap();
    let left = schedule().await.next.expect("it is queued").duration_since(bench.now().await).unwrap();
    assert_eq!(minutes(left), 10, "its job may run then");
    bench.store.set_state(repository, RepositoryState::Paused).await.unwrap();
    assert_eq!(schedule().await.overdue, None);
}

pub(crate) async fn the_slots_in_force_are_those_of_the_window_that_holds(bench: &Bench) {
    bench.turn_to("2100-03-01T05:00:00Z").await;
    let window = serde_json::json!({ "from": "06:00", "to": "07:00", "slots": 2 });
    let windows = vec![serde_json::from_value(window).unwrap()];
    let instance = bench.instance().await;
    let ours = Configuration { windows, ..configuration("200") };
    assert_eq!(bench.store.agree(instance, &ours, Membership::Joins).await.unwrap().fleet.configuration, ours);
    for (slots, total) in [(24, 4), (2, 2), (24, 4)] {
        bench.heartbeat(instance).await;
        let status = bench.store.status().await.unwrap();
        assert_eq!((status.slots, status.slots_in_force, status.total_slots), (24, slots, total));
        bench.clock.forward(65 * MINUTE).await;
    }
    bench.heartbeat(instance).await;
    let other = bench.store.agree(bench.instance().await, &configuration("200"), Membership::Runs).await.unwrap();
    assert_eq!(other.fleet.configuration.windows, ours.windows, "who has none goes by the fleet's");
}

pub(crate) async fn the_figures_of_some_repositories_tell_nothing_of_others(bench: &Bench) {
    let (ours, other) = (bench.repository("/ours").await, bench.repository("/other").await);
    let every = Policy { refresh: Some(Refresh::Every(10 * MINUTE)), ..Policy::default() };
    bench.store.set_policy(other, &every).await.unwrap();
    let instance = bench.instance().await;
    bench.warm(other, None, "c1", &[("f", "text")]).await;
    bench.store.mark_stale(other, "gone").await.unwrap();
    bench.enqueue(other).await;
    let claim = bench.claim(instance).await.unwrap();
    let of = async |ids: &[RepositoryId]| bench.store.status_of(Some(ids)).await.unwrap();
    let (seen, all) = (of(&[ours]).await, of(&[ours, other]).await);
    assert_eq!((seen.running, seen.stale, seen.completed_per_min, seen.repositories), (0, 0, 0.0, 1));
    assert_eq!(seen.instances[0].running, 0, "what it is busy with is not told");
    assert_eq!((all.running, all.stale, all.completed_per_min, all.repositories), (1, 1, 0.2, 2));
    let of_all = bench.store.status_of(None).await.unwrap();
    assert_eq!(Status { ended_24h: of_all.ended_24h, ..all }, of_all, "these are all");
    bench.settle(&claim, Settlement::Dead { error: "broken".to_owned() }).await;
    bench.clock.forward(60 * MINUTE).await;
    bench.enqueue(other).await;
    bench.clock.forward(MINUTE).await;
    let seen = of(&[ours]).await;
    assert_eq!(
        (seen.queue_depth, seen.oldest_job, seen.dead, seen.overdue, seen.oldest_overdue),
        (0, None, 0, 0, None)
    );
    let all = of(&[other]).await;
    assert_eq!((all.dead, all.overdue), (1, 1));
    assert_eq!(of(&[]).await.repositories, 0, "an empty list is not all");
}

pub(crate) async fn the_history_is_filtered_by_repository_failure_and_age(bench: &Bench) {
    let (one, two) = (bench.repository("/one").await, bench.repository("/two").await);
    let instance = bench.instance().await;
    for (repository, how) in [(one, fresh()), (two, retry("down")), (one, retry("late"))] {
        let job = bench.store.enqueue(repository, Enqueue { force: true, ..Enqueue::default() }).await.unwrap().job;
        let filter = ClaimFilter { only: Some(vec![job]), ..ClaimFilter::default() };
        let claim = bench.store.claim(instance, &filter).await.unwrap().expect("it is due");
        bench.settle(&claim, how).await;
        bench.clock.forward(10 * MINUTE).await;
    }
    let listed = async |filter: HistoryFilter, limit| {
        let attempts = bench.store.history(&filter, limit).await.unwrap();
        attempts.iter().map(|attempt| (attempt.repository, attempt.outcome)).collect::<Vec<_>>()
    };
    use AttemptOutcome::{Fresh, Retry};
    let all = HistoryFilter::default();
    assert_eq!(listed(all.clone(), 9).await, [(one, Retry), (two, Retry), (one, Fresh)], "the latest first");
    assert_eq!(listed(all.clone(), 2).await.len(), 2);
    let failed = HistoryFilter { failed: true, ..all.clone() };
    assert_eq!(listed(failed.clone(), 9).await, [(one, Retry), (two, Retry)]);
    let of_one = HistoryFilter { repositories: Some(vec![one]), ..failed };
    assert_eq!(listed(of_one.clone(), 9).await, [(one, Retry)]);
    let of_one = HistoryFilter { failed: false, ..of_one };
    assert_eq!(listed(of_one.clone(), 9).await, [(one, Retry), (one, Fresh)]);
    assert_eq!(listed(HistoryFilter { changed: true, ..of_one }, 9).await, [(one, Retry)]);
    let changed = HistoryFilter { changed: true, ..all.clone() };
    assert_eq!(listed(changed, 9).await, [(one, Retry), (two, Retry)], "one found nothing new");
    let late = HistoryFilter { since: Some(15 * MINUTE), ..all.clone() };
    assert_eq!(listed(late, 9).await, [(one, Retry)]);
    assert_eq!(listed(HistoryFilter { repositories: Some(vec![]), ..all }, 9).await, [], "an empty list is not all");
    let failed = JobFilter { failed: true, ..JobFilter::default() };
    let waiting = async |filter: JobFilter| bench.store.jobs(&filter).await.unwrap().len();
    assert_eq!(
        (waiting(failed.clone()).await, waiting(JobFilter { since: Some(15 * MINUTE), ..failed }).await),
        (2, 1)
    );
}
