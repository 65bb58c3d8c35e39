//! Sentences about whose turn the upkeep is, and the shares of a verification.

use std::time::Duration;

use warmer_content::Vector;

use super::Bench;
use super::fixture::*;
use crate::*;

const SHARES: u32 = 3;

async fn take(bench: &Bench, instance: InstanceId) -> Option<TurnId> {
    bench.store.take_turn(instance, DAY).await.unwrap()
}

/// The turn of an instance of its own, whenever the last one was.
async fn turn(bench: &Bench) -> TurnId {
    bench.store.take_turn(bench.instance().await, Duration::ZERO).await.unwrap().expect("it is nobody's")
}

pub(crate) async fn the_turn_is_one_instances_and_the_next_is_due_an_interval_after_it(bench: &Bench) {
    let (one, two) = (bench.instance().await, bench.instance().await);
    assert_eq!(take(bench, one).await, None, "the database was just made");
    bench.clock.forward(DAY).await;
    assert!(bench.heartbeat(one).await && bench.heartbeat(two).await);
    let turn = take(bench, one).await.expect("it is due");
    assert_eq!(take(bench, two).await, None, "it is another's");
    bench.clock.forward(MINUTE).await;
    assert!(bench.heartbeat(one).await);
    assert_eq!(take(bench, two).await, None, "however long it takes");
    assert!(bench.store.end_turn(turn, true).await.unwrap());
    assert_eq!(take(bench, two).await, None);
    bench.clock.forward(DAY - MINUTE).await;
    assert_eq!(take(bench, two).await, None, "an interval counts from the end");
    bench.clock.forward(MINUTE).await;
    assert!(take(bench, two).await.is_some());
}

pub(crate) async fn a_turn_whose_instance_is_gone_is_taken_over_and_ends_nothing_any_more(bench: &Bench) {
    let (silent, retired, last) = (bench.instance().await, bench.instance().await, bench.instance().await);
    bench.clock.forward(DAY).await;
    let first = take(bench, silent).await.expect("it is due");
    bench.clock.forward(MINUTE).await;
    let second = take(bench, retired).await.expect("no heartbeat for a minute");
    assert!(!bench.store.end_turn(first, true).await.unwrap());
    assert_eq!(bench.store.verify_share(first, SHARES).await.unwrap(), None);
    bench.store.retire(retired).await.unwrap();
    let third = take(bench, last).await.expect("it left");
    assert!(!bench.store.end_turn(second, false).await.unwrap());
    assert!(bench.heartbeat(last).await);
    let again = take(bench, last).await.expect("who has it may begin again");
    assert!(!bench.store.end_turn(third, true).await.unwrap());
    assert!(bench.store.end_turn(again, true).await.unwrap());
}

pub(crate) async fn a_turn_that_did_not_end_well_is_due_at_once_for_anybody(bench: &Bench) {
    bench.clock.forward(DAY).await;
    let (one, two) = (bench.instance().await, bench.instance().await);
    let failed = take(bench, one).await.expect("it is due");
    assert!(bench.store.end_turn(failed, false).await.unwrap());
    assert!(take(bench, two).await.is_some());
}

pub(crate) async fn of_many_that_want_the_turn_at_once_one_gets_it(bench: &Bench) {
    bench.clock.forward(DAY).await;
    let mut instances = vec![];
    for _ in 0..8 {
        instances.push(bench.instance().await);
    }
    let turns = futures::future::join_all(instances.into_iter().map(|instance| take(bench, instance))).await;
    assert_eq!(turns.iter().flatten().count(), 1, "{turns:?}");
}

/// 600 texts, of which the last has a vector of another length.
async fn damaged(bench: &Bench) -> String {
    let text: String = (0..600).map(|number| format!("w{number} ")).collect();
    let mut vectors = vectors(&text);
    let twice = Vector::from_bytes([0x00, 0x40, 0, 0, 0, 0]).expect("three numbers, the first of them 2");
    vectors.last_mut().expect("there are some").1 = twice;
    bench.put_parts(&text, &vectors).await;
    text
}

pub(crate) async fn shares_of_a_verification_read_all_in_time_and_begin_anew(bench: &Bench) {
    damaged(bench).await;
    let turn = turn(bench).await;
    let (mut read, mut found) = (0, vec![]);
    for _ in 0..SHARES {
        let share = bench.store.verify_share(turn, SHARES).await.unwrap().expect("the turn is ours");
        read += share.vectors;
        found.push(share.vectors_damaged);
        assert!(share.vectors < 600, "not all at once: {share:?}");
        assert_eq!((share.artifacts, share.artifacts_damaged), (1, 0));
    }
    assert!(read >= 600, "{read}");
    assert_eq!(found.iter().sum::<u64>(), 1, "{found:?}");
    let verified = bench.store.verify(true).await.unwrap();
    assert_eq!((verified.vectors, verified.vectors_damaged), (599, 0));
    let anew = bench.store.verify_share(turn, SHARES).await.unwrap().expect("the turn is ours");
    assert!(anew.vectors > 0, "from the first on");
}

pub(crate) async fn who_serves_what_was_damaged_is_checked_as_a_whole(bench: &Bench) {
    let (serving, other) = (bench.repository("/a").await, bench.repository("/b").await);
    let text = damaged(bench).await;
    for (repository, text) in [(serving, &*text), (other, "whole")] {
        bench.warm(repository, None, "c1", &[("f", text)]).await;
    }
    let turn = turn(bench).await;
    let share = async || bench.store.verify_share(turn, 1).await.unwrap().expect("the turn is ours");
    let found = share().await;
    assert_eq!((found.vectors_damaged, found.repositories), (1, 0));
    bench.everything_is_noted().await;
    assert_eq!(bench.coverage(serving).await.missing, 1, "a vector is made of what is stored");
    assert_eq!(bench.store.jobs(&JobFilter::default()).await.unwrap(), []);

    bench.rows.change("UPDATE artifact SET chunks = chunks + 1 WHERE chunks > 1").await;
    let found = share().await;
    assert_eq!((found.artifacts_damaged, found.repositories), (1, 1));
    let jobs = bench.store.jobs(&JobFilter::default()).await.unwrap();
    assert_eq!(jobs.iter().map(|job| (job.repository, job.full)).collect::<Vec<_>>(), [(serving, true)]);
}
