//! The end of a line, stage by stage.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use tokio::sync::Semaphore;
use tokio::time::Instant;
use warmer_supervision::{DrainEnd, Drained, Ended, Line, RestartLimits};

use crate::kit::{Order, Post, Report, Running, SECOND, STRICT, TOLERANT, run, stage, until};

fn ends(report: &[Drained]) -> Vec<(&'static str, DrainEnd)> {
    report.iter().map(|drained| (drained.stage, drained.end)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_drain_finishes_what_is_inside_and_is_no_death() {
    let mut post = Post::new();
    let Running { mailbox, line, root, counts } = run(stage("one", 2, 20, None), TOLERANT, STRICT).await;
    for id in 0..20 {
        let order = if id % 5 == 0 { Order::Panic } else { Order::Pass };
        mailbox.send(post.message(id, order)).await.expect("open");
    }
    assert_eq!(ends(&line.drain(60 * SECOND).await), [("one", DrainEnd::Drained)]);
    let reports = post.reports(20).await;
    assert_eq!(reports.iter().filter(|report| matches!(report, Report::Lost(_))).count(), 4);
    assert!(mailbox.send(post.message(99, Order::Pass)).await.is_err());
    tokio::time::sleep(60 * SECOND).await;
    assert_eq!(counts.restarted.load(SeqCst), 0, "a drained pool is not started again");
    assert_eq!(root.stop().await, Ended::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_hung_worker_is_killed_at_the_deadline_and_its_message_dropped() {
    let mut post = Post::new();
    let Running { mailbox, line, root, .. } = run(stage("one", 2, 20, None), TOLERANT, STRICT).await;
    mailbox.send(post.message(0, Order::Hang)).await.expect("open");
    for id in 1..6 {
        mailbox.send(post.message(id, Order::Pass)).await.expect("open");
    }
    let began = Instant::now();
    assert_eq!(ends(&line.drain(10 * SECOND).await), [("one", DrainEnd::Killed)]);
    assert!((10 * SECOND..12 * SECOND).contains(&began.elapsed()), "{:?}", began.elapsed());
    let mut expected: Vec<_> = (1..6).map(Report::Done).collect();
    expected.push(Report::Lost(0));
    assert_eq!(post.reports(6).await, expected);
    until("its permit is back", || mailbox.gauges().inside == 0).await;
    assert_eq!(root.stop().await, Ended::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_worker_does_not_sit_out_its_delay_in_a_drain() {
    let mut post = Post::new();
    let slow = RestartLimits { first_delay: 600 * SECOND, most_delay: 600 * SECOND, ..TOLERANT };
    let Running { mailbox, line, root: _root, .. } = run(stage("one", 1, 20, None), slow, STRICT).await;
    mailbox.send(post.message(0, Order::Panic)).await.expect("open");
    mailbox.send(post.message(1, Order::Pass)).await.expect("open");
    assert_eq!(post.next().await, Report::Lost(0));
    let began = Instant::now();
    assert_eq!(ends(&line.drain(60 * SECOND).await), [("one", DrainEnd::Drained)]);
    assert_eq!(post.next().await, Report::Done(1));
    assert!(began.elapsed() < SECOND, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_chain_drains_from_the_first_stage_to_the_last() {
    let mut post = Post::new();
    let last = stage("last", 1, 2, None);
    let middle = stage("middle", 2, 2, Some(&last.mailbox));
    let first = stage("first", 2, 30, Some(&middle.mailbox));
    let door = first.mailbox.clone();
    let line = Line::builder("line", STRICT)
        .stage(first.work, first.receiver, TOLERANT)
        .stage(middle.work, middle.receiver, TOLERANT)
        .stage(last.work, last.receiver, TOLERANT)
        .build();
    let _root = line.tree().start().await.expect("starts");
    for id in 0..30 {
        door.send(post.message(id, Order::Pass)).await.expect("open");
    }
    let report = line.drain(60 * SECOND).await;
    assert_eq!(ends(&report), ["first", "middle", "last"].map(|stage| (stage, DrainEnd::Drained)));
    assert_eq!(post.reports(30).await, (0..30).map(Report::Done).collect::<Vec<_>>());
}

/// The last stage is down when the drain of the first begins: it comes back, takes what the first still holds, and only
/// then drains.
#[tokio::test(start_paused = true)]
async fn a_stage_that_is_down_is_restarted_until_its_own_turn_to_drain() {
    let mut post = Post::new();
    let last = stage("last", 1, 5, None);
    let first = stage("first", 1, 5, Some(&last.mailbox));
    let (door, down) = (first.mailbox.clone(), last.mailbox.clone());
    let none = RestartLimits { intensity: 0, ..STRICT };
    let line = Line::builder("line", STRICT)
        .stage(first.work, first.receiver, TOLERANT)
        .stage(last.work, last.receiver, none)
        .build();
    let _root = line.tree().start().await.expect("starts");
    down.send(post.message(0, Order::Panic)).await.expect("open");
    assert_eq!(post.next().await, Report::Lost(0));
    until("the last stage is down", || down.try_reserve().is_none()).await;
    door.send(post.message(1, Order::Pass)).await.expect("open");
    let report = line.drain(60 * SECOND).await;
    assert_eq!(ends(&report), ["first", "last"].map(|stage| (stage, DrainEnd::Drained)));
    assert_eq!(post.next().await, Report::Done(1));
}

#[tokio::test(start_paused = true)]
async fn a_root_that_stops_ends_its_pools() {
    let mut post = Post::new();
    let Running { mailbox, root, .. } = run(stage("one", 1, 20, None), TOLERANT, STRICT).await;
    let permits = Arc::new(Semaphore::new(0));
    for id in 0..2 {
        mailbox.send(post.message(id, Order::Hold(permits.clone()))).await.expect("open");
    }
    let stopping = tokio::spawn(root.stop());
    assert_eq!(post.next().await, Report::Lost(1), "what was queued");
    permits.add_permits(1);
    assert_eq!(post.next().await, Report::Done(0), "what was in work");
    assert_eq!(stopping.await.expect("no panic"), Ended::Stopped);
}
