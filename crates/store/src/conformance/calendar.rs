//! Sentences about what is checked by the calendar.

use std::time::{Duration, SystemTime};

use super::Bench;
use super::fixture::*;
use crate::*;

const HOUR: Duration = Duration::from_hours(1);

/// A Monday.
const MONDAY: &str = "2100-03-01T05:00:00Z";

fn daily() -> Policy {
    Policy { refresh: Some(Refresh::Cron("0 6 * * MON-FRI".parse().unwrap())), ..Policy::default() }
}

/// A repository that is checked each working day at six.
async fn followed(bench: &Bench, remote: &str) -> RepositoryId {
    let id = bench.repository(remote).await;
    assert!(bench.store.set_policy(id, &daily()).await.unwrap());
    id
}

/// Its only job ends so.
async fn end(bench: &Bench, how: Settlement) {
    let claim = bench.claim(bench.instance().await).await.expect("it is queued");
    bench.settle(&claim, how).await;
}

/// In how many minutes the next is due, where none is now.
async fn next(bench: &Bench) -> u64 {
    let Scheduled { enqueued: 0, next: Some(next), .. } =
        bench.store.enqueue_due(None, 100, Duration::ZERO).await.unwrap()
    else {
        panic!("one is due, or none ever is")
    };
    (next.as_secs() + 30) / 60
}

pub(crate) async fn a_repository_is_due_at_its_moments_and_one_that_was_missed_is_made_up_for_once(bench: &Bench) {
    bench.turn_to(MONDAY).await;
    followed(bench, "/a").await;
    assert_eq!(bench.enqueue_due().await, 1, "it was never tried");
    end(bench, fresh()).await;
    assert_eq!(next(bench).await, 60);
    bench.clock.forward(HOUR).await;
    assert_eq!(bench.enqueue_due().await, 1);
    end(bench, retry("down")).await;
    bench.clock.forward(10 * MINUTE).await;
    end(bench, fresh()).await;
    assert_eq!(next(bench).await, 24 * 60 - 10);
    bench.clock.forward(3 * 24 * HOUR).await;
    assert_eq!(bench.enqueue_due().await, 1, "three were missed");
    end(bench, fresh()).await;
    assert_eq!(next(bench).await, 24 * 60 - 10);
    let claim = bench.start(bench.store.repositories().await.unwrap()[0].id).await;
    bench.store.cancel(claim.job).await.unwrap();
    bench.clock.forward(24 * HOUR).await;
    bench.settle(&claim, cancelled()).await;
    assert_eq!(next(bench).await, 3 * 24 * 60 - 10, "it is Friday, and was tried");
}

pub(crate) async fn after_a_failure_it_is_tried_again_sooner_and_never_later_than_at_its_next_moment(bench: &Bench) {
    bench.turn_to(MONDAY).await;
    followed(bench, "/a").await;
    bench.enqueue_due().await;
    end(bench, fresh()).await;
    bench.clock.forward(HOUR).await;
    // In minutes; the last of them at six in the morning of the next day.
    for wait in [30, 60, 120, 240, 480, 480, 30] {
        assert_eq!(bench.enqueue_due().await, 1);
        end(bench, Settlement::Dead { error: "no such ref".into() }).await;
        assert_eq!(next(bench).await, wait);
        bench.clock.forward(u32::try_from(wait).unwrap() * MINUTE).await;
    }
    bench.enqueue_due().await;
    end(bench, fresh()).await;
    assert_eq!(next(bench).await, 24 * 60, "nothing is held against it any more");
}

pub(crate) async fn what_is_due_at_the_same_moment_begins_at_a_place_of_its_own_within_the_spread(bench: &Bench) {
    bench.turn_to(MONDAY).await;
    for number in 0..20 {
        followed(bench, &format!("/{number}")).await;
    }
    let starts = async |spread: Duration| {
        let now = bench.now().await;
        assert_eq!(bench.store.enqueue_due(None, 100, spread).await.unwrap().enqueued, 20);
        let jobs = bench.store.jobs(&JobFilter::default()).await.unwrap().into_iter();
        let mut waits: Vec<_> = jobs.map(|job| (job.repository, since(job.run_at, now))).collect();
        bench.clock.forward(spread).await;
        for _ in 0..20 {
            end(bench, fresh()).await;
        }
        waits.sort();
        waits
    };
    assert!(starts(MINUTE).await.iter().all(|(_, wait)| *wait < 5), "what was never tried begins at once");
    bench.clock.forward(HOUR).await;
    let first = starts(MINUTE).await;
    bench.clock.forward(24 * HOUR - MINUTE).await;
    let second = starts(MINUTE).await;
    let mut places: Vec<_> = first.iter().map(|(_, wait)| *wait).collect();
    places.sort_unstable();
    let gaps: Vec<_> = places.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|gap| *gap <= 6) && (50..65).contains(&places[19]), "20 of them in a minute: {places:?}");
    assert!(first.iter().zip(&second).all(|((_, one), (_, other))| one.abs_diff(*other) < 5), "{first:?} {second:?}");
}

/// In whole seconds.
fn since(moment: SystemTime, before: SystemTime) -> u64 {
    moment.duration_since(before).unwrap_or_default().as_secs()
}

pub(crate) async fn a_new_calendar_asks_for_nothing_that_was_before_it(bench: &Bench) {
    bench.turn_to(MONDAY).await;
    let id = bench.repository("/a").await;
    bench.warm(id, None, "c0", &[("f", "text")]).await;
    bench.clock.forward(7 * HOUR).await;
    bench.store.set_policy(id, &daily()).await.unwrap();
    assert_eq!(next(bench).await, 18 * 60, "six of this morning was before");
    bench.clock.forward(20 * HOUR).await;
    bench.store.set_policy(id, &Policy { rank: 3, ..daily() }).await.unwrap();
    assert_eq!(bench.enqueue_due().await, 1, "six of the next was missed, whatever else is said of it");
    end(bench, fresh()).await;
    bench.store.set_policy(id, &Policy::default()).await.unwrap();
    bench.clock.forward(24 * HOUR).await;
    assert_eq!(bench.enqueue_due().await, 0, "there is no calendar any more");
}

pub(crate) async fn a_moment_that_was_planned_by_a_clock_that_ran_ahead_is_planned_anew(bench: &Bench) {
    bench.turn_to(MONDAY).await;
    followed(bench, "/a").await;
    let ahead = 400 * 24 * HOUR;
    bench.clock.forward(ahead).await;
    bench.enqueue_due().await;
    end(bench, fresh()).await;
    bench.clock.back(ahead).await;
    assert!(next(bench).await > 300 * 24 * 60, "as if it were due in a year");
    assert!(bench.store.end_future(HOUR).await.unwrap() > 0);
    assert_eq!(next(bench).await, 60);
}
