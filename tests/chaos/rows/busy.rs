//! `kill -9` while every other instance is busy for minutes: the jobs of the dead are queued again within seconds, are
//! the first to be taken where a permit is free, whatever else waits, and the checks of others keep their rate. Once;
//! twice in a row, so that they go on in children; and with a file among them that really kills.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::super::clock::{now, seconds, wait};
use super::super::ledger::Event;
use super::super::report::Report;
use super::super::round::Round;
use super::super::scenario::{Closed, Plan, Scenario};
use super::checks::check;
use crate::Repo;

/// Heavy jobs that an instance has at once: `claimer.concurrency` is 4, and one permit is for checks.
const PERMITS: usize = 3;
/// From the death to the row.
const QUEUED: f64 = 5.0;
/// From the trigger of a check to its claim.
const START: f64 = 2.0;
const CHECKS: usize = 5;
const TAKEN: Duration = Duration::from_secs(60);
/// The files of a job that lasts for a minute, at this pace: 20 batches, and three such jobs share two Hashers.
const FILES: usize = 640;
const PACE: &str = "fetcher:20,hasher:2000";

fn open(round: &Round) -> Result<Scenario> {
    round.environment.past_grace()?;
    Scenario::open(round, &Plan { repositories: 4, pace: PACE, ..Plan::default() })
}

/// So many more long jobs, all of them under way when this returns.
fn fill(scenario: &mut Scenario, more: usize) -> Result<()> {
    let held = scenario.fleet.slots_held().len();
    for _ in 0..more {
        let cold = scenario.repositories.add(Repo::generated(FILES, 1_500, scenario.random.number()))?;
        scenario.repositories.trigger(cold)?;
    }
    let full = wait(TAKEN, || (scenario.fleet.slots_held().len() >= held + more).then_some(()));
    full.with_context(|| format!("the permits are not taken:\n{}", scenario.fleet.log(0)))
}

/// The repositories of these claims.
fn repositories(scenario: &Scenario, claims: &BTreeSet<String>) -> BTreeSet<String> {
    scenario.fleet.ledger.look(|lines| {
        let mine = lines.iter().filter(|line| line.event == Event::Claimed && claims.contains(&line.claim));
        mine.map(|line| line.repository.clone()).collect()
    })
}

/// The heavy work of a process.
fn in_work(scenario: &Scenario, member: usize) -> BTreeSet<String> {
    let pid = scenario.fleet.pid(member);
    scenario.fleet.slots_held().into_iter().filter(|(of, _)| *of == pid).map(|(_, claim)| claim).collect()
}

/// What one death came to.
struct Death {
    /// Until the last of its jobs was a queued row again: seconds.
    queued: f64,
    /// The longest that a check waited while nothing was taken up: seconds.
    checked: f64,
    /// Permits elsewhere that were taken all the while.
    busy: usize,
    /// Jobs of the dead, and how many of those took the permits of the next life, before all others.
    jobs: usize,
    first: usize,
}

/// Kills the first process; lets others wait for permits that have better ranks; then lets it live again.
fn kill(scenario: &mut Scenario) -> Result<Death> {
    let (lost, from) = (in_work(scenario, 0), now());
    let victims = repositories(scenario, &lost);
    scenario.fleet.kill(0)?;
    let crashed = format!(
        "SELECT ended_at::text FROM attempt WHERE outcome = 'crashed' AND claim::text IN ('{}')",
        lost.iter().cloned().collect::<Vec<_>>().join("','")
    );
    let rows = || scenario.base.query(&crashed).ok().filter(|rows| rows.len() == lost.len());
    let rows = wait(TAKEN, rows).context("the jobs of a dead process are never queued again")?;
    let last = rows.iter().filter_map(|row| row.parse().ok()).max().unwrap_or(from);
    for _ in 0..PERMITS {
        let urgent = scenario.repositories.add(Repo::generated(4, 600, scenario.random.number()))?;
        scenario.repositories.trigger_first(urgent)?;
    }
    let mut checked = 0.0_f64;
    for _ in 0..CHECKS {
        checked = checked.max(check(scenario)?);
    }
    let busy = scenario.fleet.slots_held().len();
    scenario.fleet.revive()?;
    let taken = wait(TAKEN, || Some(in_work(scenario, 0)).filter(|claims| claims.len() >= lost.len()));
    let taken = taken.with_context(|| format!("nobody takes the jobs of the dead:\n{}", scenario.fleet.log(0)))?;
    let first = repositories(scenario, &taken).intersection(&victims).count();
    Ok(Death { queued: seconds(last.saturating_sub(from)), checked, busy, jobs: lost.len(), first })
}

