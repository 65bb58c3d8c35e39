//! The embedder is dead, stalled, without a model, or without budget, while pushes go on: they are served as when it is
//! well, the processes live, and when it is well again all vectors come (W-15).

use std::time::Instant;

use anyhow::Result;

use super::super::coverage::{missing, must_be_complete};
use super::super::fleet::Variables;
use super::super::pushes::Pushes;
use super::super::report::Report;
use super::super::round::Round;
use super::super::scenario::{Plan, Scenario};
use crate::Repo;

const REPOSITORIES: usize = 6;
/// Pushes before the fault and after it, and at least during it: enough for a p99.
const PUSHES: usize = 100;
/// Short pauses, and a pool that gives up soon; no text is given up because nobody answers.
const VARIABLES: &[(&str, &str)] = &[
    ("WARMER__CLAIMER__RETRY_FIRST", "1s"),
    ("WARMER__CLAIMER__RETRY_MOST", "5s"),
    ("WARMER__SUPERVISION__INTENSITY", "1"),
    ("WARMER__SUPERVISION__LINE_INTENSITY", "1"),
    ("WARMER__EMBEDDER__TEXT_DEADLINE", "30m"),
];

pub(super) fn dead(round: &Round) -> Result<Report> {
    unwell(round, "dead")
}

pub(super) fn stalled(round: &Round) -> Result<Report> {
    unwell(round, "stalled")
}

pub(super) fn unfit(round: &Round) -> Result<Report> {
    unwell(round, "unfit")
}

pub(super) fn refused(round: &Round) -> Result<Report> {
    unwell(round, "refused")
}

fn unwell(round: &Round, illness: &str) -> Result<Report> {
    let plan =
        Plan { instances: 2, repositories: REPOSITORIES, pace: "fetcher:100", variables: VARIABLES, ..Plan::default() };
    let mut scenario = Scenario::empty(round, &plan)?;
    let file = scenario.path("unwell");
    let variable = ("WARMER_CHAOS_EMBEDDER".to_owned(), format!("{illness}:{}", file.display()));
    for _ in 0..plan.instances {
        scenario.fleet.add(Variables::from([variable.clone()]))?;
    }
    scenario.settle_in()?;
    let before = Pushes::idle(&mut scenario, REPOSITORIES, PUSHES / 2)?;
    scenario.quiet()?;
    std::fs::write(&file, "")?;
    scenario.fleet.fault();
    // A cold one among them.
    let cold = scenario.repositories.add(Repo::generated(20, 1_200, scenario.random.number()))?;
    scenario.repositories.trigger(cold)?;
    let during = Pushes::busy(&mut scenario, REPOSITORIES, PUSHES, round.time)?;
    let lacked = missing(&scenario.base)?;
    let restarts = scenario.fleet.bury()?.len();
    std::fs::remove_file(&file)?;
    let began = Instant::now();
    let quiet = scenario.quiet()?;
    let until = began.elapsed().as_secs_f64();
    let healthy = before.and(Pushes::idle(&mut scenario, REPOSITORIES, PUSHES / 2)?);
    let mut closed = scenario.close()?;
    closed.report.must_be_exact().must_not_overlap().must_have_met("pushes", during.len());
    closed.report.must_have_met("texts that waited", usize::try_from(lacked)?);
    during.must_be_as_fast_as(&healthy, &mut closed.report);
    closed.report.must(format!("restarts {restarts} = 0"), restarts == 0);
    closed.report.must(format!("complete {until:.1} s after it was well"), quiet);
    must_be_complete(&mut closed.report, &closed.base)?;
    closed.done()
}
