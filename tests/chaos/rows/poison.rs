//! Files that do harm: one that panics, one that aborts the process, an endless loop, one that takes all memory.

use anyhow::{Context as _, Result};

use super::super::fleet::{MEMORY, Variables};
use super::super::report::Report;
use super::super::round::Round;
use super::super::scenario::{Plan, Scenario};
use crate::Repo;

/// KiB of address space: several times what a process takes.
const ADDRESS_SPACE: &str = "12582912";
/// The file is skipped, everything else of its repository served.
const SKIPPED: [&str; 2] = ["panic", "loop"];
/// The process dies of it, every time: the repository ends in quarantine.
const QUARANTINED: [&str; 2] = ["abort", "hog"];

pub(super) fn run(round: &Round) -> Result<Report> {
    round.environment.past_grace()?;
    let mut scenario = Scenario::empty(round, &Plan { repositories: 6, pace: "fetcher:300", ..Plan::default() })?;
    for _ in 0..3 {
        scenario.fleet.add(Variables::from([(MEMORY.to_owned(), ADDRESS_SPACE.to_owned())]))?;
    }
    scenario.settle_in()?;
    let mut poisoned = vec![];
    for harm in SKIPPED.iter().chain(&QUARANTINED) {
        let mut repo = Repo::generated(4, 800, scenario.random.number());
        repo.write(format!("harm.chaos-{harm}"), format!("the text of a file that is read for {harm}\n"));
        repo.commit("harm");
        let number = scenario.repositories.add(repo)?;
        poisoned.push((*harm, scenario.repositories.url(number)));
        scenario.repositories.trigger(number)?;
    }
    let deadly = poisoned.iter().filter(|(harm, _)| QUARANTINED.contains(harm));
    scenario.besides = deadly.map(|(_, url)| url.clone()).collect();
    // The innocent have work at the same time.
    for number in 0..6 {
        let seed = scenario.random.number();
        scenario.repositories.push(number, seed)?;
    }
    let mut closed = scenario.close()?;
    closed.report.must_be_exact().must_not_overlap();
    for (harm, url) in poisoned {
        let found = closed.base.query(&format!(
            "SELECT concat_ws(' ', state, (SELECT coalesce(skip, 'indexed') FROM entry
             WHERE entry.repository = repository.id AND path LIKE '%.chaos-%')) FROM repository WHERE remote = '{url}'"
        ))?;
        let found = found.first().context("a repository that was added is there")?.clone();
        let expected = match (harm, QUARANTINED.contains(&harm)) {
            (_, true) => "quarantined",
            ("panic", false) => "active panicked",
            (_, false) => "active too_slow",
        };
        closed.report.must(format!("{harm}: {found}"), found == expected);
        let besides = closed.base.count(&format!(
            "SELECT count(*)::text FROM entry JOIN repository ON repository.id = entry.repository
             WHERE remote = '{url}' AND skip IS NOT NULL AND path NOT LIKE '%.chaos-%'"
        ))?;
        closed.report.must(format!("skipped beside it {besides} = 0"), besides == 0);
    }
    closed.done()
}
