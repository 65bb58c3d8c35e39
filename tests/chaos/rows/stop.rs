//! SIGSTOP and SIGCONT: shorter than the locks last, and longer.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::super::clock::wait;
use super::super::ledger::Event;
use super::super::record::{Record, is_good};
use super::super::report::Report;
use super::super::round::Round;
use super::super::scenario::{Plan, Scenario};

/// Long enough that the work is still there after the longest of the short stops has begun.
const PACE: &str = "fetcher:2500";
const PUSHES: Duration = Duration::from_millis(1_500);
/// From the stop to the next claim: the server lets the locks go after 10 s.
const RESCUE: f64 = 12.0;
/// Until a process that goes on has said what became of a claim.
const END: Duration = Duration::from_secs(60);

/// The work goes on, its finish is accepted, nobody is rescued.
pub(super) fn short(round: &Round) -> Result<Report> {
    round.environment.past_grace()?;
    let mut scenario = Scenario::open(round, &Plan { pace: PACE, ..Plan::default() })?;
    let held = stops(&mut scenario, round.time, &[3, 8])?;
    let mut closed = scenario.close()?;
    let accepted = good(&closed.record, &held);
    let crashed = closed.record.outcomes(&["crashed"]);
    closed.report.must_be_exact().must_not_overlap().must_have_met("works held", held.len());
    closed.report.must(format!("{accepted} of {} finishes accepted", held.len()), accepted == held.len());
    closed.report.must(format!("rescues {crashed} = 0"), crashed == 0);
    closed.done()
}

/// Rescued in time; the zombie stops by itself.
pub(super) fn long(round: &Round) -> Result<Report> {
    round.environment.past_grace()?;
    let mut scenario = Scenario::open(round, &Plan { pace: PACE, ..Plan::default() })?;
    let held = stops(&mut scenario, round.time, &[15, 30])?;
    let mut closed = scenario.close()?;
    let accepted = good(&closed.record, &held);
    closed.report.must_be_exact().must_recover_within(RESCUE).must_have_met("works held", held.len());
    closed.report.must(format!("finishes of zombies accepted {accepted} = 0"), accepted == 0);
    closed.done()
}

/// The same without the trust window: the SQL fence alone rejects every finish.
pub(super) fn unfenced(round: &Round) -> Result<Report> {
    round.environment.past_grace()?;
    let variables = &[("WARMER_CHAOS_UNFENCED", "1")];
    let mut scenario = Scenario::open(round, &Plan { pace: PACE, variables, ..Plan::default() })?;
    let held = stops(&mut scenario, round.time, &[15, 30])?;
    let mut closed = scenario.close()?;
    let accepted = good(&closed.record, &held);
    let rejected = rejected(&closed.record, &held);
    closed.report.must_be_exact().must_recover_within(RESCUE);
    closed.report.must(format!("finishes of zombies accepted {accepted} = 0"), accepted == 0);
    closed.report.must_have_met("rejected by the SQL fence", rejected);
    closed.done()
}

/// Stops one busy process after the other; gives the claims they held.
fn stops(scenario: &mut Scenario, time: Duration, seconds: &[u64]) -> Result<BTreeSet<String>> {
    let traffic = scenario.traffic(PUSHES);
    let (until, mut held) = (Instant::now() + time, BTreeSet::new());
    for length in seconds.iter().copied().map(Duration::from_secs).cycle() {
        let victim = scenario.busy()?;
        let claims = scenario.fleet.claims(victim);
        scenario.fleet.pause(victim, length, |_| ())?;
        let told = || claims.iter().all(|claim| has_ended(scenario, claim)).then_some(());
        let fate = wait(END, || told().or_else(|| scenario.fleet.is_dead(victim).then_some(())));
        fate.context("a process that goes on does not say what became of its work")?;
        scenario.fleet.revive()?;
        held.extend(claims);
        if Instant::now() >= until {
            break;
        }
    }
    traffic.stop()?;
    Ok(held)
}

fn has_ended(scenario: &Scenario, claim: &str) -> bool {
    scenario.fleet.ledger.find(|line| line.claim == claim && matches!(line.event, Event::Ended(_))).is_some()
}

fn good(record: &Record, claims: &BTreeSet<String>) -> usize {
    record.works.iter().filter(|work| claims.contains(&work.claim) && record.ended_well(work)).count()
}

/// Finishes of claims that another had ended, and that came to nothing.
fn rejected(record: &Record, claims: &BTreeSet<String>) -> usize {
    let works = record.works.iter().filter(|work| claims.contains(&work.claim));
    let crashed = |claim: &String| record.attempts.get(claim).is_some_and(|attempt| attempt.outcome == "crashed");
    works.filter(|work| crashed(&work.claim) && work.verdict.as_deref().is_some_and(|told| !is_good(told))).count()
}
