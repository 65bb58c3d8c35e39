//! One step: a cargo command, its heading, its time and its count.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::Instant;

use super::counts::Counts;
use super::missing::lacking;
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
    pub(super) fn run(&self, variables: &[(&'static str, OsString)]) -> Counts {
        if let Some((program, question)) = self.program
            && !cargo(question)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
        {
            return lacking(program);
        }
        timed(self.name, &self.shown(), || match self.command(variables).status() {
            Ok(status) if status.success() => Counts::passed(),
            _ => Counts::failed(),
        })
    }

    /// Runs it and counts the tests that it reports.
    pub(super) fn run_counting(&self, variables: &[(&'static str, OsString)]) -> Counts {
        timed(self.name, &self.shown(), || {
            let spawned = self.command(variables).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
            let Ok(mut child) = spawned else { return Counts::failed() };
            let (output, errors) = (child.stdout.take(), child.stderr.take());
            let mut counts = std::thread::scope(|scope| {
                let errors = scope.spawn(|| errors.map_or_else(Counts::default, |pipe| count(pipe, say)));
                let counted = output.map_or_else(Counts::default, |pipe| count(pipe, print));
                counted + errors.join().unwrap_or_default()
            });
            let ended_well = child.wait().is_ok_and(|status| status.success());
            if !ended_well && counts.failed == 0 {
                // Such as a test program that was killed: it had no chance to report.
                counts += Counts::failed();
            }
            counts
        })
    }

    fn command(&self, variables: &[(&'static str, OsString)]) -> Command {
        let mut command = cargo(self.arguments);
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        command.envs(self.variable);
        command
    }

    fn shown(&self) -> String {
        format!("cargo {}", self.arguments.join(" "))
    }
}

/// Runs a check under its heading, and says how long it took.
pub(super) fn timed(name: &str, command: &str, work: impl FnOnce() -> Counts) -> Counts {
    say(&format!("== {name}: {command}"));
    let started = Instant::now();
    let counts = work();
    let result = if counts.failed == 0 { "ok" } else { "FAILED" };
    say(&format!("== {name}: {result} ({:.1} s)", started.elapsed().as_secs_f32()));
    counts
}

/// The cargo that started this program, in the workspace's root.
fn cargo(arguments: &[&str]) -> Command {
    let mut command = crate::workspace::cargo();
    command.args(arguments).current_dir(crate::workspace::root()).stdin(Stdio::null());
    command
}

fn count(pipe: impl Read, show: impl Fn(&str)) -> Counts {
    let lines = BufReader::new(pipe).split(b'\n').map_while(Result::ok);
    lines.fold(Counts::default(), |counts, line| {
        let line = String::from_utf8_lossy(&line);
        show(&line);
        counts + Counts::of_line(&line)
    })
}
