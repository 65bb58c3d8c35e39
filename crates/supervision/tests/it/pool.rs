//! One pool behind its mailbox.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use warmer_supervision::{Level, Limits, Mailbox, Refused, RestartLimits, Wait, restarts};

use crate::kit::{Message, Order, Post, Report, SECOND, STRICT, TOLERANT, run, stage, until};

async fn send(mailbox: &Mailbox<Message>, message: Message) {
    mailbox.send(message).await.expect("the mailbox is open");
}

#[tokio::test(start_paused = true)]
async fn a_crash_costs_one_message_and_the_queued_ones_are_worked() {
    let mut post = Post::new();
    let pool = run(stage("crashes twice", 1, 20, None), TOLERANT, STRICT).await;
    for (id, order) in [Order::Panic, Order::Fail, Order::Pass, Order::Pass].into_iter().enumerate() {
        send(&pool.mailbox, post.message(id as u64, order)).await;
    }
    let reports = post.reports(4).await;
    assert_eq!(reports, [Report::Done(2), Report::Done(3), Report::Lost(0), Report::Lost(1)]);
    until("all permits are back", || pool.mailbox.gauges().inside == 0).await;
    assert_eq!(pool.counts.crashed.load(SeqCst), 2);
    assert_eq!(pool.counts.restarted.load(SeqCst), 0, "the pool itself was never replaced");
    let counted = restarts();
    let of = |level| counted.get(&("crashes twice", level)).copied();
    assert_eq!((of(Level::Worker), of(Level::Actor)), (Some(2), Some(0)), "the pool itself was never replaced");
    assert_eq!(pool.counts.states.load(SeqCst), 3, "each replaced worker has a state of its own");
}

