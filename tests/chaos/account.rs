//! What follows from a record: lost, doubled, overlapping, over the cap, recovered when.

use std::collections::{BTreeMap, BTreeSet};

use super::record::{Record, Span, Work, is_good};

/// How long a job had no owner, after the death or the pause of the one that it had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Recovery {
    /// Of that, the time in which some other process had a permit free: microseconds.
    pub(super) with_place: u64,
    /// All of it.
    pub(super) all: u64,
}

/// Triggers that no attempt answered that began after them and ended well; and repositories whose last commit is not
/// served. `besides` are not expected to be.
pub(super) fn lost(record: &Record, besides: &BTreeSet<String>) -> usize {
    let answered = |at: u64, url: &str| {
        record.works.iter().any(|work| work.repository == url && work.span.0 >= at && record.ended_well(work))
    };
    let expected = |url: &String| !besides.contains(url);
    let triggers = record.triggers.iter().filter(|trigger| expected(&trigger.url));
    let unanswered = triggers.filter(|trigger| !answered(trigger.at, &trigger.url)).count();
    unanswered + record.unserved.iter().filter(|url| expected(url)).count()
}

/// Refreshes with more than one attempt that ended well, by the database or by the ledger. A fill that more came for
/// while it ended goes on as the same job.
pub(super) fn doubles(record: &Record) -> usize {
    let served = |verdict: &str| is_good(verdict) && verdict != "filled";
    let by_database = record.attempts.values().filter(|attempt| served(&attempt.outcome)).map(|attempt| attempt.job);
    let told = |work: &&Work| work.verdict.as_deref().is_some_and(served);
    let by_ledger = record.works.iter().filter(told).map(|work| work.job);
    let mut doubled = repeated(by_database);
    doubled.extend(repeated(by_ledger));
    doubled.len()
}

fn repeated(jobs: impl Iterator<Item = i64>) -> BTreeSet<i64> {
    let mut seen = BTreeSet::new();
    jobs.filter(|job| !seen.insert(*job)).collect()
}

/// Pairs of works of one key at the same time, refreshes of a repository say, and for how long: microseconds. A process
/// that is held does not work.
pub(super) fn overlaps(record: &Record) -> (usize, u64) {
    let mut by_key: BTreeMap<(&str, &str), Vec<&Work>> = BTreeMap::new();
    for work in &record.works {
        by_key.entry((&work.repository, &work.fill)).or_default().push(work);
    }
    let (mut pairs, mut time) = (0, 0);
    for works in by_key.values() {
        for (number, one) in works.iter().enumerate() {
            for other in &works[number + 1..] {
                let both = common(&record.awake(one.pid, one.span), &record.awake(other.pid, other.span));
                pairs += usize::from(both > 0);
                time += both;
            }
        }
    }
    (pairs, time)
}

fn common(one: &[Span], other: &[Span]) -> u64 {
    let both = |a: &Span, b: &Span| a.1.min(b.1).saturating_sub(a.0.max(b.0));
    one.iter().map(|a| other.iter().map(|b| both(a, b)).sum::<u64>()).sum()
}

/// For how long more than `cap` slots were held, times how many more: microseconds.
pub(super) fn over_cap(record: &Record, cap: u32) -> u64 {
    if cap == 0 {
        return 0;
    }
    let held = record.works.iter().filter_map(|work| Some(record.awake(work.pid, work.slot?))).flatten();
    let mut steps: Vec<(u64, i64)> = held.flat_map(|(from, until)| [(from, 1), (until, -1)]).collect();
    // At the same instant one that ends makes room for one that begins.
    steps.sort_unstable();
    let (mut count, mut last, mut over) = (0_i64, 0, 0);
    for (at, step) in steps {
        over += (at - last) * u64::try_from(count - i64::from(cap)).unwrap_or(0);
        (count, last) = (count + step, at);
    }
    over
}

/// Of every work that a death or a pause of its process interrupted: until its job was claimed again.
pub(super) fn recoveries(record: &Record) -> Vec<Recovery> {
    let deaths = record.lives.iter().map(|(pid, (_, death))| (*pid, *death));
    let pauses = record.pauses.iter().map(|pause| (pause.pid, pause.from));
    let mut recoveries = vec![];
    for (pid, at) in deaths.chain(pauses) {
        for work in record.works.iter().filter(|work| work.pid == pid && work.span.0 < at && at <= work.span.1) {
            let next = record.works.iter().filter(|next| next.job == work.job && next.pid != pid);
            if let Some(again) = next.map(|next| next.span.0).filter(|from| *from >= at).min() {
                let with_place = room(record, pid, (at, again));
                recoveries.push(Recovery { with_place, all: again - at });
            }
        }
    }
    recoveries.sort_by_key(|recovery| recovery.with_place);
    recoveries
}

/// Heavy jobs that a process works on at once, at most: `claimer.concurrency` is 4, and one permit is for checks.
const PERMITS: usize = 3;

