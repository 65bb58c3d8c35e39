//! One of three reads its model in another way, so that its vectors would be others: the fleet's count, nothing flaps,
//! every push is served, and what the other one refreshes ends as well as what the fleet does.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::super::clock::pass;
use super::super::coverage::must_be_complete;
use super::super::fleet::Variables;
use super::super::ledger::{Event, Line};
use super::super::report::Report;
use super::super::round::Round;
use super::super::scenario::{Plan, Scenario};

const PUSHES: Duration = Duration::from_millis(500);
/// Refreshes of the other that are waited for, and for how long at most: whoever has a permit free takes a push.
const ENOUGH: usize = 5;
const WAITED: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(100);
/// Embeddings by which something is or was found.
const EMBEDDINGS: &str = "SELECT DISTINCT encode(served_embedding, 'hex') FROM repository_served
    WHERE served_embedding IS NOT NULL ORDER BY 1";
const VECTORS: &str = "SELECT count(DISTINCT embedding)::text FROM vector";

pub(super) fn run(round: &Round) -> Result<Report> {
    let mut scenario = Scenario::open(round, &Plan { instances: 2, pace: "fetcher:200", ..Plan::default() })?;
    let before = scenario.base.query(EMBEDDINGS)?;
    let other = ("WARMER__MODEL__LENGTH_MAX".to_owned(), "128".to_owned());
    scenario.fleet.add(Variables::from([other]))?;
    scenario.fleet.all_started()?;
    scenario.fleet.fault();
    let traffic = scenario.traffic(PUSHES);
    let (differs, began) = (scenario.fleet.pid(2), Instant::now());
    let (time, mut others, mut looks) = (round.time.max(10 * PUSHES), 0, 0);
    while began.elapsed() < time || began.elapsed() < time + WAITED && taken(&scenario, differs) < ENOUGH {
        others += usize::from(scenario.base.query(EMBEDDINGS)? != before);
        looks += 1;
        pass(LOOK);
    }
    traffic.stop()?;
    let mut closed = scenario.close()?;
    let all = |is_other: bool, is_fill: bool| {
        let works = closed.record.works.iter();
        works.filter(move |work| (work.pid == differs) == is_other && work.fill.is_empty() != is_fill)
    };
    let (of_the_fleet, of_the_other, fills) =
        (all(false, false).count(), all(true, false).count(), all(true, true).count());
    let unwell: Vec<_> = all(true, false).filter(|work| !closed.record.ended_well(work)).collect();
    let (not_good, ends) = (unwell.len(), unwell.iter().map(|work| work.verdict.clone().unwrap_or_default()));
    let ends: BTreeSet<String> = ends.collect();
    let made = closed.base.count(VECTORS)?;
    closed.report.must_be_exact().must_not_overlap().must_have_met("looks", looks);
    closed.report.must(format!("found by another embedding {others} = 0"), others == 0 && before.len() == 1);
    closed.report.must(format!("embeddings with vectors {made} = 1"), made == 1);
    closed.report.must_have_met("refreshes of the fleet", of_the_fleet);
    closed.report.must_have_met("refreshes of the other", of_the_other);
    closed.report.must(format!("of those not served {not_good} = 0"), not_good == 0);
    closed.report.must(format!("fills of the other {fills} = 0"), fills == 0);
    for end in ends {
        closed.report.note(format!("a refresh of the other ended {end}"));
    }
    must_be_complete(&mut closed.report, &closed.base)?;
    closed.done()
}

/// Refreshes that a process has taken so far.
fn taken(scenario: &Scenario, pid: u32) -> usize {
    let is_one = |line: &&Line| line.pid == pid && line.event == Event::Claimed && line.fill.is_empty();
    scenario.fleet.ledger.look(|lines| lines.iter().filter(is_one).count())
}
