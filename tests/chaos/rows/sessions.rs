//! `pg_terminate_backend`: on the lock sessions, on the pools, on all of them.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::super::clock::pass;
use super::super::report::Report;
use super::super::round::Round;
use super::super::scenario::{Plan, Scenario};

const PACE: &str = "fetcher:1500";
const PUSHES: Duration = Duration::from_millis(500);
/// Between two faults: long enough to connect again.
const EVERY: Duration = Duration::from_secs(4);

pub(super) fn lock(round: &Round) -> Result<Report> {
    terminate(round, "application_name LIKE 'warmer-lock:%'")
}

pub(super) fn pool(round: &Round) -> Result<Report> {
    terminate(round, "application_name = 'warmer:pipeline'")
}

pub(super) fn all(round: &Round) -> Result<Report> {
    terminate(round, "application_name = 'warmer:pipeline' OR application_name LIKE 'warmer-lock:%'")
}

/// Nothing is taken over in so short a time: no work is begun anew.
fn terminate(round: &Round, whose: &str) -> Result<Report> {
    let mut scenario = Scenario::open(round, &Plan { pace: PACE, ..Plan::default() })?;
    let traffic = scenario.traffic(PUSHES);
    let (until, mut ended) = (Instant::now() + round.time, 0);
    loop {
        scenario.busy()?;
        scenario.fleet.fault();
        ended += scenario.base.count(&format!(
            "SELECT count(pg_terminate_backend(pid))::text FROM pg_stat_activity
             WHERE datname = current_database() AND ({whose})"
        ))?;
        pass(EVERY);
        if Instant::now() >= until {
            break;
        }
    }
    traffic.stop()?;
    let mut closed = scenario.close()?;
    let broken = closed.record.broken();
    let told: Vec<String> = broken.iter().map(|work| format!("{:?}", work.verdict)).collect();
    let restarted = broken.len();
    closed.report.must_be_exact().must_not_overlap().must_keep_the_cap();
    closed.report.must(format!("works restarted {restarted} = 0"), restarted == 0);
    if restarted > 0 {
        closed.report.note(told.join("; "));
    }
    closed.report.must_have_met("sessions ended", usize::try_from(ended)?);
    closed.done()
}
