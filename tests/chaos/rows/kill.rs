//! `kill -9` of one of three every few seconds: from outside while it works on something, and by itself at named
//! points.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::super::clock::{pass, wait};
use super::super::fleet::{KILL, Variables};
use super::super::report::Report;
use super::super::round::Round;
use super::super::scenario::{Plan, Scenario};
use crate::sources::Random;

/// From the fault to the next claim.
const RECOVERY: f64 = 5.0;
/// Where a process kills itself: after the claim, mid-embed, before the commit and after it.
const POINTS: [&str; 4] = ["claimed", "embedding", "publishing", "published"];
/// For so long a process is waited for that is to kill itself; it may never come to its point.
const FATE: Duration = Duration::from_secs(8);
/// Light enough that mostly some process has a permit free.
const PUSHES: Duration = Duration::from_millis(900);

pub(super) fn run(round: &Round) -> Result<Report> {
    round.environment.past_grace()?;
    let mut scenario = Scenario::open(round, &Plan::default())?;
    let traffic = scenario.traffic(PUSHES);
    let until = Instant::now() + round.time;
    for number in 0.. {
        let victim = scenario.busy()?;
        scenario.fleet.kill(victim)?;
        let variables = fate(&mut scenario.random, number);
        scenario.fleet.start(victim, variables)?;
        outlive(&mut scenario, victim)?;
        if Instant::now() >= until {
            break;
        }
    }
    traffic.stop()?;
    let mut closed = scenario.close()?;
    let named: Vec<String> = closed.deaths().into_iter().map(|(of, count)| format!("{of} {count}")).collect();
    closed.report.must_be_exact().must_not_overlap().must_recover_within(RECOVERY);
    closed.report.must_have_met("interrupted jobs", closed.record.outcomes(&["crashed"]));
    closed.report.note(format!("at named points: {}", named.join(", ")));
    closed.done()
}

/// Until the new life has met its fate, for some seconds; whoever died is started again.
fn outlive(scenario: &mut Scenario, victim: usize) -> Result<()> {
    pass(Duration::from_millis(2_500 + scenario.random.number() % 2_500));
    let died = || scenario.fleet.is_dead(victim).then_some(());
    wait(FATE, died);
    scenario.fleet.revive()
}

/// A death at a point, not at the first passings: those may be of a job that crashed before.
fn fate(random: &mut Random, number: usize) -> Variables {
    let passes = 3 + random.below(3);
    Variables::from([(KILL.to_owned(), format!("{}:{passes}", POINTS[number % POINTS.len()]))])
}
