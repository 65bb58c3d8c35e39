//! Sentences about what is asked of all running instances.

use std::time::Duration;

use super::Bench;
use super::fixture::*;
use crate::*;

fn tune(stage: &str, workers: u32) -> Tune {
    Tune {
        id: TuneId::random(),
        stage: stage.to_owned(),
        workers,
        instance: String::new(),
        set_by: "somebody".to_owned(),
        left: MINUTE,
    }
}

async fn asked(bench: &Bench) -> Vec<(String, u32)> {
    let asked = bench.store.asked().await.unwrap();
    asked.tunes.into_iter().map(|tune| (tune.stage, tune.workers)).collect()
}

pub(crate) async fn a_reload_is_a_number_that_rises(bench: &Bench) {
    assert_eq!(bench.store.asked().await.unwrap(), Asked::default());
    for number in 1..=2 {
        assert_eq!(bench.store.ask_reload().await.unwrap(), number);
        assert_eq!(bench.store.asked().await.unwrap().reloads, number);
    }
}

pub(crate) async fn who_says_what_it_does_hears_that_something_else_is_asked(bench: &Bench) {
    let instance = bench.instance().await;
    let heard =
        async || bench.store.report(instance, &InstanceFigures::default()).await.unwrap().expect("it lives").asked;
    assert_eq!(heard().await, AskedMark::default());
    let mut before = heard().await;
    for tunes in 0..3 {
        match tunes {
            0 => drop(bench.store.ask_reload().await.unwrap()),
            workers => bench.store.tune(&tune("hasher", workers)).await.unwrap(),
        }
        let after = heard().await;
        assert_ne!(after, before);
        assert_eq!(heard().await, after, "nothing else was asked");
        before = after;
    }
}

pub(crate) async fn a_size_holds_by_the_databases_clock_and_ends_by_itself_or_at_once(bench: &Bench) {
    let first = tune("hasher", 3);
    bench.store.tune(&first).await.unwrap();
    bench.store.tune(&first).await.unwrap();
    bench.clock.forward(MINUTE / 2).await;
    bench.store.tune(&tune("hasher", 5)).await.unwrap();
    assert_eq!(asked(bench).await, [("hasher".to_owned(), 3), ("hasher".to_owned(), 5)], "the later one last");
    let left = bench.store.asked().await.unwrap().tunes[0].left;
    assert!(left <= MINUTE / 2 && left > MINUTE / 4, "{left:?}");
    bench.clock.forward(MINUTE * 3 / 4).await;
    assert_eq!(asked(bench).await, [("hasher".to_owned(), 5)]);
    assert_eq!(bench.store.end_tunes().await.unwrap(), 1);
    assert_eq!(asked(bench).await, []);
}

pub(crate) async fn what_became_of_a_size_is_kept_for_a_day(bench: &Bench) {
    let tune = Tune { left: Duration::from_secs(1), ..tune("storer", 2) };
    let (one, two) = (InstanceId::random(), InstanceId::random());
    let standing = |workers| Standing { workers, memory: 5 << 30, latency: Duration::from_micros(700) };
    let of = |instance, host: &str, now| Tuned {
        instance,
        host: host.to_owned(),
        before: standing(1),
        now: standing(now),
        memory_max: None,
    };
    bench.store.note_tuned(tune.id, &of(one, "b", 2)).await.unwrap();
    bench.store.tune(&tune).await.unwrap();
    assert_eq!(bench.store.tuned(tune.id).await.unwrap(), [], "it was not known yet");
    bench.store.note_tuned(tune.id, &of(one, "b", 2)).await.unwrap();
    bench.store.note_tuned(tune.id, &of(two, "a", 2)).await.unwrap();
    let later = Tuned { before: standing(9), memory_max: Some(1), ..of(one, "b", 3) };
    bench.store.note_tuned(tune.id, &later).await.unwrap();
    let expected = [of(two, "a", 2), of(one, "b", 3)];
    assert_eq!(bench.store.tuned(tune.id).await.unwrap(), expected, "how it was before is noted once");
    bench.clock.forward(DAY + MINUTE).await;
    bench.store.tune(&super::orders::tune("hasher", 1)).await.unwrap();
    assert_eq!(bench.store.tuned(tune.id).await.unwrap(), []);
}

pub(crate) async fn what_ended_lately_is_counted_by_how_it_ended(bench: &Bench) {
    let ended = async |time| bench.store.ended_within(time).await.unwrap();
    assert_eq!(ended(DAY).await, EndedWithin::default());
    let claim = bench.start(bench.repository("/a").await).await;
    let dead = Settlement::Dead { error: "gone".to_owned() };
    bench.store.settle(claim.id, dead, None).await.unwrap();
    assert_eq!(ended(MINUTE).await, EndedWithin { failed: 1, ..EndedWithin::default() });
    bench.clock.forward(2 * MINUTE).await;
    let claim = bench.start(bench.repository("/b").await).await;
    bench.store.settle(claim.id, Settlement::Fresh, None).await.unwrap();
    assert_eq!(ended(MINUTE).await, EndedWithin { completed: 1, ..EndedWithin::default() });
    assert_eq!(ended(DAY).await, EndedWithin { completed: 1, failed: 1, filled: 0 });
}
