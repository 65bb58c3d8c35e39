//! The embedder is dead, stalled, without a model, or without budget, while pushes go on: each is served within its
//! refresh time, the processes live, and when it is well again all vectors come (W-15).

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::super::clock::{now, seconds, wait};
use super::super::coverage::{missing, must_be_complete};
use super::super::fleet::Variables;
use super::super::report::Report;
use super::super::round::Round;
use super::super::scenario::{Plan, Scenario};
use crate::Repo;

/// Pushes before the fault, and at least during it.
const PUSHES: usize = 8;
/// What a push may take on a machine that does much else, however fast it was before: seconds.
const BUSY: f64 = 3.0;
const SERVED: Duration = Duration::from_secs(30);
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
    let plan = Plan { instances: 2, repositories: 6, pace: "fetcher:100", variables: VARIABLES, ..Plan::default() };
    let mut scenario = Scenario::empty(round, &plan)?;
    let file = scenario.path("unwell");
    let variable = ("WARMER_CHAOS_EMBEDDER".to_owned(), format!("{illness}:{}", file.display()));
    for _ in 0..plan.instances {
        scenario.fleet.add(Variables::from([variable.clone()]))?;
    }
    scenario.settle_in()?;
    let healthy = pushes(&mut scenario, PUSHES, Duration::ZERO)?;
    scenario.quiet()?;
    std::fs::write(&file, "")?;
    scenario.fleet.fault();
    // A cold one among them.
    let cold = scenario.repositories.add(Repo::generated(20, 1_200, scenario.random.number()))?;
    scenario.repositories.trigger(cold)?;
    let during = pushes(&mut scenario, PUSHES, round.time)?;
    let lacked = missing(&scenario.base)?;
    let restarts = scenario.fleet.bury()?.len();
    std::fs::remove_file(&file)?;
    let began = Instant::now();
    let quiet = scenario.quiet()?;
    let until = began.elapsed().as_secs_f64();
    let mut closed = scenario.close()?;
    let longest = |times: &[f64]| times.iter().copied().fold(0.0, f64::max);
    let (most, longest) = ((2.0 * longest(&healthy)).max(BUSY), longest(&during));
    closed.report.must_be_exact().must_not_overlap().must_have_met("pushes", during.len());
    closed.report.must_have_met("texts that waited", usize::try_from(lacked)?);
    closed.report.must(format!("served after at most {longest:.2} <= {most:.2} s"), longest <= most);
    closed.report.must(format!("restarts {restarts} = 0"), restarts == 0);
    closed.report.must(format!("complete {until:.1} s after it was well"), quiet);
    must_be_complete(&mut closed.report, &closed.base)?;
    closed.done()
}

/// Pushes one by one, at least so many and for so long; the seconds until each was served.
fn pushes(scenario: &mut Scenario, least: usize, time: Duration) -> Result<Vec<f64>> {
    let (until, mut times) = (Instant::now() + time, vec![]);
    while times.len() < least || Instant::now() < until {
        let (number, seed) = (scenario.random.below(6), scenario.random.number());
        let from = now();
        scenario.repositories.push(number, seed)?;
        let served = || scenario.repositories.is_served(number).ok().filter(|served| *served);
        wait(SERVED, served).with_context(|| format!("a push is never served:\n{}", scenario.fleet.log(0)))?;
        times.push(seconds(now() - from));
    }
    Ok(times)
}
