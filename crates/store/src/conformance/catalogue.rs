//! Sentences about the catalogue.

use super::Bench;
use super::fixture::*;
use crate::*;

pub(crate) async fn adding_a_repository_twice_gives_the_same_one(bench: &Bench) {
    let one = bench.store.add_repository("/a", Some("main")).await.unwrap();
    let two = bench.store.add_repository("/a", Some("main")).await.unwrap();
    assert_eq!(one, two);
    assert_eq!(one.reference.as_deref(), Some("main"));
    assert_eq!(one.state, RepositoryState::Active);
    assert_eq!(bench.store.repositories().await.unwrap(), [one]);
}

pub(crate) async fn spellings_of_one_location_are_one_repository_though_they_are_added_at_once(bench: &Bench) {
    let add = |remote: &'static str| bench.store.add_repository_at(remote, "host/app", None);
    let spellings = ["https://host/app", "https://host/app.git", "git@host:app", "ssh://git@host/app"];
    let rows = futures::future::try_join_all(spellings.map(add)).await.unwrap();
    assert!(rows.iter().all(|row| *row == rows[0]), "{rows:?}");
    assert!(bench.store.set_remote(rows[0].id, "git@host:app").await.unwrap());
    let all = bench.store.repositories().await.unwrap();
    assert_eq!((all.len(), all[0].id, all[0].remote.as_str()), (1, rows[0].id, "git@host:app"));
    assert_ne!(bench.store.add_repository_at("https://host/app", "host/app", Some("v2")).await.unwrap().id, rows[0].id);
    assert!(!bench.store.set_remote(RepositoryId(-1), "x").await.unwrap());
}

pub(crate) async fn two_refs_of_a_remote_are_two_repositories(bench: &Bench) {
    let head = bench.store.add_repository("/a", None).await.unwrap();
    let main = bench.store.add_repository("/a", Some("main")).await.unwrap();
    assert_ne!(head.id, main.id);
    assert_eq!(head.reference, None);
    assert_eq!(bench.store.add_repository("/a", Some("HEAD")).await.unwrap(), head);
    assert_eq!(bench.store.repository(main.id).await.unwrap(), Some(main));
}

pub(crate) async fn a_removed_repository_leaves_nothing_behind(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.warm(repository, None, "c1", &[("f", "text")]).await;
    let claim = bench.start(repository).await;
    assert!(bench.store.remove_repository(repository).await.unwrap());
    assert!(!bench.store.remove_repository(repository).await.unwrap());
    assert_eq!(bench.entries(repository).await, []);
    assert_eq!(bench.store.jobs(&JobFilter::default()).await.unwrap(), []);
    assert_eq!(bench.settle(&claim, fresh()).await, None);
    assert_eq!(bench.store.status().await.unwrap().repositories, 0);
}

pub(crate) async fn a_vanished_remote_is_marked_stale_since_the_first_time(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.warm(repository, None, "c1", &[("f", "text")]).await;
    assert!(bench.store.mark_stale(repository, "the remote is gone").await.unwrap());
    let first = bench.store.repository(repository).await.unwrap().unwrap();
    bench.clock.forward(DAY).await;
    bench.store.mark_stale(repository, "the remote is gone").await.unwrap();
    let second = bench.store.repository(repository).await.unwrap().unwrap();
    assert!(first.stale_since.is_some());
    assert_eq!(first.stale_since, second.stale_since);
    assert_eq!(second.last_error.as_deref(), Some("the remote is gone"));
    assert_eq!(bench.store.status().await.unwrap().stale, 1);

    let claim = bench.start(repository).await;
    bench.settle(&claim, fresh()).await;
    let third = bench.store.repository(repository).await.unwrap().unwrap();
    assert_eq!((third.stale_since, third.last_error), (None, None));
}

pub(crate) async fn a_policy_is_kept_and_ranks_the_queued_job(bench: &Bench) {
    let id = bench.repository("/a").await;
    let policy = async || bench.store.repository(id).await.unwrap().unwrap().policy;
    assert_eq!(policy().await, Policy::default(), "nobody said anything yet");
    let job = bench.enqueue(id).await.job;
    let rank = async || bench.store.job(job).await.unwrap().unwrap().rank;
    let globs = |globs: &[&str]| globs.iter().map(|&glob| glob.to_owned()).collect();
    let first = Policy {
        refresh: Some(Refresh::Adaptive),
        staleness_budget: Some(3 * MINUTE),
        rank: -7,
        include: globs(&["src/**", "\"odd\""]),
        exclude: globs(&["*.json"]),
        configured: true,
    };
    assert!(bench.store.set_policy(id, &first).await.unwrap());
    assert_eq!((policy().await, rank().await), (first.clone(), -7));

    bench.store.enqueue(id, Enqueue { rank: -50, ..Enqueue::default() }).await.unwrap();
    let second = Policy { refresh: Some(Refresh::Every(MINUTE)), ..first };
    bench.store.set_policy(id, &second).await.unwrap();
    assert_eq!((policy().await, rank().await), (second, -50), "the same rank as before moves nothing");
    let cron = "0 6 * * MON-FRI Europe/Berlin".parse().unwrap();
    let third = Policy { refresh: Some(Refresh::Cron(cron)), ..Policy::default() };
    bench.store.set_policy(id, &third).await.unwrap();
    assert_eq!(policy().await, third);
    bench.store.set_policy(id, &Policy { rank: 1000, ..Policy::default() }).await.unwrap();
    assert_eq!((policy().await, rank().await), (Policy { rank: 100, ..Policy::default() }, 100));
    assert!(!bench.store.set_policy(RepositoryId(77), &Policy::default()).await.unwrap());
}
