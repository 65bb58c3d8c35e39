//! All that is known of a row at its end, as intervals of the one clock.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};

use super::clock::now;
use super::environment::Base;
use super::fleet::{Fleet, Pause};
use super::ledger::{Event, Line};
use super::repositories::Trigger;

/// A span of time, in microseconds.
pub(super) type Span = (u64, u64);

/// One process' work on one claim, from the claim to the moment it let go.
#[derive(Clone, Debug)]
pub(super) struct Work {
    pub(super) pid: u32,
    pub(super) job: i64,
    pub(super) claim: String,
    pub(super) repository: String,
    /// What tells a fill from others of its repository; empty: it is a refresh.
    pub(super) fill: String,
    pub(super) span: Span,
    /// When the process took a slot for it, to when it gave it back.
    pub(super) slot: Option<Span>,
    /// As the ledger has it.
    pub(super) verdict: Option<String>,
}

/// One attempt as the database has it.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) job: i64,
    pub(super) outcome: String,
    pub(super) ended_at: u64,
}

/// Everything.
pub(super) struct Record {
    pub(super) works: Vec<Work>,
    /// By claim.
    pub(super) attempts: BTreeMap<String, Attempt>,
    /// Of each process: from its start to its death.
    pub(super) lives: BTreeMap<u32, Span>,
    pub(super) pauses: Vec<Pause>,
    pub(super) faults: Vec<u64>,
    pub(super) triggers: Vec<Trigger>,
    pub(super) unserved: Vec<String>,
}

impl Record {
    /// Reads the ledger and the database.
    pub(super) fn gather(fleet: &Fleet, base: &Base, triggers: Vec<Trigger>, unserved: Vec<String>) -> Result<Self> {
        let attempts = attempts(base)?;
        let mut lines = fleet.ledger.look(<[Line]>::to_vec);
        lines.sort_by_key(|line| line.at);
        let works = works(&lines, &attempts, &fleet.deaths);
        let lives = lives(&lines, &fleet.deaths);
        let (pauses, faults) = (fleet.pauses.clone(), fleet.faults.clone());
        Ok(Self { works, attempts, lives, pauses, faults, triggers, unserved })
    }

    /// Whether an attempt did what was asked, by the ledger or by the database.
    pub(super) fn ended_well(&self, work: &Work) -> bool {
        let told = work.verdict.as_deref().is_some_and(is_good);
        told || self.attempts.get(&work.claim).is_some_and(|attempt| is_good(&attempt.outcome))
    }

    /// Attempts with this outcome, by the database.
    pub(super) fn outcomes(&self, names: &[&str]) -> usize {
        self.attempts.values().filter(|attempt| names.contains(&attempt.outcome.as_str())).count()
    }

    /// Works that a fault met and that came to nothing. One that found no slot had not begun.
    pub(super) fn broken(&self) -> Vec<&Work> {
        let met = |work: &&Work| self.faults.iter().any(|at| work.span.0 < *at && *at < work.span.1);
        let told = |work: &&Work| work.verdict.as_deref().is_some_and(|told| told == "deferred");
        let waited = |work: &&Work| work.slot.is_none() && told(work);
        self.works.iter().filter(met).filter(|work| !self.ended_well(work) && !waited(work)).collect()
    }

    /// The time in which a process ran, out of a span.
    pub(super) fn awake(&self, pid: u32, span: Span) -> Vec<Span> {
        let mut left = vec![span];
        for pause in self.pauses.iter().filter(|pause| pause.pid == pid) {
            left = left.into_iter().flat_map(|span| without(span, (pause.from, pause.until))).collect();
        }
        left
    }

    /// Jobs that were worked on.
    pub(super) fn jobs(&self) -> usize {
        self.works.iter().map(|work| work.job).collect::<BTreeSet<_>>().len()
    }
}

/// Whether this is the end of a job that did what was asked.
pub(super) fn is_good(verdict: &str) -> bool {
    ["warmed", "fresh", "filled"].contains(&verdict)
}

fn without((from, until): Span, (cut, end): Span) -> impl Iterator<Item = Span> {
    [(from, until.min(cut)), (from.max(end), until)].into_iter().filter(|(from, until)| from < until)
}

