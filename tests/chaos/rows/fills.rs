//! `kill -9` of processes that fill, at any moment: nothing is lost, nothing done twice, and what is there at the end
//! is what a warm from scratch makes.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::super::clock::{pass, wait};
use super::super::coverage::{forgotten, from_scratch, given_up, must_be_complete, served, vectors};
use super::super::ledger::Event;
use super::super::report::Report;
use super::super::round::Round;
use super::super::scenario::{Plan, Scenario};
use crate::Repo;

/// A process embeds 40 texts a second at most.
const PACE: &str = "fetcher:20,embedder:50";
/// Files of a repository whose fill lasts: some 100 texts.
const FILES: usize = 30;
const PUSHES: Duration = Duration::from_millis(700);
/// From the claim of a fill to the kill, at most: milliseconds.
const LATER: usize = 1_500;
const KILLS: usize = 2;
const TAKEN: Duration = Duration::from_secs(60);

pub(super) fn one(round: &Round) -> Result<Report> {
    killed(round, 1)
}

pub(super) fn eight(round: &Round) -> Result<Report> {
    killed(round, 8)
}

fn killed(round: &Round, instances: usize) -> Result<Report> {
    round.environment.past_grace()?;
    let mut scenario = Scenario::open(round, &Plan { instances, repositories: 4, pace: PACE, ..Plan::default() })?;
    let traffic = scenario.traffic(PUSHES);
    let (until, mut kills, mut unnoted) = (Instant::now() + round.time, 0, 0);
    while kills < KILLS || Instant::now() < until {
        let cold = Repo::generated(FILES, 1_500, scenario.random.number());
        // Its fork lacks the same: who fills that would make up for what is lost of the other, so not each has one.
        let fork = (kills % 2 == 1).then(|| cold.cloned());
        let mut url = String::new();
        for repo in fork.into_iter().chain([cold]) {
            let number = scenario.repositories.add(repo)?;
            scenario.repositories.trigger(number)?;
            url = scenario.repositories.url(number);
        }
        let victim = wait(TAKEN, || filler(&scenario, &url));
        let victim = victim.with_context(|| format!("nobody fills:\n{}", scenario.fleet.log(0)))?;
        pass(Duration::from_millis(scenario.random.below(LATER) as u64));
        scenario.fleet.kill(victim)?;
        scenario.fleet.revive()?;
        unnoted += forgotten(&scenario.base)?;
        kills += 1;
    }
    traffic.stop()?;
    scenario.quiet()?;
    let scratch = from_scratch(round, &scenario)?;
    let same_entries = served(&scratch.base)? == served(&scenario.base)?;
    let (mut expected, found) = (vectors(&scratch.base)?, vectors(&scenario.base)?);
    // A text that two fills died with is given up: nobody can tell two kills from a text that does it.
    let blamed = given_up(&scenario.base)?;
    expected.retain(|vector| !blamed.iter().any(|text| vector.starts_with(text)));
    drop(scratch);
    let mut closed = scenario.close()?;
    closed.report.must_be_exact().must_not_overlap().must_have_met("kills", kills);
    closed.report.must(format!("forgotten at any time {unnoted} = 0"), unnoted == 0);
    must_be_complete(&mut closed.report, &closed.base)?;
    closed.report.must("entries as from scratch", same_entries);
    closed.report.must(format!("{} vectors as from scratch", expected.len()), expected == found && !found.is_empty());
    closed.report.must(format!("texts given up {} <= {kills} / 2", blamed.len()), blamed.len() <= kills / 2);
    let crashed = closed.record.outcomes(&["crashed"]);
    closed.report.note(format!("{crashed} attempts crashed in {kills} kills"));
    closed.done()
}

/// A process that fills this repository now.
fn filler(scenario: &Scenario, url: &str) -> Option<usize> {
    let fills = |claim: &String| {
        let claimed = scenario.fleet.ledger.find(|line| line.event == Event::Claimed && line.claim == *claim);
        claimed.is_some_and(|line| !line.fill.is_empty() && line.repository == url)
    };
    (0..scenario.fleet.len()).find(|member| scenario.fleet.claims(*member).iter().any(fills))
}