/// For how long of `span` some process other than `besides` lived, ran and had a permit free for one more heavy job.
fn room(record: &Record, besides: u32, span: Span) -> u64 {
    let inside = |at: &u64| span.0 < *at && *at < span.1;
    let spans = || record.works.iter().map(|work| work.span).chain(record.lives.values().copied());
    let pauses = record.pauses.iter().flat_map(|pause| [pause.from, pause.until]);
    let mut borders: Vec<u64> = spans().flat_map(|(from, until)| [from, until]).chain(pauses).filter(inside).collect();
    borders.extend([span.0, span.1]);
    borders.sort_unstable();
    let refreshes = || record.works.iter().filter(|work| work.fill.is_empty());
    let somebody = |at: u64| {
        record.lives.iter().any(|(pid, life)| {
            let covers = |(from, until): Span| from <= at && at < until;
            *pid != besides
                && record.awake(*pid, *life).into_iter().any(covers)
                && refreshes().filter(|work| work.pid == *pid && covers(work.span)).count() < PERMITS
        })
    };
    borders.windows(2).filter(|pair| somebody(pair[0])).map(|pair| pair[1] - pair[0]).sum()
}

#[cfg(test)]
mod tests {
    use super::super::fleet::Pause;
    use super::super::record::Attempt;
    use super::super::repositories::Trigger;
    use super::*;

    fn work(pid: u32, job: i64, span: Span, verdict: Option<&str>) -> Work {
        Work {
            pid,
            job,
            claim: format!("{pid}-{job}-{}", span.0),
            repository: "r".to_owned(),
            fill: String::new(),
            span,
            slot: Some(span),
            verdict: verdict.map(str::to_owned),
        }
    }

    fn record(works: Vec<Work>) -> Record {
        let lives = works.iter().map(|work| (work.pid, (0, 1_000))).collect();
        Record {
            works,
            attempts: BTreeMap::new(),
            lives,
            pauses: vec![],
            faults: vec![],
            triggers: vec![],
            unserved: vec![],
        }
    }

    #[test]
    fn a_trigger_is_lost_unless_an_attempt_that_began_later_ended_well() {
        let mut record = record(vec![work(1, 1, (10, 20), Some("warmed")), work(1, 2, (30, 40), Some("lost: no"))]);
        record.triggers = [5, 15].map(|at| Trigger { at, url: "r".to_owned() }).into();
        assert_eq!(lost(&record, &BTreeSet::new()), 1);
        assert_eq!(lost(&record, &BTreeSet::from(["r".to_owned()])), 0);
        record.works.push(work(1, 3, (50, 60), Some("fresh")));
        assert_eq!(lost(&record, &BTreeSet::new()), 0);
        record.unserved.push("r".to_owned());
        assert_eq!(lost(&record, &BTreeSet::new()), 1);
    }

    #[test]
    fn a_job_that_ended_well_twice_is_found_in_the_ledger_and_in_the_database() {
        let good = |pid| work(pid, 1, (pid.into(), 9), Some("warmed"));
        assert_eq!(doubles(&record(vec![good(1)])), 0);
        assert_eq!(doubles(&record(vec![good(1), good(2)])), 1);
        let filled = |pid| work(pid, 1, (pid.into(), 9), Some("filled"));
        assert_eq!(doubles(&record(vec![good(1), filled(2), filled(3)])), 0);
        let mut record = record(vec![]);
        for claim in ["a", "b"] {
            let attempt = Attempt { job: 7, outcome: "fresh".to_owned(), ended_at: 1 };
            record.attempts.insert(claim.to_owned(), attempt);
        }
        assert_eq!(doubles(&record), 1);
    }

    #[test]
    fn works_overlap_unless_one_of_them_was_held() {
        let mut record = record(vec![work(1, 1, (0, 50), None), work(2, 1, (30, 60), None)]);
        assert_eq!(overlaps(&record), (1, 20));
        record.works[1].fill = "1 new 0-255".to_owned();
        assert_eq!(overlaps(&record), (0, 0), "a refresh and a fill may");
        record.works[1].fill.clear();
        record.pauses = vec![Pause { pid: 1, from: 25, until: 45 }];
        assert_eq!(overlaps(&record), (1, 5));
        record.pauses = vec![Pause { pid: 1, from: 25, until: 55 }];
        assert_eq!(overlaps(&record), (0, 0));
    }

    #[test]
    fn time_over_the_cap_counts_each_slot_too_many() {
        let record = record(vec![work(1, 1, (0, 10), None), work(2, 2, (5, 12), None), work(3, 3, (8, 9), None)]);
        assert_eq!(over_cap(&record, 1), 5 + 1);
        assert_eq!(over_cap(&record, 2), 1);
        assert_eq!((over_cap(&record, 3), over_cap(&record, 0)), (0, 0));
    }

    #[test]
    fn a_recovery_counts_the_time_with_a_place_free_elsewhere() {
        // The first process dies at 100; the second has no permit until 150 and takes the job at 180.
        let busy = |job| work(2, job, (0, 150), None);
        let mut record =
            record(vec![work(1, 1, (50, 100), None), busy(2), busy(3), busy(4), work(2, 1, (180, 190), None)]);
        record.lives.insert(1, (0, 100));
        assert_eq!(recoveries(&record), [Recovery { with_place: 30, all: 80 }]);
    }
}