fn attempts(base: &Base) -> Result<BTreeMap<String, Attempt>> {
    let rows = base.query("SELECT concat_ws(' ', claim, job, outcome, ended_at) FROM attempt")?;
    let read = |row: &String| {
        let fields: Vec<&str> = row.split(' ').collect();
        let [claim, job, outcome, ended_at] = fields[..] else { return None };
        let attempt = Attempt { job: job.parse().ok()?, outcome: outcome.to_owned(), ended_at: ended_at.parse().ok()? };
        Some((claim.to_owned(), attempt))
    };
    rows.iter().map(|row| read(row).with_context(|| format!("no attempt: {row}"))).collect()
}

fn lives(lines: &[Line], deaths: &BTreeMap<u32, u64>) -> BTreeMap<u32, Span> {
    let started = lines.iter().filter(|line| line.event == Event::Started);
    started.map(|line| (line.pid, (line.at, deaths.get(&line.pid).copied().unwrap_or_else(now)))).collect()
}

fn works(lines: &[Line], attempts: &BTreeMap<String, Attempt>, deaths: &BTreeMap<u32, u64>) -> Vec<Work> {
    let mut works: BTreeMap<&str, Work> = BTreeMap::new();
    for line in lines {
        match &line.event {
            Event::Claimed => {
                works.insert(&line.claim, begin(line, attempts.get(&line.claim), deaths.get(&line.pid)));
            }
            Event::Slot { held } => {
                if let Some(work) = works.get_mut(line.claim.as_str()) {
                    // What is told comes a moment after what is done: heavy work surely ends with the work.
                    let end = work.span.1;
                    work.slot = Some(match work.slot {
                        Some((from, _)) if !held => (from, line.at.min(end)),
                        _ => (line.at, end),
                    });
                }
            }
            Event::Ended(verdict) => {
                if let Some(work) = works.get_mut(line.claim.as_str()) {
                    let end = ended(line.at, verdict, attempts.get(&line.claim)).max(work.span.0);
                    work.span.1 = work.span.1.min(end);
                    work.slot = work.slot.map(|(from, until)| (from, until.min(line.at)));
                    work.verdict = Some(verdict.clone());
                }
            }
            Event::Started | Event::Work | Event::Dies(_) => {}
        }
    }
    works.into_values().collect()
}

/// A `crashed` that the process tells of itself, because a child of it died, it settled itself: it let go at that
/// moment. One whose claim was lost to others is told as cancelled.
fn ended(told: u64, verdict: &str, attempt: Option<&Attempt>) -> u64 {
    let own = attempt.filter(|attempt| attempt.outcome == "crashed" && !verdict.starts_with("cancelled"));
    own.map_or(told, |attempt| attempt.ended_at.min(told))
}

/// Until the process dies, or until the database has what it settled itself: that is the moment it lets go, and its
/// line in the ledger comes only after the acknowledgement. What others settled (`crashed`) ends nothing.
fn begin(line: &Line, attempt: Option<&Attempt>, death: Option<&u64>) -> Work {
    let settled = attempt.filter(|attempt| attempt.outcome != "crashed").map(|attempt| attempt.ended_at);
    let until = [settled, death.copied()].into_iter().flatten().min().unwrap_or_else(now);
    Work {
        pid: line.pid,
        job: line.job,
        claim: line.claim.clone(),
        repository: line.repository.clone(),
        fill: line.fill.clone(),
        span: (line.at, until.max(line.at)),
        slot: None,
        verdict: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_death_of_a_child_ends_the_work_of_its_parent_when_that_settled_it_and_a_zombie_works_on() {
        let attempt = Attempt { job: 7, outcome: "crashed".to_owned(), ended_at: 4 };
        assert_eq!(ended(6, "crashed: signal 6", Some(&attempt)), 4);
        assert_eq!(ended(6, "cancelled: the claim was lost", Some(&attempt)), 6);
        assert_eq!(ended(6, "lost: a part was lost", None), 6);
    }

    #[test]
    fn a_pause_is_cut_out_of_a_span() {
        let cut = |span, pause| without(span, pause).collect::<Vec<_>>();
        assert_eq!(cut((0, 10), (3, 5)), [(0, 3), (5, 10)]);
        assert_eq!(cut((0, 10), (0, 5)), [(5, 10)]);
        assert_eq!(cut((4, 5), (3, 6)), []);
        assert_eq!(cut((0, 2), (3, 6)), [(0, 2)]);
    }
}
