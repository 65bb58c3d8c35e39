//! `kill -9` of one of three every few seconds: from outside while it works on something, and by itself at named
//! points.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::super::clock::{pass, wait};
use super::super::fleet::{KILL, Variables};
use super::super::report::Report;
use super::super::round::Round;
use super::super::site::{Plan, Site};
use crate::sources::Random;

/// From the fault to the next claim.
const RECOVERY: f64 = 5.0;
/// Where a process kills itself: after the claim, mid-embed, before the commit and after it.
const POINTS: [&str; 4] = ["claimed", "embedding", "publishing", "published"];
/// For so long a process is waited for that is to kill itself; it may never come to its point.
const FATE: Duration = Duration::from_secs(8);
/// Light enough that mostly some process has a place free.
const PUSHES: Duration = Duration::from_millis(900);

pub(super) fn run(round: &Round) -> Result<Report> {
    round.ground.past_grace()?;
    let mut site = Site::open(round, &Plan::default())?;
    let traffic = site.traffic(PUSHES);
    let until = Instant::now() + round.time;
    for number in 0.. {
        let victim = site.busy()?;
        site.fleet.kill(victim)?;
        let variables = fate(&mut site.random, number);
        site.fleet.start(victim, variables)?;
        outlive(&mut site, victim)?;
        if Instant::now() >= until {
            break;
        }
    }
    traffic.stop()?;
    let mut closed = site.close()?;
    let named: Vec<String> = closed.deaths().into_iter().map(|(of, count)| format!("{of} {count}")).collect();
    closed.report.must_be_exact().must_not_overlap().must_recover_within(RECOVERY);
    closed.report.must_have_met("interrupted jobs", closed.record.outcomes(&["crashed"]));
    closed.report.note(format!("at named points: {}", named.join(", ")));
    closed.done()
}

/// Until the new life has met its fate, for some seconds; whoever died is started again.
fn outlive(site: &mut Site, victim: usize) -> Result<()> {
    pass(Duration::from_millis(2_500 + site.random.number() % 2_500));
    let died = || site.fleet.is_dead(victim).then_some(());
    wait(FATE, died);
    site.fleet.revive()
}

/// A death at a point, not at the first passings: those may be of a job that crashed before.
fn fate(random: &mut Random, number: usize) -> Variables {
    let passes = 3 + random.below(3);
    Variables::from([(KILL.to_owned(), format!("{}:{passes}", POINTS[number % POINTS.len()]))])
}
