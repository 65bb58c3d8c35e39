//! Pools under their line: what becomes of messages and senders when a pool dies, and how often it may.

use std::sync::atomic::Ordering::SeqCst;

use futures::FutureExt;
use tokio::time::Instant;
use warmer_supervision::{Breaker, Ended, Limits, Line, Mailbox, Refused, RestartLimits, Strategy, Tree};

use crate::kit::{Message, Order, Post, Report, Running, SECOND, STRICT, run, stage, until};

/// A worker's first crash stops its pool.
const NONE: RestartLimits = RestartLimits { intensity: 0, ..STRICT };

/// The pool's next restart comes after five to ten seconds.
const LATE: RestartLimits = RestartLimits {
    intensity: 5,
    period: SECOND,
    first_delay: SECOND.saturating_mul(10),
    most_delay: SECOND.saturating_mul(10),
};

async fn send(mailbox: &Mailbox<Message>, message: Message) {
    mailbox.send(message).await.expect("the mailbox is open");
}

async fn until_down(pool: &Running) {
    until("the pool is down", || pool.mailbox.try_reserve().is_none()).await;
}

#[tokio::test(start_paused = true)]
async fn beyond_its_intensity_a_pool_stops_and_what_was_queued_in_it_is_dropped() {
    let mut post = Post::new();
    let pool = run(stage("one", 1, 20, None), STRICT, LATE).await;
    for id in 0..10 {
        send(&pool.mailbox, post.message(id, Order::Panic)).await;
    }
    let reports = post.reports(10).await;
    assert_eq!(reports, (0..10).map(Report::Lost).collect::<Vec<_>>());
    assert_eq!(pool.counts.begun.load(SeqCst), 3, "two restarts are allowed, so three workers have crashed");
    until("all permits are back", || pool.mailbox.gauges().inside == 0).await;
}

