//! The processes of a row: `warmer run`, each in a home of its own, which it keeps from one life to the next.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::clock::{now, wait};
use super::ledger::{Event, Ledger};
use crate::{Warmer, binary};

/// Until the first line of a process that was started: it opens the database and reads the model.
const START: Duration = Duration::from_secs(60);

/// Variables of one life of a process.
pub(super) type Variables = BTreeMap<String, String>;

/// One process.
struct Member {
    home: Warmer,
    child: Child,
    variables: Variables,
}

/// When a process did not run though it lived.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pause {
    pub(super) pid: u32,
    pub(super) from: u64,
    pub(super) until: u64,
}

/// All processes of a row.
pub(super) struct Fleet {
    members: Vec<Member>,
    common: Variables,
    pub(super) ledger: Ledger,
    /// Of every process that is no more: when it died.
    pub(super) deaths: BTreeMap<u32, u64>,
    pub(super) pauses: Vec<Pause>,
    /// Faults so far, and when.
    pub(super) faults: Vec<u64>,
}

impl Fleet {
    /// None yet; each will get `common`.
    pub(super) fn new(ledger: Ledger, common: Variables) -> Self {
        Self { members: vec![], common, ledger, deaths: BTreeMap::new(), pauses: vec![], faults: vec![] }
    }

    /// Starts one more, with variables of its own; waits for nothing.
    pub(super) fn add(&mut self, variables: Variables) -> Result<()> {
        let home = Warmer::toy().with_program(binary::with_chaos_door());
        let child = self.spawn(&home, &variables)?;
        self.members.push(Member { home, child, variables });
        Ok(())
    }

    /// Waits until the last life of every process has said that it started.
    pub(super) fn all_started(&self) -> Result<()> {
        for member in 0..self.members.len() {
            let pid = self.pid(member);
            let said = || self.ledger.find(|line| line.pid == pid && line.event == Event::Started);
            ensure!(wait(START, said).is_some(), "a process does not start:\n{}", self.log(member));
        }
        Ok(())
    }

    fn spawn(&self, home: &Warmer, variables: &Variables) -> Result<Child> {
        let program = home.command();
        let mut command = match variables.get(MEMORY) {
            None => Command::new(program.get_program()),
            Some(kibibytes) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", r#"ulimit -v "$1" && shift && exec "$@""#, "sh", kibibytes]);
                shell.arg(program.get_program());
                shell
            }
        };
        command.arg("run").env_clear().current_dir(home.home());
        command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.envs(&self.common).envs(variables).env("WARMER_CHAOS_LEDGER", self.ledger.path());
        let log = File::options().create(true).append(true).open(home.home().join("log"))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().context("warmer does not start")?;
        if variables.contains_key(CLOCK) {
            self.ledger.is_ahead(child.id(), AHEAD_MICROS);
        }
        Ok(child)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// The id of a process' present life.
    pub(super) fn pid(&self, member: usize) -> u32 {
        self.members[member].child.id()
    }

    /// The member whose present life this is.
    pub(super) fn member(&self, pid: u32) -> Option<usize> {
        self.members.iter().position(|member| member.child.id() == pid)
    }

    /// What its instance is called in the database: it begins anew when it was declared dead.
    pub(super) fn instance(&self, member: usize) -> Option<String> {
        let pid = self.pid(member);
        self.ledger.look(|lines| lines.iter().rev().find(|line| line.pid == pid).map(|line| line.instance.clone()))
    }

    /// The claims that a process holds now, by the ledger.
    pub(super) fn claims(&self, member: usize) -> Vec<String> {
        let (pid, mut claims) = (self.pid(member), vec![]);
        self.ledger.look(|lines| {
            for line in lines.iter().filter(|line| line.pid == pid) {
                match line.event {
                    Event::Claimed => claims.push(line.claim.clone()),
                    Event::Ended(_) => claims.retain(|claim| *claim != line.claim),
                    _ => {}
                }
            }
        });
        claims
    }

    /// The claims of living processes that hold a slot now, by the ledger, with their processes.
    pub(super) fn slots_held(&self) -> Vec<(u32, String)> {
        let mut held = vec![];
        self.ledger.look(|lines| {
            for line in lines {
                match line.event {
                    Event::Slot { held: true } => held.push((line.pid, line.claim.clone())),
                    Event::Slot { held: false } | Event::Ended(_) => held.retain(|(_, claim)| *claim != line.claim),
                    _ => {}
                }
            }
        });
        held.retain(|(pid, _)| !self.deaths.contains_key(pid));
        held
    }

