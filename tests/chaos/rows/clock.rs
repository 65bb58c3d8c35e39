//! The clock of one instance is off by ten minutes.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::super::clock::pass;
use super::super::coverage::{from_scratch, served};
use super::super::fleet::{AHEAD, CLOCK, Variables};
use super::super::report::Report;
use super::super::round::Round;
use super::super::scenario::{Plan, Scenario};

const PUSHES: Duration = Duration::from_millis(400);
/// Nothing that an instance reads off its own clock reaches the database; whoever doubts it changes the clock.
pub(super) fn run(round: &Round) -> Result<Report> {
    let Some(library) = library() else { return Ok(Report::lacking("faketime")) };
    let plan = Plan { instances: 2, ..Plan::default() };
    let mut scenario = Scenario::empty(round, &plan)?;
    for _ in 0..plan.instances {
        scenario.fleet.add(Variables::new())?;
    }
    let preload = ("LD_PRELOAD".to_owned(), library.display().to_string());
    // Timers are of the other clock, which no one sets.
    let own = ("FAKETIME_DONT_FAKE_MONOTONIC".to_owned(), "1".to_owned());
    scenario.fleet.add(Variables::from([preload, own, (CLOCK.to_owned(), AHEAD.to_owned())]))?;
    scenario.settle_in()?;
    scenario.fleet.fault();
    let traffic = scenario.traffic(PUSHES);
    pass(round.time);
    traffic.stop()?;
    ensure!(scenario.quiet()?, "the work does not end:\n{}", scenario.fleet.log(2));
    let scratch = from_scratch(round, &scenario)?;
    let same = served(&scratch.base)? == served(&scenario.base)?;
    drop(scratch);
    let ahead = scenario.fleet.pid(2);
    let mut closed = scenario.close()?;
    let own = closed.record.works.iter().filter(|work| work.pid == ahead).count();
    closed.report.must_be_exact().must_not_overlap().must_keep_the_cap();
    closed.report.must("identical results", same).must_have_met("works of that instance", own);
    closed.done()
}

/// Where Debian and Ubuntu have it.
fn library() -> Option<PathBuf> {
    let systems = std::fs::read_dir("/usr/lib").ok()?.flatten();
    let mut libraries = systems.map(|system| system.path().join("faketime/libfaketime.so.1"));
    libraries.find(|library| library.is_file())
}