#[tokio::test(start_paused = true)]
async fn senders_wait_while_the_pool_is_down_and_go_on_with_the_next() {
    let mut post = Post::new();
    let pool = run(stage("one", 2, 20, None), NONE, LATE).await;
    send(&pool.mailbox, post.message(0, Order::Panic)).await;
    assert_eq!(post.next().await, Report::Lost(0));
    until_down(&pool).await;
    let began = Instant::now();
    let mut sender = Box::pin(pool.mailbox.send(post.message(1, Order::Pass)));
    assert!((&mut sender).now_or_never().is_none(), "there is no pool to send to");
    let mut permit = Box::pin(pool.mailbox.reserve());
    assert!((&mut permit).now_or_never().is_none(), "a permit is of no use while the pool is down");
    sender.await.expect("the next pool takes it");
    assert!((5 * SECOND..11 * SECOND).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert_eq!(post.next().await, Report::Done(1));
    drop(permit.await.expect("the pool is up"));
    assert_eq!(pool.counts.restarted.load(SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_reserved_message_comes_back_while_the_pool_is_down() {
    let mut post = Post::new();
    let pool = run(stage("one", 1, 20, None), NONE, LATE).await;
    let permit = pool.mailbox.reserve().await.expect("open");
    send(&pool.mailbox, post.message(0, Order::Fail)).await;
    post.next().await;
    until_down(&pool).await;
    let refused = pool.mailbox.send_reserved(permit, post.message(1, Order::Pass)).expect_err("no pool");
    assert!(matches!(refused, Refused::PoolGone(_)));
    refused.into_message().forget();
}

#[tokio::test(start_paused = true)]
async fn a_closed_mailbox_ends_the_wait_for_a_pool() {
    let mut post = Post::new();
    let pool = run(stage("one", 1, 20, None), NONE, LATE).await;
    send(&pool.mailbox, post.message(0, Order::Panic)).await;
    post.next().await;
    until_down(&pool).await;
    let mut sender = Box::pin(pool.mailbox.send(post.message(1, Order::Pass)));
    assert!((&mut sender).now_or_never().is_none());
    pool.mailbox.close();
    assert!(matches!(sender.await, Err(Refused::Closed(_))));
}

#[tokio::test(start_paused = true)]
async fn a_hung_sibling_does_not_keep_a_stopping_pool_from_being_replaced() {
    let mut post = Post::new();
    let pool = run(stage("one", 2, 20, None), NONE, LATE).await;
    send(&pool.mailbox, post.message(0, Order::Hang)).await;
    send(&pool.mailbox, post.message(1, Order::Panic)).await;
    assert_eq!(post.next().await, Report::Lost(1));
    until_down(&pool).await;
    send(&pool.mailbox, post.message(2, Order::Pass)).await;
    assert_eq!(post.reports(2).await, [Report::Done(2), Report::Lost(0)]);
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_panics_costs_neither_the_delay_nor_the_pool() {
    let mut post = Post::new();
    let pool = run(stage("clumsy", 1, 20, None), RestartLimits { intensity: 1, ..STRICT }, LATE).await;
    let began = Instant::now();
    for id in 0..2 {
        send(&pool.mailbox, post.message(id, Order::Panic)).await;
        post.next().await;
    }
    assert!(began.elapsed() >= STRICT.first_delay / 2, "{:?}", began.elapsed());
    until_down(&pool).await;
    send(&pool.mailbox, post.message(2, Order::Pass)).await;
    assert_eq!(post.next().await, Report::Done(2));
    assert_eq!((pool.counts.crashed.load(SeqCst), pool.counts.restarted.load(SeqCst)), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn the_other_stages_work_on_while_one_is_down() {
    let mut post = Post::new();
    let (first, second) = (stage("first", 1, 5, None), stage("second", 1, 5, None));
    let (bad, good) = (first.mailbox.clone(), second.mailbox.clone());
    let line = Line::builder("line", LATE)
        .stage(first.work, first.receiver, NONE)
        .stage(second.work, second.receiver, NONE)
        .build();
    let root = line.tree().start().await.expect("starts");
    send(&bad, post.message(0, Order::Panic)).await;
    assert_eq!(post.next().await, Report::Lost(0));
    until("the first is down", || bad.try_reserve().is_none()).await;
    let began = Instant::now();
    send(&good, post.message(1, Order::Pass)).await;
    assert_eq!(post.next().await, Report::Done(1));
    assert_eq!(began.elapsed().as_secs(), 0);
    assert_eq!(second.counts.restarted.load(SeqCst), 0);
    assert_eq!(root.stop().await, Ended::Stopped);
}

/// W-8: worker, pool, line, root, each with its own policy, and the root says how it came.
#[tokio::test(start_paused = true)]
async fn crashes_without_end_pass_from_the_worker_to_the_root() {
    let post = Post::new();
    let poisoned = stage("storer", 1, 5, None);
    let (mailbox, counts) = (poisoned.mailbox.clone(), poisoned.counts.clone());
    let line = Line::builder("line", STRICT).stage(poisoned.work, poisoned.receiver, STRICT).build();
    let once = RestartLimits { intensity: 1, ..STRICT };
    let root = Tree::new("root", Strategy::RestForOne, once).child(line.child()).start().await.expect("starts");
    let messages: Vec<_> = (0..100).map(|id| post.message(id, Order::Panic)).collect();
    let senders = tokio::spawn(async move {
        for message in messages {
            send(&mailbox, message).await;
        }
    });
    let Ended::Failed(reason) = root.ended().await else {
        panic!("nobody asked it to stop");
    };
    for part in ["root gave up restarting its line", "line gave up restarting its storer", "boom"] {
        assert!(reason.contains(part), "{part:?} is missing in {reason:?}");
    }
    // (2 restarts + 1) of a worker, (2 + 1) of its pool, (1 + 1) of the line.
    assert_eq!(counts.begun.load(SeqCst), 3 * 3 * 2);
    assert_eq!(counts.restarted.load(SeqCst), 5);
    assert_eq!(root.ended().await, Ended::Failed(reason), "it may be asked again");
    senders.abort();
}

/// W-15: beside a line that pauses the others work on, and the process lives.
#[tokio::test(start_paused = true)]
async fn a_line_with_a_breaker_pauses_longer_each_time_and_nothing_fails_upward() {
    let mut post = Post::new();
    let poisoned = stage("embedder", 1, 5, None);
    let (mailbox, counts) = (poisoned.mailbox.clone(), poisoned.counts.clone());
    let none = RestartLimits { intensity: 0, ..STRICT };
    let line = Line::builder("fills", none)
        .pausing(Breaker::new(30 * SECOND, 600 * SECOND))
        .stage(poisoned.work, poisoned.receiver, none)
        .build();
    let root = Tree::new("root", Strategy::RestForOne, none).child(line.child()).start().await.expect("starts");
    for (id, pause) in [(0, 30), (1, 60), (2, 120)] {
        send(&mailbox, post.message(id, Order::Panic)).await;
        assert_eq!(post.next().await, Report::Lost(id));
        until("the pool is down", || mailbox.try_reserve().is_none()).await;
        let began = Instant::now();
        drop(mailbox.reserve().await.expect("open"));
        assert_eq!(began.elapsed().as_secs(), pause);
    }
    send(&mailbox, post.message(9, Order::Pass)).await;
    assert_eq!(post.next().await, Report::Done(9));
    assert_eq!(counts.restarted.load(SeqCst), 3);
    assert!(root.ended().now_or_never().is_none(), "the root lives");
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_was_resized_while_it_was_down_starts_with_the_new_number() {
    let mut post = Post::new();
    let pool = run(stage("one", 1, 20, None), NONE, LATE).await;
    send(&pool.mailbox, post.message(0, Order::Panic)).await;
    post.next().await;
    until_down(&pool).await;
    pool.mailbox.resize(Limits { workers: 3, mailbox: 20, mailbox_bytes: 1_000 });
    for id in 1..=5 {
        send(&pool.mailbox, post.message(id, Order::Hang)).await;
    }
    tokio::time::sleep(SECOND).await;
    // One crashed, three hang, two are queued.
    assert_eq!(pool.counts.begun.load(SeqCst), 4);
}
