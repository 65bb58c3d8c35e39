//! The server goes away and comes back.

use std::time::{Duration, Instant};

use anyhow::Result;
use xtask::postgres::Mode;

use super::super::clock::pass;
use super::super::report::Report;
use super::super::round::Round;
use super::super::scenario::{Plan, Scenario};
use crate::sources::Random;

/// More work than slots, so that somebody waits to take one from a holder that is away.
const SLOTS: u32 = 2;
const PUSHES: Duration = Duration::from_millis(400);
/// Between the server's return and the next fault.
const EVERY: Duration = Duration::from_secs(8);

pub(super) fn fast(round: &Round) -> Result<Report> {
    restarts(round, Mode::Fast, |_| Duration::ZERO)
}

pub(super) fn immediate(round: &Round) -> Result<Report> {
    restarts(round, Mode::Immediate, |_| Duration::ZERO)
}

/// Down for 5 to 40 s.
pub(super) fn down(round: &Round) -> Result<Report> {
    restarts(round, Mode::Fast, |random| Duration::from_millis(5_000 + random.number() % 35_000))
}

fn restarts(round: &Round, mode: Mode, down: impl Fn(&mut Random) -> Duration) -> Result<Report> {
    let cluster = round.environment.cluster()?;
    let mut scenario = Scenario::open(round, &Plan { slots: SLOTS, pace: "fetcher:1500", ..Plan::default() })?;
    let traffic = scenario.traffic(PUSHES);
    let until = Instant::now() + round.time;
    loop {
        scenario.busy()?;
        scenario.fleet.fault();
        cluster.stop(mode)?;
        pass(down(&mut scenario.random));
        cluster.run()?;
        round.environment.answers(&scenario.base)?;
        pass(EVERY);
        if Instant::now() >= until {
            break;
        }
    }
    traffic.stop()?;
    let dead = scenario.fleet.bury()?.len();
    let mut closed = scenario.close()?;
    let crashed = closed.record.outcomes(&["crashed"]);
    closed.report.must_be_exact().must_not_overlap().must_keep_the_cap();
    closed.report.note(format!("{crashed} attempts ended as crashed, {dead} processes ended by themselves"));
    closed.done()
}
