//! One of three reads its model in another way, so that its vectors would be others: the fleet's count, nothing flaps,
//! and every push is served.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::super::clock::pass;
use super::super::coverage::must_be_complete;
use super::super::fleet::Variables;
use super::super::report::Report;
use super::super::round::Round;
use super::super::scenario::{Plan, Scenario};

const PUSHES: Duration = Duration::from_millis(500);
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
    let (until, mut others, mut looks) = (Instant::now() + round.time.max(10 * PUSHES), 0, 0);
    while Instant::now() < until {
        others += usize::from(scenario.base.query(EMBEDDINGS)? != before);
        looks += 1;
        pass(LOOK);
    }
    traffic.stop()?;
    let differs = scenario.fleet.pid(2);
    let mut closed = scenario.close()?;
    let works = |of: fn(u32, u32) -> bool| {
        closed.record.works.iter().filter(|work| work.fill.is_empty() && of(work.pid, differs)).count()
    };
    let (of_the_fleet, of_the_other) = (works(|pid, differs| pid != differs), works(|pid, differs| pid == differs));
    let made = closed.base.count(VECTORS)?;
    closed.report.must_be_exact().must_not_overlap().must_have_met("looks", looks);
    closed.report.must(format!("found by another embedding {others} = 0"), others == 0 && before.len() == 1);
    closed.report.must(format!("embeddings with vectors {made} = 1"), made == 1);
    closed.report.must_have_met("refreshes of the fleet", of_the_fleet);
    closed.report.must_have_met("refreshes of the other", of_the_other);
    must_be_complete(&mut closed.report, &closed.base)?;
    closed.done()
}
