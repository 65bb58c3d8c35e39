//! One step: a cargo command, its heading, its time and its count.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::Instant;

use super::tally::{Tally, not_run_line};
use crate::console::{print, say};

/// A cargo command that is one check.
pub(super) struct Step {
    name: &'static str,
    arguments: &'static [&'static str],
    variable: Option<(&'static str, &'static str)>,
    /// A program, and the cargo command that fails where it is missing.
    program: Option<(&'static str, &'static [&'static str])>,
}

impl Step {
    pub(super) fn new(name: &'static str, arguments: &'static [&'static str]) -> Self {
        Self { name, arguments, variable: None, program: None }
    }

    pub(super) fn needs(self, program: &'static str, question: &'static [&'static str]) -> Self {
        Self { program: Some((program, question)), ..self }
    }

    pub(super) fn with(self, variable: &'static str, value: &'static str) -> Self {
        Self { variable: Some((variable, value)), ..self }
    }

    /// Runs it with the terminal as its own; counts as one check.
    pub(super) fn run(&self, variables: &[(&'static str, OsString)]) -> Tally {
        if let Some((program, question)) = self.program
            && !cargo(question)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
        {
            return lacking(program);
        }
        self.timed(|| match self.command(variables).status() {
            Ok(status) if status.success() => Tally::passed(),
            _ => Tally::failed(),
        })
    }

    /// Runs it and counts the tests that it reports.
    pub(super) fn run_counting(&self, variables: &[(&'static str, OsString)]) -> Tally {
        self.timed(|| {
            let spawned = self.command(variables).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
            let Ok(mut child) = spawned else { return Tally::failed() };
            let (output, errors) = (child.stdout.take(), child.stderr.take());
            let mut tally = std::thread::scope(|scope| {
                let errors = scope.spawn(|| errors.map_or_else(Tally::default, |pipe| count(pipe, say)));
                let counted = output.map_or_else(Tally::default, |pipe| count(pipe, print));
                counted + errors.join().unwrap_or_default()
            });
            let ended_well = child.wait().is_ok_and(|status| status.success());
            if !ended_well && tally.failed == 0 {
                // Such as a test program that was killed: it had no chance to report.
                tally += Tally::failed();
            }
            tally
        })
    }

    fn command(&self, variables: &[(&'static str, OsString)]) -> Command {
        let mut command = cargo(self.arguments);
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        command.envs(self.variable);
        command
    }

    fn timed(&self, work: impl FnOnce() -> Tally) -> Tally {
        say(&format!("== {}: cargo {}", self.name, self.arguments.join(" ")));
        let started = Instant::now();
        let tally = work();
        let verdict = if tally.failed == 0 { "ok" } else { "FAILED" };
        say(&format!("== {}: {verdict} ({:.1} s)", self.name, started.elapsed().as_secs_f32()));
        tally
    }
}

/// The check that needs this program cannot be run.
pub(super) fn lacking(program: &str) -> Tally {
    say(&not_run_line(program));
    if super::all_required() { Tally::failed() } else { Tally::skipped() }
}

/// The cargo that started this program, in the workspace's root.
fn cargo(arguments: &[&str]) -> Command {
    let mut command = crate::workspace::cargo();
    command.args(arguments).current_dir(crate::workspace::root()).stdin(Stdio::null());
    command
}

fn count(pipe: impl Read, show: impl Fn(&str)) -> Tally {
    let lines = BufReader::new(pipe).split(b'\n').map_while(Result::ok);
    lines.fold(Tally::default(), |tally, line| {
        let line = String::from_utf8_lossy(&line);
        show(&line);
        tally + Tally::of_line(&line)
    })
}