    /// Whether a process died by itself.
    pub(super) fn is_dead(&self, member: usize) -> bool {
        let proc = format!("/proc/{}/stat", self.pid(member));
        std::fs::read_to_string(proc)
            .is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" Z")))
    }

    /// Counts a fault that happens now.
    pub(super) fn fault(&mut self) {
        self.faults.push(now());
    }

    /// `kill -9`; the fault is counted.
    pub(super) fn kill(&mut self, member: usize) -> Result<()> {
        let at = now();
        self.signal(member, Signal::KILL)?;
        self.members[member].child.wait()?;
        self.deaths.insert(self.pid(member), at);
        self.faults.push(at);
        Ok(())
    }

    /// Asks for an orderly end, and waits for it.
    pub(super) fn terminate(&mut self, member: usize, most: Duration) -> Result<ExitStatus> {
        self.signal(member, Signal::TERM)?;
        let child = &mut self.members[member].child;
        let status = wait(most, || child.try_wait().ok().flatten());
        let status =
            status.with_context(|| format!("a process does not end within {most:?}:\n{}", self.log(member)))?;
        self.deaths.insert(self.pid(member), now());
        Ok(status)
    }

    /// Holds a process for so long with SIGSTOP, and does `meanwhile` in that time; the fault is counted.
    pub(super) fn pause<T>(&mut self, member: usize, time: Duration, meanwhile: impl FnOnce(&Self) -> T) -> Result<T> {
        let from = now();
        self.signal(member, Signal::STOP)?;
        self.faults.push(from);
        let done = meanwhile(self);
        let passed = Duration::from_micros(now() - from);
        super::clock::pass(time.saturating_sub(passed));
        let until = now();
        self.signal(member, Signal::CONT)?;
        self.pauses.push(Pause { pid: self.pid(member), from, until });
        Ok(done)
    }

    /// Starts a new life of a process that is dead.
    pub(super) fn start(&mut self, member: usize, variables: Variables) -> Result<()> {
        let child = self.spawn(&self.members[member].home, &variables)?;
        let member = &mut self.members[member];
        (member.child, member.variables) = (child, variables);
        Ok(())
    }

    /// Notes who died by itself, and how; each is a fault.
    pub(super) fn bury(&mut self) -> Result<Vec<(usize, ExitStatus)>> {
        let mut dead = vec![];
        for (number, member) in self.members.iter_mut().enumerate() {
            let pid = member.child.id();
            if self.deaths.contains_key(&pid) {
                continue;
            }
            if let Some(status) = member.child.try_wait()? {
                let last = self.ledger.find(|line| line.pid == pid && matches!(line.event, Event::Dies(_)));
                let at = last.map_or_else(now, |line| line.at);
                self.deaths.insert(pid, at);
                self.faults.push(at);
                dead.push((number, status));
            }
        }
        Ok(dead)
    }

    /// Starts again whoever is dead, as it was but for the deaths that it was to die.
    pub(super) fn revive(&mut self) -> Result<()> {
        self.bury()?;
        for member in 0..self.members.len() {
            if self.deaths.contains_key(&self.pid(member)) {
                let mut variables = self.members[member].variables.clone();
                variables.remove(KILL);
                self.start(member, variables)?;
            }
        }
        Ok(())
    }

    /// Ends all.
    pub(super) fn end(&mut self) {
        for member in &mut self.members {
            member.child.kill().ok();
            member.child.wait().ok();
        }
    }

    /// The last lines that a process wrote.
    pub(super) fn log(&self, member: usize) -> String {
        let text = std::fs::read_to_string(self.members[member].home.home().join("log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Copies what all processes wrote into a directory.
    pub(super) fn keep_logs(&self, directory: &Path) -> Result<()> {
        std::fs::create_dir_all(directory)?;
        for (number, member) in self.members.iter().enumerate() {
            std::fs::copy(member.home.home().join("log"), directory.join(format!("{number}.log")))?;
        }
        std::fs::copy(self.ledger.path(), directory.join("ledger.jsonl"))?;
        Ok(())
    }

    fn signal(&self, member: usize, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.pid(member)).ok().and_then(Pid::from_raw).context("a process id")?;
        kill_process(pid, signal).with_context(|| format!("{signal:?} does not reach a process"))
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.end();
    }
}

/// The variable of a death to die; not given to the next life.
pub(super) const KILL: &str = "WARMER_CHAOS_KILL";
/// The variable of `libfaketime`.
pub(super) const CLOCK: &str = "FAKETIME";
/// Its only value.
pub(super) const AHEAD: &str = "+600s";
const AHEAD_MICROS: u64 = 600_000_000;
/// Not for the process: KiB of address space that it may have.
pub(super) const MEMORY: &str = "CHAOS_ADDRESS_SPACE_KIB";

/// Whether a process ended as one that is asked to should.
pub(super) fn ended_well(status: ExitStatus) -> bool {
    status.code() == Some(0) && status.signal().is_none()
}
