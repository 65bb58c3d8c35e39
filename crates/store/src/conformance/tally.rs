//! Sentences about the figures of the whole queue, which one instance counts for all.

use std::collections::BTreeMap;
use std::time::Duration;

use warmer_content::Recipe;

use super::Bench;
use super::fill_fixture::other_model;
use super::fixture::*;
use super::generations::warm_by;
use crate::*;

const LONG: Duration = Duration::from_secs(10);

async fn count(bench: &Bench) -> bool {
    bench.store.count_queue(TALLY_EVERY, LONG).await.unwrap()
}

async fn depth(bench: &Bench) -> Option<(u64, u64)> {
    let tally = bench.store.tally().await.unwrap()?;
    Some((tally.figures.queue_depth, tally.age.as_secs()))
}

pub(crate) async fn of_many_that_would_count_one_does_and_the_next_an_interval_later(bench: &Bench) {
    for _ in 0..2 {
        let counted = futures::future::join_all((0..8).map(|_| count(bench))).await;
        assert_eq!(counted.iter().filter(|counted| **counted).count(), 1, "{counted:?}");
        bench.clock.forward(TALLY_EVERY - Duration::from_secs(5)).await;
        assert!(!count(bench).await, "it was counted ten seconds ago");
        bench.clock.forward(Duration::from_secs(5)).await;
    }
}

pub(crate) async fn what_one_counted_all_read_with_its_age(bench: &Bench) {
    assert_eq!(bench.store.tally().await.unwrap(), None, "nobody has counted");
    let instance = bench.instance().await;
    let heard = async || bench.store.report(instance, &InstanceFigures::default()).await.unwrap().expect("it lives");
    assert_eq!(heard().await.tally, None);
    bench.enqueue(bench.repository("/a").await).await;
    assert!(count(bench).await);
    bench.enqueue(bench.repository("/b").await).await;
    bench.clock.forward(Duration::from_secs(12)).await;
    assert_eq!(depth(bench).await, Some((1, 12)), "what is put there later is not in it");
    let said = heard().await.tally.expect("somebody counted");
    assert_eq!((said.figures.queue_depth, said.age.as_secs()), (1, 12), "who says something hears it too");
    bench.clock.forward(Duration::from_secs(3)).await;
    assert!(count(bench).await);
    let tally = bench.store.tally().await.unwrap().expect("somebody counted");
    let status = bench.store.status().await.unwrap();
    let Status { oldest_job, table_rows, .. } = tally.figures.clone();
    let live = Status { instances: vec![], fleet: None, oldest_job, table_rows, ..status };
    assert_eq!(tally.figures, live, "all figures are those of a look");
}

pub(crate) async fn an_instance_that_dies_while_it_counts_holds_up_nobody_and_writes_nothing_late(bench: &Bench) {
    let turn = bench.inside.begin_count(TALLY_EVERY).await.expect("nobody counts");
    assert!(!count(bench).await, "one does");
    bench.clock.forward(TALLY_EVERY).await;
    assert!(count(bench).await, "it has had its time");
    bench.clock.forward(Duration::from_secs(7)).await;
    let late = Status { queue_depth: 99, ..Status::default() };
    assert!(!bench.inside.end_count(turn, &late).await, "the turn is another's");
    assert_eq!(depth(bench).await, Some((0, 7)));
}

pub(crate) async fn a_count_that_takes_too_long_is_given_up(bench: &Bench) {
    const MANY: &str = "INSERT INTO repository (remote, reference, created_at)
        WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2000)
        SELECT '/' || n, '', 0 FROM numbers";
    bench.rows.change(MANY).await;
    let given_up = bench.store.count_queue(TALLY_EVERY, Duration::from_micros(1)).await;
    given_up.expect_err("nothing is counted so fast");
    assert_eq!(bench.store.tally().await.unwrap(), None);
    assert_eq!(bench.store.status().await.unwrap().repositories, 2_000, "who looks has no such limit");
    bench.clock.forward(TALLY_EVERY).await;
    assert!(count(bench).await);
}

pub(crate) async fn many_rows_are_answered_from_the_tally_while_it_is_fresh_and_few_are_counted(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let seen = async || {
        let status = bench.store.status().await.unwrap();
        (status.queue_depth, status.counted_ago.map(|age| age.as_secs()))
    };
    assert!(count(bench).await);
    bench.enqueue(repository).await;
    assert_eq!(seen().await, (1, None), "few rows are counted at each look");
    let instance = bench.instance().await;
    let many = Status { queue_depth: 700_000, rows: LOOK_ROWS_MAX + 1, ..Status::default() };
    bench.clock.forward(TALLY_EVERY).await;
    let turn = bench.inside.begin_count(TALLY_EVERY).await.expect("it is due");
    assert!(bench.inside.end_count(turn, &many).await);
    bench.clock.forward(Duration::from_secs(20)).await;
    assert!(bench.heartbeat(instance).await);
    assert_eq!(seen().await, (700_000, Some(20)));
    assert_eq!(bench.store.status().await.unwrap().active_workers, 1, "who lives is looked up all the same");
    let narrow = bench.store.status_of(Some(&[repository])).await.unwrap();
    assert_eq!((narrow.queue_depth, narrow.counted_ago), (1, None), "the tally is of all repositories");
    bench.clock.forward(TALLY_FRESH).await;
    assert_eq!(seen().await, (1, None), "nobody keeps it fresh any more");
}

