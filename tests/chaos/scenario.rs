//! One row's database, repositories and processes, and the end of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use tempfile::TempDir;

use super::clock::{now, pass, wait};
use super::environment::Base;
use super::fleet::{Fleet, Variables};
use super::ledger::{Event, Ledger};
use super::record::Record;
use super::report::Report;
use super::repositories::{Repositories, Traffic};
use super::round::Round;
use crate::Repo;
use crate::sources::Random;

/// Until all work is done, after the last fault: a job that an instance took at the death of the server is found only
/// after the server's grace of a minute.
const QUIET: Duration = Duration::from_secs(240);
/// Between two looks at the queue.
const LOOK: Duration = Duration::from_millis(100);

/// What a row begins with.
pub(super) struct Plan {
    pub(super) instances: usize,
    /// Small repositories; warm before the first fault.
    pub(super) repositories: usize,
    pub(super) slots: u32,
    /// As `WARMER_CHAOS_PACE`.
    pub(super) pace: &'static str,
    /// With the default delay of a start.
    pub(super) delays: bool,
    /// More variables of all processes.
    pub(super) variables: &'static [(&'static str, &'static str)],
}

impl Default for Plan {
    fn default() -> Self {
        Self { instances: 3, repositories: 12, slots: 24, pace: "fetcher:700", delays: false, variables: &[] }
    }
}

/// What a row runs in: its database, repositories and processes.
pub(super) struct Scenario {
    pub(super) base: Arc<Base>,
    pub(super) repositories: Arc<Repositories>,
    pub(super) fleet: Fleet,
    pub(super) random: Random,
    /// Repositories that are not expected to be warmed.
    pub(super) besides: BTreeSet<String>,
    slots: u32,
    logs: Option<std::path::PathBuf>,
    directory: TempDir,
}

impl Scenario {
    /// Starts the processes, and waits until they are there and the repositories are warm.
    pub(super) fn open(round: &Round, plan: &Plan) -> Result<Self> {
        let mut scenario = Self::empty(round, plan)?;
        for _ in 0..plan.instances {
            scenario.fleet.add(Variables::new())?;
        }
        scenario.settle_in()?;
        Ok(scenario)
    }

