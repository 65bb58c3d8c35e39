//! N slots: N heavy jobs run and the next waits; a slot is free soon after its holder's death.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::super::clock::{now, pass, seconds, wait};
use super::super::ledger::Event;
use super::super::report::Report;
use super::super::round::Round;
use super::super::scenario::{Plan, Scenario};
use crate::Repo;

/// From the death of a holder to the moment its slots are free.
const FREE: f64 = 1.0;
/// Heavy jobs that wait while all slots are held; there are 12 permits.
const WAITING: u32 = 3;
const TAKEN: Duration = Duration::from_secs(30);
/// For so long the next one waits, and nobody takes one slot too many.
const HELD: Duration = Duration::from_secs(2);

pub(super) fn one(round: &Round) -> Result<Report> {
    slots(round, 1)
}

pub(super) fn two(round: &Round) -> Result<Report> {
    slots(round, 2)
}

pub(super) fn eight(round: &Round) -> Result<Report> {
    slots(round, 8)
}

fn slots(round: &Round, n: u32) -> Result<Report> {
    round.environment.past_grace()?;
    let plan = Plan { repositories: 0, slots: n, pace: "fetcher:4000", ..Plan::default() };
    let mut scenario = Scenario::open(round, &plan)?;
    let (until, mut most) = (Instant::now() + round.time, 0);
    let (mut frees, mut nexts) = (vec![], vec![]);
    loop {
        for _ in 0..n + WAITING {
            let cold = scenario.repositories.add(Repo::generated(6, 800, scenario.random.number()))?;
            scenario.repositories.trigger(cold)?;
        }
        let full = wait(TAKEN, || (scenario.fleet.slots_held().len() >= n as usize).then_some(()));
        full.with_context(|| format!("the slots are not taken:\n{}", scenario.fleet.log(0)))?;
        pass(HELD);
        most = most.max(scenario.fleet.slots_held().len());
        let (free, next) = kill_a_holder(&mut scenario)?;
        frees.push(free);
        nexts.push(next);
        scenario.quiet()?;
        if Instant::now() >= until {
            break;
        }
    }
    let mut closed = scenario.close()?;
    let longest = |waits: &[f64]| waits.iter().copied().fold(0.0, f64::max);
    let (free, next) = (longest(&frees), longest(&nexts));
    closed.report.must_be_exact().must_not_overlap().must_keep_the_cap();
    closed.report.must(format!("{most} = {n} held at once"), most == n as usize);
    closed.report.must(format!("free after at most {free:.2} <= {FREE} s"), free <= FREE);
    closed.report.note(format!("taken again after at most {next:.2} s"));
    closed.done()
}

/// Gives how long it took until the server had freed its slots, and until another process held one: seconds.
fn kill_a_holder(scenario: &mut Scenario) -> Result<(f64, f64)> {
    let holders = scenario.fleet.slots_held();
    let (pid, _) = holders.first().context("no slot is held any more: the work was too short")?;
    let (pid, victim) = (*pid, scenario.fleet.member(*pid).context("a holder is a process of ours")?);
    let instance = scenario.fleet.instance(victim).context("a process that works has a name")?;
    let from = now();
    scenario.fleet.kill(victim)?;
    let freed = scenario.freed(&instance, TAKEN)?;
    let taken = |event: &Event| *event == Event::Slot { held: true };
    let next = || scenario.fleet.ledger.find(|line| line.at >= from && line.pid != pid && taken(&line.event));
    let next = wait(TAKEN, next).context("the slot of a dead process is never taken")?;
    scenario.fleet.revive()?;
    Ok((seconds(freed - from), seconds(next.at - from)))
}
