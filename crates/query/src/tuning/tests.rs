use warmer_store::InstanceId;

use super::*;

const MINUTE: Duration = Duration::from_mins(1);

fn rates(completed: u64, failed: u64) -> Rates {
    Rates::of(EndedWithin { completed, failed, filled: 0 }, 10 * MINUTE, 0)
}

/// A pool of 2 workers that has 3 now.
fn pool(memory: u64, latency_ms: [u64; 2]) -> TunedPool {
    let [before, now] = latency_ms.map(|ms| Standing { workers: 2, memory, latency: Duration::from_millis(ms) });
    let now = Standing { workers: 3, ..now };
    let instance = InstanceId::random();
    TunedPool::of("hasher", 3, &Tuned { instance, host: "h".into(), before, now, memory_max: Some(100) })
}

/// The same of another stage.
fn named(stage: &str) -> TunedPool {
    TunedPool { stage: stage.to_owned(), ..pool(1, [1, 1]) }
}

fn verdict(before: Rates, now: Rates, pool: TunedPool) -> (Verdict, String) {
    let tuning = Tuning::of((before, now), Looks { all: 10, idle: 1 }, vec![pool], vec![]);
    (tuning.verdict, tuning.reasons.concat())
}

#[test]
fn more_work_is_kept_and_no_more_is_no_gain() {
    let well = || pool(80, [1, 2]);
    assert_eq!(verdict(rates(100, 0), rates(111, 0), well()).0, Verdict::Keep);
    assert_eq!(verdict(rates(100, 0), rates(109, 0), well()).0, Verdict::NoGain);
    assert_eq!(verdict(rates(100, 0), rates(80, 0), well()).0, Verdict::TakeBack);
    assert_eq!(verdict(rates(3, 0), rates(9, 0), well()).0, Verdict::Unknown);
}

#[test]
fn where_few_jobs_end_the_work_of_the_stage_is_judged() {
    let speed = |items_per_second| StageSpeed { items_per_second, stage: "embedder".to_owned() };
    let of = |items, missing| {
        let rates = |texts_missing| Rates { texts_missing, ..rates(1, 0) };
        let tuning =
            Tuning::of((rates(9_000), rates(missing)), Looks::default(), vec![named("embedder")], vec![speed(items)]);
        (tuning.verdict, tuning.reasons.concat())
    };
    let (verdict, why) = of([30.0, 40.0], 5_000);
    assert_eq!(verdict, Verdict::Keep);
    assert!(why.starts_with("the embedder does 40.0 items a second instead of 30.0"), "{why}");
    assert_eq!(of([30.0, 31.0], 5_000).0, Verdict::NoGain);
    assert_eq!(of([30.0, 20.0], 5_000).0, Verdict::TakeBack);
    assert_eq!(of([30.0, 20.0], 0).0, Verdict::Unknown, "it is slower because there is no more to do");
    assert_eq!(of([0.1, 0.1], 5_000).0, Verdict::Unknown);
}

#[test]
fn where_nothing_was_to_be_done_nothing_is_said_of_the_sizes() {
    let mut looks = Looks::default();
    let busy = [
        Status { queue_depth: 1, ..Status::default() },
        Status { running: 1, ..Status::default() },
        Status { fills_running: 1, ..Status::default() },
    ];
    // What waits for its time, or for a provider, keeps nobody busy.
    let idle = Status { delayed: 9, fills_queued: 9, ..Status::default() };
    busy.iter().for_each(|status| looks.note(status));
    looks.note(&idle);
    assert_eq!(looks, Looks { all: 4, idle: 1 });
    for (now, pool, expected) in [
        (rates(200, 0), pool(1, [1, 1]), Verdict::Unknown),
        (rates(100, 0), pool(1, [1, 1]), Verdict::Unknown),
        (rates(20, 0), pool(1, [1, 1]), Verdict::Unknown),
        (rates(20, 0), pool(81, [1, 1]), Verdict::TakeBack),
    ] {
        let tuning = Tuning::of((rates(100, 0), now), looks, vec![pool], vec![]);
        assert_eq!(tuning.verdict, expected, "{:?}", tuning.reasons);
        let why = "nothing was to be done for 25 % of the time, too little to judge: try it while there is work";
        assert!(expected == Verdict::TakeBack || tuning.reasons == [why], "{:?}", tuning.reasons);
    }
}

#[test]
fn what_suffers_is_named_whatever_is_gained() {
    for (now, pool, why) in [
        (rates(200, 0), pool(81, [1, 1]), "at 81 %"),
        (rates(200, 0), pool(1, [3, 70]), "in 70.0 ms instead of 3.0"),
        (rates(200, 2), pool(1, [1, 1]), "0.2 attempts fail each minute instead of 0.0"),
    ] {
        let (verdict, reasons) = verdict(rates(100, 0), now, pool);
        assert!(verdict == Verdict::TakeBack && reasons.contains(why), "{reasons}");
    }
    assert_eq!(verdict(rates(100, 0), rates(200, 1), pool(1, [1, 8])).0, Verdict::Keep, "as it may be by chance");
}

#[test]
fn pools_of_the_same_size_are_not_judged_whatever_differs() {
    // More is done, less is done, the memory is full and the database slow: the sizes have not made any of it.
    let of = |pools: Vec<TunedPool>, now| {
        let tuning = Tuning::of((rates(100, 0), now), Looks { all: 10, idle: 0 }, pools, vec![]);
        (tuning.verdict, tuning.reasons.concat())
    };
    let same = |pool: TunedPool, asked| TunedPool { asked, workers: [2, 2], ..pool };
    for now in [rates(200, 0), rates(100, 0), rates(20, 9)] {
        let pools = vec![same(pool(90, [1, 90]), 2), same(named("embedder"), 1)];
        let why = "no pool has another size: nothing to judge".to_owned();
        assert_eq!(of(pools, now), (Verdict::Unknown, why));
        let pools = vec![same(pool(1, [1, 1]), 8), same(named("embedder"), 9), same(pool(1, [1, 1]), 8)];
        let why = "no pool has another size ([tune] max has no room for more workers of embedder, hasher): nothing to \
                   judge";
        assert_eq!(of(pools, now), (Verdict::Unknown, why.to_owned()));
        assert_eq!(of(vec![], now), (Verdict::Unknown, "no instance has taken it: nothing to judge".to_owned()));
    }
}

#[test]
fn beside_a_pool_of_another_size_the_others_count_for_nothing() {
    let same = TunedPool { workers: [2, 2], ..pool(90, [1, 1]) };
    let speed = |stage: &str, now| StageSpeed { items_per_second: [30.0, now], stage: stage.to_owned() };
    let (few, speeds) = (rates(1, 0), vec![speed("hasher", 300.0), speed("embedder", 20.0)]);
    let tuning = Tuning::of((few, few), Looks::default(), vec![same, named("embedder")], speeds);
    assert_eq!(tuning.verdict, Verdict::TakeBack, "{:?}", tuning.reasons);
    assert_eq!(tuning.reasons, ["the embedder does 20.0 items a second instead of 30.0"]);
    assert_eq!(tuning.stages, [speed("embedder", 20.0)]);
}

#[test]
fn a_stage_that_nobody_told_of_does_nothing() {
    let speed = StageSpeed::of("embedder", &[], &[]);
    assert!(speed.items_per_second.iter().all(|speed| speed.is_sign_positive()), "{speed:?}");
}
