//! Many start at once; and one after the other. With the default delays.

use std::time::Duration;

use anyhow::{Context as _, Result};

use super::super::clock::wait;
use super::super::fleet::{Variables, ended_well};
use super::super::ledger::Event;
use super::super::record::Record;
use super::super::report::Report;
use super::super::round::Round;
use super::super::scenario::{Plan, Scenario};

const HERD: usize = 20;
const PUSHES: Duration = Duration::from_secs(1);
/// The grace of a shutdown is 30 s.
const END: Duration = Duration::from_secs(35);
/// The longest delay of a start is 45 s.
const FIRST_CLAIM: Duration = Duration::from_secs(75);

/// 20 instances start at once, on a queue that is full.
pub(super) fn herd(round: &Round) -> Result<Report> {
    let plan = Plan { repositories: 40, slots: 2, pace: "fetcher:500", delays: true, ..Plan::default() };
    let mut scenario = Scenario::empty(round, &plan)?;
    for _ in 0..HERD {
        scenario.fleet.add(Variables::new())?;
    }
    scenario.fleet.fault();
    scenario.settle_in()?;
    for number in 0..plan.repositories {
        let seed = scenario.random.number();
        scenario.repositories.push(number, seed)?;
    }
    let mut closed = scenario.close()?;
    let workers = closed.record.works.iter().map(|work| work.pid).collect::<std::collections::BTreeSet<_>>().len();
    all_is_well(&mut closed.report, &closed.record);
    closed.report.must_have_met("slots taken", slots(&closed.record));
    closed.report.note(format!("{workers} of {HERD} instances worked"));
    closed.done()
}

/// Three are replaced one after the other while work comes in.
pub(super) fn rolling(round: &Round) -> Result<Report> {
    let mut scenario = Scenario::open(round, &Plan { slots: 2, delays: true, ..Plan::default() })?;
    let traffic = scenario.traffic(PUSHES);
    let mut orderly = 0;
    for member in 0..scenario.fleet.len() {
        scenario.fleet.fault();
        orderly += usize::from(ended_well(scenario.fleet.terminate(member, END)?));
        scenario.fleet.start(member, Variables::new())?;
        let pid = scenario.fleet.pid(member);
        let claims = || scenario.fleet.ledger.find(|line| line.pid == pid && line.event == Event::Claimed);
        wait(FIRST_CLAIM, claims).with_context(|| format!("it claims nothing:\n{}", scenario.fleet.log(member)))?;
    }
    traffic.stop()?;
    let members = scenario.fleet.len();
    let mut closed = scenario.close()?;
    all_is_well(&mut closed.report, &closed.record);
    closed.report.must(format!("{orderly} of {members} ended with 0"), orderly == members);
    closed.done()
}

fn all_is_well(report: &mut Report, record: &Record) {
    let (failed, crashed) = (record.outcomes(&["retry", "lost", "dead"]), record.outcomes(&["crashed"]));
    report.must_be_exact().must_not_overlap().must_keep_the_cap();
    report.must(format!("failed {failed} = 0"), failed == 0).must(format!("crashes {crashed} = 0"), crashed == 0);
}

fn slots(record: &Record) -> usize {
    record.works.iter().filter(|work| work.slot.is_some()).count()
}
