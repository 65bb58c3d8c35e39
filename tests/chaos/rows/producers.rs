//! Ten producers push to the same fifty repositories.

use std::time::Duration;

use anyhow::Result;

use super::super::clock::pass;
use super::super::report::Report;
use super::super::repositories::Traffic;
use super::super::round::Round;
use super::super::scenario::{Plan, Scenario};

const PRODUCERS: usize = 10;
const REPOSITORIES: usize = 50;
/// Of each: together 20 pushes a second.
const PUSHES: Duration = Duration::from_millis(500);
const LOOK: Duration = Duration::from_millis(100);
/// The most rows in one state that any key of work has.
const MOST: &str = "
    SELECT coalesce(max(count), 0)::text
    FROM (SELECT count(*) FROM job GROUP BY repository, kind, generation, lane, shard, state) AS each";

pub(super) fn run(round: &Round) -> Result<Report> {
    let mut scenario =
        Scenario::open(round, &Plan { repositories: REPOSITORIES, pace: "fetcher:200", ..Plan::default() })?;
    let start = |seed| Traffic::start(&scenario.repositories, REPOSITORIES, PUSHES, seed);
    let seeds: Vec<u64> = (0..PRODUCERS).map(|_| scenario.random.number()).collect();
    let producers: Vec<Traffic> = seeds.into_iter().map(start).collect();
    let (until, mut most) = (std::time::Instant::now() + round.time, 0);
    while std::time::Instant::now() < until {
        most = most.max(scenario.base.count(MOST)?);
        pass(LOOK);
    }
    for producer in producers {
        producer.stop()?;
    }
    let triggers = scenario.repositories.triggers().len();
    let mut closed = scenario.close()?;
    closed.report.must_be_exact().must_not_overlap();
    closed.report.must(format!("at most {most} = 1 queued, {most} = 1 running each"), most == 1);
    let unserved = closed.record.unserved.len();
    closed.report.must(format!("last commit not served {unserved} = 0"), unserved == 0);
    let jobs = closed.report.jobs;
    closed.report.note(format!("{triggers} triggers folded into {jobs} jobs"));
    closed.done()
}