/// The bounds of each death.
fn bounds(report: &mut Report, deaths: &[Death]) {
    let longest = |of: fn(&Death) -> f64| deaths.iter().map(of).fold(0.0, f64::max);
    let (queued, checked) = (longest(|death| death.queued), longest(|death| death.checked));
    let (jobs, first): (usize, usize) =
        (deaths.iter().map(|death| death.jobs).sum(), deaths.iter().map(|death| death.first).sum());
    let busy = deaths.iter().map(|death| death.busy).min().unwrap_or(0);
    report.must_be_exact().must_not_overlap().must_keep_the_cap().must_have_met("jobs of the dead", jobs);
    report.must(format!("{busy} = {} permits elsewhere busy", 2 * PERMITS), busy == 2 * PERMITS);
    report.must(format!("queued again after at most {queued:.1} <= {QUEUED} s"), queued <= QUEUED);
    report.must(format!("{first} of {jobs} were the next to be taken"), first == jobs);
    report.must(format!("checks started after at most {checked:.2} <= {START} s"), checked <= START);
}

/// Once.
pub(super) fn once(round: &Round) -> Result<Report> {
    let mut scenario = open(round)?;
    fill(&mut scenario, 3 * PERMITS)?;
    let deaths = [kill(&mut scenario)?];
    let mut closed = scenario.close()?;
    bounds(&mut closed.report, &deaths);
    closed.done()
}

/// Twice in a row: what is taken up after that runs in children, and nobody is in quarantine.
pub(super) fn twice(round: &Round) -> Result<Report> {
    let mut scenario = open(round)?;
    fill(&mut scenario, 3 * PERMITS)?;
    let deaths = [kill(&mut scenario)?, kill(&mut scenario)?];
    let mut closed = scenario.close()?;
    bounds(&mut closed.report, &deaths);
    let children = children(&closed);
    closed.report.must_have_met("jobs in children", children);
    let quarantined = closed.base.count("SELECT count(*)::text FROM repository WHERE state = 'quarantined'")?;
    closed.report.must(format!("quarantined {quarantined} = 0"), quarantined == 0);
    closed.done()
}

/// A file that aborts its process, beside long jobs everywhere: two processes die of it, then three children; the jobs
/// that it took with it end well.
pub(super) fn poisoned(round: &Round) -> Result<Report> {
    let mut scenario = open(round)?;
    fill(&mut scenario, 2 * PERMITS)?;
    let mut repo = Repo::generated(4, 800, scenario.random.number());
    repo.write("harm.chaos-abort", "the text of a file that aborts\n").commit("harm");
    let number = scenario.repositories.add(repo)?;
    let url = scenario.repositories.url(number);
    scenario.besides = BTreeSet::from([url.clone()]);
    let from = now();
    scenario.repositories.trigger(number)?;
    let state = format!("SELECT state FROM repository WHERE remote = '{url}'");
    let mut until = None;
    wait(TAKEN, || {
        scenario.fleet.revive().ok()?;
        until = Some(now());
        scenario.base.query(&state).ok().filter(|found| found.first().is_some_and(|state| state == "quarantined"))
    });
    let checked = check(&mut scenario)?;
    let mut closed = scenario.close()?;
    let found = closed.base.query(&state)?.first().cloned().unwrap_or_default();
    closed.report.must_be_exact().must_not_overlap().must(format!("the guilty: {found}"), found == "quarantined");
    let deaths = closed.deaths().get("aborted by a file").copied().unwrap_or(0);
    closed.report.must(format!("deaths {deaths} = 2 processes + 3 children"), deaths == 5);
    let others = closed.base.count("SELECT count(*)::text FROM repository WHERE state <> 'active'")?;
    closed.report.must(format!("not active {others} = 1"), others == 1);
    closed.report.must(format!("a check started after {checked:.2} <= {START} s"), checked <= START);
    closed.report.note(format!("quarantined after {:.1} s", seconds(until.unwrap_or(from).saturating_sub(from))));
    closed.done()
}

/// Processes that worked on something without having started as an instance.
fn children(closed: &Closed) -> usize {
    closed.workers().iter().filter(|pid| !closed.record.lives.contains_key(pid)).count()
}