    /// No process yet; the repositories are there and not warm.
    pub(super) fn empty(round: &Round, plan: &Plan) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("warmer-chaos-").tempdir()?;
        let ledger = Ledger::at(directory.path().join("ledger.jsonl"));
        let base = Arc::new(round.environment.database()?);
        let repositories = Arc::new(Repositories::new(base.clone()));
        let mut random = Random::new(round.seed);
        for _ in 0..plan.repositories {
            repositories.add(Repo::generated(8, 1_200, random.number()))?;
        }
        Ok(Self {
            fleet: Fleet::new(ledger, common(&base, plan)),
            base,
            repositories,
            random,
            besides: BTreeSet::new(),
            slots: plan.slots,
            logs: round.logs.clone(),
            directory,
        })
    }

    /// A path in a directory of this row's.
    pub(super) fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    /// Waits until the processes are there and the repositories are warm.
    pub(super) fn settle_in(&mut self) -> Result<()> {
        self.fleet.all_started()?;
        for number in 0..self.repositories.len() {
            self.repositories.trigger(number)?;
        }
        ensure!(self.quiet()?, "the first warm does not end:\n{}", self.fleet.log(0));
        Ok(())
    }

    /// A push to one of the repositories each `every`.
    pub(super) fn traffic(&mut self, every: Duration) -> Traffic {
        Traffic::start(&self.repositories, self.repositories.len(), every, self.random.number())
    }

    /// Waits until the server has freed all locks of an instance; gives when that was.
    pub(super) fn freed(&self, instance: &str, most: Duration) -> Result<u64> {
        let locks = format!(
            "SELECT count(*)::text FROM pg_locks JOIN pg_stat_activity USING (pid)
             WHERE locktype = 'advisory' AND application_name = 'warmer-lock:{instance}'"
        );
        let freed = wait(most, || self.base.count(&locks).is_ok_and(|held| held == 0).then(now));
        freed.ok_or_else(|| anyhow::anyhow!("the server does not free the locks of {instance} within {most:?}"))
    }

    /// A process that works on something now; waits for one.
    pub(super) fn busy(&mut self) -> Result<usize> {
        let first = self.random.below(self.fleet.len());
        let members = (0..self.fleet.len()).map(|number| (first + number) % self.fleet.len());
        let members: Vec<usize> = members.collect();
        let busy = wait(Duration::from_secs(30), || {
            members.iter().copied().find(|member| !self.fleet.claims(*member).is_empty())
        });
        busy.ok_or_else(|| anyhow::anyhow!("no process has anything to do:\n{}", self.fleet.log(0)))
    }

    /// Waits until nothing is queued and nothing runs, and revives who died; false when that does not come.
    pub(super) fn quiet(&mut self) -> Result<bool> {
        let until = std::time::Instant::now() + QUIET;
        while std::time::Instant::now() < until {
            self.fleet.revive()?;
            if self.base.count("SELECT count(*)::text FROM job").is_ok_and(|jobs| jobs == 0) {
                return Ok(true);
            }
            pass(LOOK);
        }
        Ok(false)
    }

    /// Ends the row: waits until all work is done, and takes the figures.
    pub(super) fn close(mut self) -> Result<Closed> {
        let quiet = self.quiet()?;
        let unserved = self.repositories.unserved()?;
        let triggers = self.repositories.triggers();
        // What is told a moment after the database has it.
        pass(LOOK);
        let record = Record::gather(&self.fleet, &self.base, triggers, unserved)?;
        let mut report = Report::of(&record, self.slots, &self.besides);
        if !quiet {
            let jobs = self.base.query("SELECT concat_ws(' ', state, repository, attempt, run_at) FROM job")?;
            report.must(format!("all work ends within {} s of the last fault", QUIET.as_secs()), false);
            report.note(format!("still there: {}", jobs.join("; ")));
        }
        Ok(Closed { report, record, base: self.base, fleet: self.fleet, logs: self.logs, _directory: self.directory })
    }
}

/// A row that is over, before its bounds are known.
pub(super) struct Closed {
    pub(super) report: Report,
    pub(super) record: Record,
    pub(super) base: Arc<Base>,
    fleet: Fleet,
    logs: Option<std::path::PathBuf>,
    /// Holds the ledger.
    _directory: TempDir,
}

impl Closed {
    /// What processes wrote down that they died of, and how many of each.
    pub(super) fn deaths(&self) -> BTreeMap<String, usize> {
        let mut deaths = BTreeMap::new();
        self.fleet.ledger.look(|lines| {
            for line in lines {
                if let Event::Dies(of) = &line.event {
                    *deaths.entry(of.clone()).or_default() += 1;
                }
            }
        });
        deaths
    }

    /// Processes that said that they worked on something.
    pub(super) fn workers(&self) -> BTreeSet<u32> {
        self.fleet
            .ledger
            .look(|lines| lines.iter().filter(|line| line.event == Event::Work).map(|line| line.pid).collect())
    }

    /// The report, once all bounds are in it. What the processes wrote is kept where one does not hold.
    pub(super) fn done(mut self) -> Result<Report> {
        if let Some(directory) = self.logs.filter(|_| !self.report.holds()) {
            self.fleet.keep_logs(&directory)?;
            self.report.note(format!("logs in {}", directory.display()));
        }
        Ok(self.report)
    }
}

fn common(base: &Base, plan: &Plan) -> Variables {
    let mut variables = Variables::new();
    let mut set = |name: &str, value: &str| variables.insert(name.to_owned(), value.to_owned());
    set("DATABASE_URL", &base.url);
    set("WARMER__CLAIMER__SLOTS", &plan.slots.to_string());
    set("WARMER__TELEMETRY__LOG", "info");
    set("WARMER_CHAOS_PACE", plan.pace);
    if !plan.delays {
        set("WARMER__CLAIMER__START_DELAY", "0s");
        set("WARMER__CLAIMER__START_JITTER", "0s");
    }
    for (name, value) in plan.variables {
        set(name, value);
    }
    variables
}