#[tokio::test(start_paused = true)]
async fn message_and_place_are_gone_before_the_delay_and_the_sibling_works_on() {
    let mut post = Post::new();
    let slow = RestartLimits { first_delay: 60 * SECOND, most_delay: 60 * SECOND, ..TOLERANT };
    let pool = run(stage("one", 2, 100, None), slow, STRICT).await;
    let began = Instant::now();
    send(&pool.mailbox, post.message(0, Order::Panic)).await;
    assert_eq!(post.next().await, Report::Lost(0));
    assert_eq!(pool.mailbox.gauges().inside, 0);
    for id in 1..=60 {
        send(&pool.mailbox, post.message(id, Order::Pass)).await;
    }
    let reports = post.reports(60).await;
    assert_eq!(reports, (1..=60).map(Report::Done).collect::<Vec<_>>());
    assert!(began.elapsed() < 30 * SECOND, "waited for the delay: {:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_replaced_worker_waits_for_its_delay() {
    let mut post = Post::new();
    let slow = RestartLimits { first_delay: 60 * SECOND, most_delay: 60 * SECOND, ..TOLERANT };
    let pool = run(stage("one", 1, 100, None), slow, STRICT).await;
    let began = Instant::now();
    send(&pool.mailbox, post.message(0, Order::Panic)).await;
    send(&pool.mailbox, post.message(1, Order::Pass)).await;
    assert_eq!(post.reports(2).await, [Report::Done(1), Report::Lost(0)]);
    assert!((30 * SECOND..=61 * SECOND).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_waits_and_enters_when_a_place_is_given_back() {
    let mut post = Post::new();
    let permits = Arc::new(Semaphore::new(0));
    let pool = run(stage("one", 2, 3, None), TOLERANT, STRICT).await;
    for id in 0..5 {
        send(&pool.mailbox, post.message(id, Order::Hold(permits.clone()))).await;
    }
    let mut sixth = Box::pin(pool.mailbox.send(post.message(5, Order::Pass)));
    assert!((&mut sixth).now_or_never().is_none(), "a sixth message got into five permits");
    assert!(pool.mailbox.try_reserve().is_none());
    assert_eq!((pool.mailbox.gauges().inside, pool.mailbox.gauges().waiting), (5, 1));
    tokio::time::advance(SECOND).await;
    permits.add_permits(1);
    sixth.await.expect("a permit was given back");
    permits.add_permits(4);
    post.reports(6).await;
    let gauges = pool.mailbox.gauges();
    assert_eq!((gauges.peak, gauges.waiting), (5, 0));
    assert!(gauges.send_wait >= SECOND && gauges.mailbox_wait >= SECOND, "{gauges:?}");
}

#[tokio::test(start_paused = true)]
async fn bytes_keep_a_message_out_and_one_beyond_the_bound_enters_alone() {
    let mut post = Post::new();
    let permits = Arc::new(Semaphore::new(0));
    let pool = run(stage("one", 1, 10, None), TOLERANT, STRICT).await;
    let sized = |id, bytes| post.sized(id, Order::Hold(permits.clone()), bytes);
    let (huge, small, late) = (sized(1, 5_000), sized(0, 600), sized(2, 1));
    send(&pool.mailbox, small).await;
    let mut huge = Box::pin(pool.mailbox.send(huge));
    assert!((&mut huge).now_or_never().is_none(), "5,000 bytes got in beside 600");
    let mut late = Box::pin(pool.mailbox.send(late));
    assert!((&mut late).now_or_never().is_none(), "overtook the one that waits");
    permits.add_permits(1);
    huge.await.expect("alone it may enter");
    assert_eq!(pool.mailbox.gauges().bytes, 5_000);
    assert!((&mut late).now_or_never().is_none(), "one byte got in beside 5,000 of 1,000");
    permits.add_permits(2);
    late.await.expect("the huge one left");
    assert_eq!(post.reports(3).await.len(), 3);
    until("all bytes are back", || pool.mailbox.gauges().bytes == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_senders_crashes_and_resizes_stays_within_the_bound_and_loses_nothing_unreported() {
    let mut post = Post::new();
    let pool = run(stage("one", 4, 8, None), RestartLimits { intensity: usize::MAX, ..TOLERANT }, STRICT).await;
    let mut producers = tokio::task::JoinSet::new();
    for producer in 0..8 {
        let messages: Vec<_> = (0..250)
            .map(|n| {
                let order = if n % 50 == 49 { Order::Panic } else { Order::Pass };
                post.sized(producer * 1_000 + n, order, 400)
            })
            .collect();
        let mailbox = pool.mailbox.clone();
        producers.spawn(async move {
            for message in messages {
                send(&mailbox, message).await;
            }
        });
    }
    let mut reports = vec![];
    for size in [1, 6, 2, 8, 1, 3].into_iter().cycle().take(60) {
        pool.mailbox.resize(Limits { workers: size, mailbox: 4, mailbox_bytes: 400 * size as u64 });
        reports.extend(post.reports(20).await);
    }
    reports.extend(post.reports(2_000 - 60 * 20).await);
    producers.join_all().await;
    let gauges = pool.mailbox.gauges();
    assert!(gauges.peak <= 12 && gauges.peak_bytes <= 3_200, "{gauges:?}");
    assert_eq!(gauges.taken, 2_000);
    assert_eq!(reports.iter().filter(|report| matches!(report, Report::Lost(_))).count(), 40);
    assert!(post.is_silent());
}

#[tokio::test(start_paused = true)]
async fn the_time_of_workers_is_starved_busy_or_blocked_and_adds_up_though_one_crashes() {
    let mut post = Post::new();
    let permits = Arc::new(Semaphore::new(0));
    let slow = RestartLimits { first_delay: 60 * SECOND, most_delay: 60 * SECOND, ..TOLERANT };
    let pool = run(stage("one", 2, 10, None), slow, STRICT).await;
    until("both are there", || pool.mailbox.occupied().workers == 2).await;
    let before = pool.mailbox.occupied();
    send(&pool.mailbox, post.message(0, Order::Hold(permits.clone()))).await;
    until("one works", || pool.counts.in_work.load(SeqCst) == 1).await;
    tokio::time::advance(10 * SECOND).await;
    let busy = pool.mailbox.occupied().since(&before);
    assert_eq!((busy.busy, busy.starved, busy.blocked()), (10 * SECOND, 10 * SECOND, Duration::ZERO));
    permits.add_permits(1);
    send(&pool.mailbox, post.message(1, Order::Panic)).await;
    assert_eq!(post.reports(2).await, [Report::Done(0), Report::Lost(1)]);
    let waits = pool.mailbox.occupied();
    tokio::time::advance(20 * SECOND).await;
    let crashed = pool.mailbox.occupied().since(&waits);
    let expected = (Duration::ZERO, 20 * SECOND, 20 * SECOND);
    assert_eq!((crashed.busy, crashed.starved, crashed.blocked_by(Wait::Restart)), expected);
    tokio::time::advance(60 * SECOND).await;
    let blocked = || pool.mailbox.occupied().blocked();
    let is_replaced = || {
        let before = blocked();
        blocked() == before
    };
    until("it is replaced", is_replaced).await;
    pool.mailbox.resize(Limits { workers: 1, mailbox: 10, mailbox_bytes: 1_000 });
    until("one is left", || pool.mailbox.occupied().workers == 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_resize_reaches_the_running_pool() {
    let post = Post::new();
    let permits = Arc::new(Semaphore::new(0));
    let pool = run(stage("one", 1, 10, None), TOLERANT, STRICT).await;
    for id in 0..8 {
        send(&pool.mailbox, post.message(id, Order::Hold(permits.clone()))).await;
    }
    let in_work = |count| move |pool: &crate::kit::Running| pool.counts.in_work.load(SeqCst) == count;
    until("one worker", || in_work(1)(&pool)).await;
    pool.mailbox.resize(Limits { workers: 3, mailbox: 10, mailbox_bytes: 1_000 });
    until("three workers", || in_work(3)(&pool)).await;
    pool.mailbox.resize(Limits { workers: 1, mailbox: 2, mailbox_bytes: 1_000 });
    permits.add_permits(3);
    until("five left, one of them in work", || in_work(1)(&pool) && pool.mailbox.gauges().inside == 5).await;
    assert!(pool.mailbox.try_reserve().is_none(), "five are inside, three may be");
    permits.add_permits(3);
    until("two left", || pool.mailbox.gauges().inside == 2).await;
    assert!(pool.mailbox.try_reserve().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_reserved_permit_takes_its_message_without_waiting() {
    let mut post = Post::new();
    let permits = Arc::new(Semaphore::new(0));
    let pool = run(stage("one", 1, 1, None), TOLERANT, STRICT).await;
    send(&pool.mailbox, post.message(0, Order::Hold(permits.clone()))).await;
    let permit = pool.mailbox.reserve().await.expect("the second of two permits");
    assert!(pool.mailbox.try_reserve().is_none());
    pool.mailbox.send_reserved(permit, post.sized(1, Order::Pass, 2_000)).expect("the pool runs");
    assert_eq!(pool.mailbox.gauges().bytes, 2_001, "over the bound, but counted");
    permits.add_permits(1);
    assert_eq!(post.reports(2).await, [Report::Done(0), Report::Done(1)]);
    drop(pool.mailbox.reserve().await.expect("both permits are back"));
    until("the unused permit is back", || pool.mailbox.gauges().inside == 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_closed_mailbox_hands_the_message_back() {
    let post = Post::new();
    let pool = run(stage("one", 1, 1, None), TOLERANT, STRICT).await;
    let permit = pool.mailbox.reserve().await.expect("open");
    let (waiting, full) = (pool.mailbox.clone(), post.message(7, Order::Pass));
    let held = pool.mailbox.reserve().await.expect("open");
    let waiting = tokio::spawn(async move { waiting.send(full).await });
    until("a sender waits", || pool.mailbox.gauges().waiting == 1).await;
    pool.mailbox.close();
    let refused = waiting.await.expect("no panic").expect_err("closed while it waited");
    assert!(matches!(refused, Refused::Closed(_)));
    assert_eq!(refused.into_message().id, 7);
    let refused = pool.mailbox.send_reserved(permit, post.message(8, Order::Pass)).expect_err("closed");
    assert_eq!(refused.into_message().id, 8);
    assert!(pool.mailbox.reserve().await.is_err());
    drop(held);
    assert_eq!(pool.mailbox.gauges().inside, 0);
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_gives_up_leaves_the_line() {
    let post = Post::new();
    let pool = run(stage("one", 1, 0, None), TOLERANT, STRICT).await;
    send(&pool.mailbox, post.message(0, Order::Hang)).await;
    let gone = tokio::time::timeout(Duration::from_secs(1), pool.mailbox.send(post.message(1, Order::Pass))).await;
    assert!(gone.is_err());
    assert_eq!(pool.mailbox.gauges().waiting, 0);
    assert!(pool.mailbox.gauges().send_wait >= SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_notification_gets_in_when_every_permit_is_taken_and_takes_none() {
    let mut post = Post::new();
    let permits = Arc::new(Semaphore::new(0));
    let pool = run(stage("one", 1, 0, None), TOLERANT, STRICT).await;
    send(&pool.mailbox, post.message(0, Order::Hold(permits.clone()))).await;
    pool.mailbox.notify(post.sized(1, Order::Pass, 0));
    assert_eq!(pool.mailbox.gauges().inside, 1);
    permits.add_permits(1);
    assert_eq!(post.reports(2).await, [Report::Done(0), Report::Done(1)]);
    until("the one permit is back", || pool.mailbox.gauges().inside == 0).await;
    pool.mailbox.close();
    pool.mailbox.notify(post.sized(2, Order::Pass, 0));
    assert_eq!(post.next().await, Report::Lost(2));
}