pub(crate) async fn what_is_served_refused_and_lacks_is_counted(bench: &Bench) {
    let (one, two) = (bench.repository("/one").await, bench.repository("/two").await);
    let texts = async || {
        let status = bench.store.status().await.unwrap();
        (status.texts, status.texts_missing)
    };
    bench.push(one, (None, "c1"), &[("a", "one two ")], recipe()).await;
    assert_eq!(texts().await, (2, 2));
    bench.fill_all(recipe()).await;
    assert_eq!(texts().await, (2, 0));
    let (instance, other) = (bench.instance().await, bench.instance().await);
    bench.enqueue(two).await;
    let claim = bench.claim(instance).await.expect("it is due");
    let error = "no token for git.example.com".to_owned();
    let otherwise = Box::new(Settlement::Dead { error: error.clone() });
    bench.settle(&claim, Settlement::Refused { error, otherwise }).await;
    let figures = async || {
        let status = bench.store.status().await.unwrap();
        (status.repositories, status.served, status.refused)
    };
    assert_eq!(figures().await, (2, 1, 1));
    bench.clock.forward(MINUTE).await;
    assert!(bench.heartbeat(other).await);
    assert_eq!(figures().await, (2, 1, 0), "who refused it gives no sign of life");
}

pub(crate) async fn what_is_built_beside_what_searches_use_is_counted_apart(bench: &Bench) {
    let (one, two) = (bench.repository("/one").await, bench.repository("/two").await);
    let texts = async |of: Option<RepositoryId>| {
        let of = of.map(|one| vec![one]);
        let status = bench.store.status_of(of.as_deref()).await.unwrap();
        [status.texts, status.texts_missing, status.texts_building, status.texts_building_missing]
    };
    bench.push(one, (None, "c1"), &[("a", "one two "), ("b", "three ")], recipe()).await;
    bench.push(two, (None, "c1"), &[("a", "four ")], recipe()).await;
    bench.fill_all(recipe()).await;
    assert_eq!(texts(None).await, [4, 0, 0, 0]);
    let other = other_model();
    let makes = Configuration { recipe: other, ..configuration("fleet") };
    bench.store.agree(InstanceId::random(), &makes, Membership::Joins).await.unwrap();
    bench.store.seed(other, Some(&[one]), u32::MAX).await.unwrap();
    assert_eq!(texts(None).await, [4, 0, 3, 3], "as far as it covers them");
    bench.store.seed(other, None, u32::MAX).await.unwrap();
    assert_eq!(texts(None).await, [4, 0, 4, 4]);
    assert_eq!(texts(Some(two)).await, [1, 0, 1, 1]);
    bench.push(two, (Some("c1"), "c2"), &[("b", "five ")], recipe()).await;
    assert_eq!(texts(None).await, [5, 1, 5, 5], "searches miss one");
    bench.store.enqueue_fills(other.embedding, FillRequest::all(9)).await.unwrap();
    bench.fill_all(other).await;
    assert_eq!(texts(None).await, [5, 1, 5, 0]);
    assert!(bench.store.activate_when_covered(other).await.unwrap());
    assert_eq!(texts(None).await, [5, 0, 0, 0], "what retired is told nowhere");
    // Texts that are cut otherwise are others.
    let cut = Recipe { embedding: embedding("third"), chunking: configuration("120").recipe.chunking };
    warm_by(bench, two, cut, "c2", &[("a", "six seven "), ("b", "eight ")]).await;
    assert_eq!(texts(None).await, [5, 0, 3, 0]);
}

pub(crate) async fn rows_by_table_are_told_without_a_count(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.push(repository, (None, "c1"), &[("a", "one two "), ("b", "three ")], recipe()).await;
    bench.fill_all(recipe()).await;
    // PostgreSQL hears of rows from each connection within ten seconds, and of all by this.
    bench.rows.change("ANALYZE").await;
    assert!(count(bench).await);
    let rows = bench.store.tally().await.unwrap().expect("somebody counted").figures.table_rows;
    let of = |table| rows.get(table).copied();
    assert!(of("artifact") >= Some(2) && of("vector") >= Some(3), "{rows:?}");
    assert_eq!(bench.store.status().await.unwrap().table_rows, BTreeMap::new(), "a look needs none");
}

pub(crate) async fn a_tally_of_the_future_is_none(bench: &Bench) {
    const AHEAD: Duration = Duration::from_hours(400 * 24);
    bench.clock.forward(AHEAD).await;
    assert!(count(bench).await);
    bench.clock.back(AHEAD).await;
    assert!(!count(bench).await, "as if it had just been counted");
    assert!(bench.store.end_future(MINUTE).await.unwrap() >= 1);
    assert_eq!(bench.store.tally().await.unwrap(), None);
    bench.clock.forward(TALLY_EVERY).await;
    assert!(count(bench).await);
}
