//! Four long cold warms occupy all permits for heavy work; a check of another repository does not wait for them.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::super::clock::{now, seconds, wait};
use super::super::ledger::Event;
use super::super::report::Report;
use super::super::round::Round;
use super::super::scenario::{Plan, Scenario};
use crate::Repo;

const SLOTS: u32 = 4;
/// From the trigger to the claim.
const START: f64 = 2.0;
const TAKEN: Duration = Duration::from_secs(30);

pub(super) fn run(round: &Round) -> Result<Report> {
    let plan = Plan { repositories: 4, slots: SLOTS, pace: "fetcher:20,embedder:150", ..Plan::default() };
    let mut scenario = Scenario::open(round, &plan)?;
    for _ in 0..SLOTS {
        let cold = scenario.repositories.add(Repo::generated(150, 1_500, scenario.random.number()))?;
        scenario.repositories.trigger(cold)?;
    }
    let full = wait(TAKEN, || (held(&scenario) >= SLOTS as usize).then_some(()));
    full.with_context(|| format!("the slots are not taken:\n{}", scenario.fleet.log(0)))?;
    let (until, mut waits) = (Instant::now() + round.time, vec![]);
    while held(&scenario) >= SLOTS as usize && (waits.is_empty() || Instant::now() < until) {
        waits.push(check(&mut scenario)?);
    }
    let mut closed = scenario.close()?;
    let longest = waits.iter().copied().fold(0.0, f64::max);
    closed.report.must_be_exact().must_not_overlap().must_keep_the_cap().must_have_met("checks", waits.len());
    closed.report.must(format!("start after at most {longest:.2} <= {START} s"), longest <= START);
    closed.done()
}

/// Asks for a check of a repository that is warm; gives how long it took to start: seconds.
pub(super) fn check(scenario: &mut Scenario) -> Result<f64> {
    let number = scenario.random.below(4);
    let (url, from) = (scenario.repositories.url(number), now());
    scenario.fleet.fault();
    scenario.repositories.trigger(number)?;
    let begun = |event: &Event| *event == Event::Claimed;
    let claimed = || scenario.fleet.ledger.find(|line| line.at >= from && line.repository == url && begun(&line.event));
    let claimed = wait(TAKEN, claimed).context("a check is never claimed")?;
    let ended = |event: &Event| matches!(event, Event::Ended(_));
    wait(TAKEN, || scenario.fleet.ledger.find(|line| line.claim == claimed.claim && ended(&line.event)))
        .context("a check does not end")?;
    Ok(seconds(claimed.at - from))
}

/// Slots that are held now, by the ledger.
fn held(scenario: &Scenario) -> usize {
    scenario.fleet.slots_held().len()
}
