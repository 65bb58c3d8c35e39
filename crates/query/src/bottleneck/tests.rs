//! Shares of workers' time, and what they are told as.

use super::*;

/// Workers with their shares of busy and starved; the rest is what they wait for.
fn stage(workers: u64, busy: f64, starved: f64, waits: &str) -> StageFigures {
    let blocked = BTreeMap::from([(waits.to_owned(), 1.0 - busy - starved)]);
    StageFigures { workers, busy, starved, blocked, ..StageFigures::default() }
}

fn figures(stages: [(&str, StageFigures); 5]) -> InstanceFigures {
    let stages = stages.into_iter().map(|(name, stage)| (name.to_owned(), stage)).collect();
    InstanceFigures { cores: 2.0, stages, ..InstanceFigures::default() }
}

fn idle() -> [(&'static str, StageFigures); 5] {
    STAGES.map(|(name, _)| (name, stage(2, 0.0, 1.0, "next_stage")))
}

fn with(changed: &[(&str, StageFigures)]) -> InstanceFigures {
    let mut stages = idle();
    for (name, stage) in &mut stages {
        if let Some((_, other)) = changed.iter().find(|(other, _)| other == name) {
            *stage = other.clone();
        }
    }
    figures(stages)
}

fn found(figures: &InstanceFigures, demand: Demand) -> Bottleneck {
    Bottleneck::of(std::iter::once(("one", figures)), demand)
}

const DUE: Demand = Demand { refreshes: 7, fills: 3, running: 1, lacking: 9, slots: 4, one_writer: false };

#[test]
fn the_embedder_on_all_cores_is_named_with_what_it_holds_up_and_no_key_helps() {
    let embeds = with(&[
        ("filler", stage(2, 0.05, 0.14, "next_stage")),
        ("embedder", stage(2, 0.97, 0.02, "next_stage")),
        ("storer", stage(2, 0.1, 0.9, "database")),
    ]);
    let expected = "embedder: busy 97 % of the last minute, and the filler was blocked by it 81 %; [embedder] \
                    workers is 2 on 2 cores: more workers gain nothing here, add an instance or a GPU";
    let told = found(&embeds, DUE);
    assert_eq!((told.sentence.as_str(), told.what, told.helps), (expected, "embedder", false));
}

#[test]
fn each_stage_is_found_by_its_shares_alone() {
    for (name, before) in STAGES {
        let mut changed = vec![(name, stage(1, 0.95, 0.05, "database"))];
        changed.extend(before.iter().map(|before| (*before, stage(1, 0.1, 0.1, "next_stage"))));
        let told = found(&with(&changed), DUE);
        assert_eq!((told.what, told.key, told.helps), (name, Some(workers_key(name)), true), "{told:?}");
        assert!(told.sentence.contains("is 1 on 2 cores: more workers are faster"), "{told:?}");
    }
}

#[test]
fn more_fetchers_than_jobs_that_may_run_are_not_said_to_help_alone() {
    let kinds = BTreeMap::from([("refresh".to_owned(), warmer_store::KindFigures { running: 1, permits: 1 })]);
    let told = found(&InstanceFigures { kinds, ..with(&[("fetcher", stage(1, 0.95, 0.05, "remote"))]) }, DUE);
    assert!(
        told.sentence.ends_with("is 1 and [claimer] concurrency 1 on 2 cores: more of both are faster"),
        "{told:?}"
    );
}

#[test]
fn who_waits_for_something_is_not_made_faster_by_workers() {
    let stores = with(&[("storer", stage(2, 0.05, 0.05, "database")), ("hasher", stage(2, 0.1, 0.1, "next_stage"))]);
    let told = found(&stores, DUE);
    assert_eq!((told.what, told.helps), ("storer", false));
    assert!(told.sentence.starts_with("storer: waited for the database 90 %"), "{told:?}");
    let told = found(&stores, Demand { one_writer: true, ..DUE });
    assert!(told.sentence.ends_with("PostgreSQL writes for many"), "{told:?}");

    let fetches = with(&[("fetcher", stage(2, 0.02, 0.06, "remote"))]);
    let told = found(&fetches, DUE);
    assert!(told.helps && told.sentence.contains("waited for remotes 92 %"), "{told:?}");
    assert!(told.sentence.ends_with("it waits for more at once (7 jobs due)"), "{told:?}");
    let told = found(&fetches, Demand { refreshes: 0, ..DUE });
    assert!(!told.helps && told.sentence.ends_with("no key makes a remote faster"), "{told:?}");
}

#[test]
fn a_stage_that_waits_is_told_what_to_do_about_what_it_waits_for_and_never_to_have_more_workers() {
    use warmer_supervision::Wait;
    let mut advices = std::collections::BTreeSet::new();
    for wait in Wait::ALL {
        assert_ne!(spelt(wait.as_str()), wait.as_str(), "it has words of its own");
        // Workers are not held up by these two: one has no batch, the other is held up by the next stage.
        if matches!(wait, Wait::NextStage | Wait::Mailbox) {
            continue;
        }
        let told = found(&with(&[("embedder", stage(1, 0.05, 0.05, wait.as_str()))]), DUE);
        let start = format!("embedder: waited for {} 90 % of the last minute; ", spelt(wait.as_str()));
        let advice = told.sentence.strip_prefix(&start).unwrap_or_else(|| panic!("{told:?}"));
        assert!(!advice.contains("more workers are faster") && !advice.contains("would wait, too"), "{told:?}");
        assert!(advices.insert(advice.to_owned()), "another wait has the same advice: {told:?}");
        assert_eq!((told.what, told.helps), ("embedder", wait == Wait::Remote), "{told:?}");
    }
    let told = found(&with(&[("hasher", stage(1, 0.05, 0.05, "unheard"))]), DUE);
    assert!(!told.helps && told.sentence.contains("waited for unheard 90 %"), "of another version: {told:?}");
}

#[test]
fn what_was_busy_holds_nothing_up_once_nothing_is_to_be_done() {
    let embedded = with(&[("embedder", stage(2, 0.81, 0.19, "session"))]);
    let done = Demand { slots: 4, ..Demand::default() };
    let told = found(&embedded, done);
    assert_eq!((told.sentence.as_str(), told.what), ("nothing waits: no key gains anything", "nothing"));
    let work = [
        Demand { refreshes: 1, ..done },
        Demand { fills: 1, ..done },
        Demand { running: 1, ..done },
        Demand { lacking: 1, ..done },
    ];
    for demand in work {
        assert_eq!(found(&embedded, demand).what, "embedder", "{demand:?}");
    }
    let kinds = BTreeMap::from([("fill".to_owned(), warmer_store::KindFigures { running: 1, permits: 2 })]);
    assert_eq!(found(&InstanceFigures { kinds, ..embedded }, done).what, "embedder", "an instance says that one runs");
}

#[test]
fn jobs_that_are_due_while_no_stage_has_work_are_told_with_where_to_look() {
    let told = found(&with(&[]), DUE).sentence;
    assert!(told.starts_with("no stage has work yet, with 7 jobs and 3 fills due: "), "{told}");
    assert!(told.contains("`warmer jobs list`"), "{told}");
    let told = found(&InstanceFigures::default(), Demand { fills: 0, ..DUE });
    assert_eq!(told.sentence, "no instance has told its figures yet, with 7 jobs due");
    let told = found(&InstanceFigures::default(), Demand { refreshes: 0, ..DUE });
    assert_eq!(told.sentence, "no instance has told its figures yet, with 3 fills due");
    let told = found(&with(&[]), Demand { refreshes: 0, ..DUE }).sentence;
    assert!(told.starts_with("no stage has work yet, with 3 fills due: "), "{told}");
    let told = found(&with(&[("fetcher", stage(3, 0.0, 0.7, "remote"))]), DUE);
    let expected = "no stage holds the others up: the fetcher is the busiest, with a batch 30 % of the time";
    assert_eq!((told.sentence.as_str(), told.what), (expected, "nothing"));
}

#[test]
fn a_stage_that_waits_for_the_next_one_holds_nothing_up_however_little_it_starves() {
    let held = with(&[("hasher", stage(2, 0.05, 0.0, "next_stage")), ("storer", stage(2, 0.9, 0.05, "database"))]);
    assert_eq!(found(&held, DUE).what, "storer");
}

#[test]
fn memory_near_its_limit_comes_before_more_workers() {
    let hashes = with(&[("hasher", stage(1, 0.95, 0.05, "next_stage"))]);
    let hashes = InstanceFigures { memory: 90, memory_max: Some(100), ..hashes };
    let told = found(&hashes, DUE);
    assert!(!told.helps && told.sentence.contains("memory is at 90 % of its limit"), "{told:?}");
}

#[test]
fn slots_permits_a_hold_and_nothing_to_do_are_told_apart() {
    let kinds = |running| BTreeMap::from([("refresh".to_owned(), warmer_store::KindFigures { running, permits: 4 })]);
    let calm = InstanceFigures { kinds: kinds(1), ..with(&[]) };
    assert_eq!(found(&calm, Demand::default()).sentence, "nothing waits: no key gains anything");
    assert_eq!(found(&calm, DUE).what, "nothing", "it keeps up");
    let short = InstanceFigures { short_of: Some("slots".to_owned()), ..calm.clone() };
    assert_eq!(found(&short, DUE).key, Some("[claimer] slots"));
    let full = InstanceFigures { kinds: kinds(4), ..calm.clone() };
    let told = found(&full, DUE);
    assert_eq!((told.what, told.key, told.helps), ("permits", Some("[claimer] concurrency"), true));
    let held = InstanceFigures { hold: Some("no model".to_owned()), ..calm };
    assert_eq!(found(&held, DUE).sentence, "no vectors are made for now: no model");
}

#[test]
fn a_provider_that_was_left_alone_is_named_whether_its_embedders_starve_or_not() {
    let alone = |share, changed: &[(&str, StageFigures)]| {
        let why = Some("HTTP status 429".to_owned());
        InstanceFigures { left_alone: share, left_alone_why: why, ..with(changed) }
    };
    let half = alone(0.5, &[("filler", stage(2, 0.1, 0.0, "next_stage")), ("embedder", stage(2, 0.5, 0.5, "session"))]);
    let told = found(&half, DUE);
    assert_eq!(told.sentence, "embedder: its provider was left alone 50 % of the last minute: HTTP status 429");
    assert_eq!((told.what, told.key, told.helps, told.share), ("hold", None, false, 0.5));
    let told = found(&half, Demand { fills: 0, ..DUE });
    assert_eq!(told.what, "nothing", "nobody waited for it: {told:?}");
    let kinds = BTreeMap::from([("fill".to_owned(), warmer_store::KindFigures { running: 1, permits: 2 })]);
    let told = found(&InstanceFigures { kinds, ..half }, Demand { fills: 0, ..DUE });
    assert_eq!(told.what, "hold", "a fill that runs waits, too");
    let fifth = alone(0.2, &[("embedder", stage(1, 0.8, 0.2, "session"))]);
    let told = found(&fifth, DUE);
    let expected = "embedder: busy 80 % of the last minute; its provider was left alone 20 % of the last minute: HTTP \
                    status 429";
    assert_eq!((told.sentence.as_str(), told.helps), (expected, false));
    let hardly = alone(0.04, &[("embedder", stage(1, 0.95, 0.05, "session"))]);
    assert!(found(&hardly, DUE).helps);
}

#[test]
fn a_key_of_several_instances_is_told_as_each_has_it() {
    let kinds = |permits| BTreeMap::from([("refresh".to_owned(), warmer_store::KindFigures { running: 1, permits })]);
    let of = |stage: &str, workers: [StageFigures; 2], permits: [u64; 2]| {
        let [one, other] = workers.map(|workers| with(&[(stage, workers)]));
        let all = [
            InstanceFigures { kinds: kinds(permits[0]), ..one },
            InstanceFigures { kinds: kinds(permits[1]), ..other },
        ];
        Bottleneck::of(["one", "two"].into_iter().zip(&all), DUE).sentence
    };
    let busy = |workers| stage(workers, 0.95, 0.05, "next_stage");
    let told = of("hasher", [busy(1), busy(1)], [4, 4]);
    assert!(told.ends_with("[hasher] workers is 1 in each of 2 instances on 4 cores in all: more workers are faster"));
    let told = of("hasher", [busy(1), busy(2)], [4, 4]);
    assert!(told.contains("[hasher] workers is 1 to 2 in each of 2 instances on 4 cores in all: more"), "{told}");
    let remote = |workers| stage(workers, 0.02, 0.06, "remote");
    let told = of("fetcher", [remote(3), remote(3)], [4, 6]);
    let expected = "[fetcher] workers is 3 and [claimer] concurrency 4 to 6 in each of 2 instances: with more of both";
    assert!(told.contains(expected), "{told}");
    let told = of("hasher", [stage(1, 0.0, 1.0, "remote"), stage(1, 0.0, 1.0, "remote")], [1, 1]);
    assert!(told.starts_with("permits: 2 of 2 are in use in 2 instances, 7 jobs due; "), "{told}");
}

#[test]
fn workers_of_all_instances_count_by_their_number() {
    let (busy, idle) = (stage(3, 1.0, 0.0, "remote"), stage(1, 0.0, 1.0, "remote"));
    let (one, two) = (with(&[("hasher", busy)]), with(&[("hasher", idle)]));
    let all = All::of([("one", &one), ("one", &two)].into_iter());
    assert_eq!((all.stages["hasher"].busy, all.stages["hasher"].workers), (0.75, 4));
}

#[test]
fn cores_are_those_of_the_machines_however_many_instances_share_one() {
    let of = |cores| InstanceFigures { cores, ..InstanceFigures::default() };
    let (small, large) = (of(2.0), of(4.0));
    let cores = |instances: &[(&str, &InstanceFigures)]| All::of(instances.iter().copied()).cores;
    assert_eq!(cores(&[("one", &small), ("one", &small), ("one", &small)]), 2.0);
    assert_eq!(cores(&[("one", &small), ("one", &large), ("two", &small)]), 6.0, "one may use a part of them");
}
