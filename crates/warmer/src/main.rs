//! The `warmer` program: arguments, configuration, telemetry, one command, an exit code.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on may panic"))]

mod args;
mod assemble;
#[cfg(feature = "chaos")]
mod chaos;
mod commands;
mod config;
mod context;
mod counting;
mod database;
mod environment;
mod exit;
mod indexing;
mod limits;
mod machine;
mod memory;
mod metrics;
mod output;
mod paths;
mod program_name;
mod reporting;
mod runtime_telemetry;
mod service_manager;
mod signals;
mod telemetry;
mod threads;
mod xdg;

use std::process::ExitCode;

use anyhow::Context as _;
use rustix::fs::Mode;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use warmer_pipeline::Identity;

use crate::args::{Arguments, Command};
use crate::context::Context;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::metrics::{Metrics, Wanted};
use crate::paths::Paths;
use crate::telemetry::Console;
use crate::threads::Threads;

/// What this process makes is its owner's alone.
const PRIVATE: Mode = Mode::RWXG.union(Mode::RWXO);

fn main() -> ExitCode {
    runtime_telemetry::switch_off();
    // Mirrors and whatever else lies in the data directory hold source texts.
    rustix::process::umask(PRIVATE);
    let result = run(Arguments::read(program_name::arguments(std::env::args_os())));
    let exit = result.unwrap_or_else(|error| {
        let exit = Exit::of(&error);
        if exit != Exit::Done {
            output::note(&format!("error: {}", lines(&format!("{error:#}"))));
        }
        exit
    });
    exit.into()
}

/// A text of several lines, each without anything that would disturb the terminal.
fn lines(text: &str) -> String {
    text.lines().map(output::printable_line).collect::<Vec<_>>().join("\n")
}

fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    if let Command::GitWorker { memory } = arguments.command {
        return commands::git_worker::run(memory);
    }
    let environment = Environment::of_process();
    if matches!(arguments.command, Command::JobChild) {
        return commands::job_child::run(environment);
    }
    if let Command::Setup(setup) = &arguments.command {
        return commands::setup::run(setup, &environment);
    }
    let loaded = config::load(&environment, arguments.config.as_deref(), &arguments.set);
    if let Command::Config(command) = &arguments.command {
        return commands::config::run(command, &arguments, &environment, loaded);
    }
    let mut loaded = loaded?;
    let given = config::Given::new(&environment, arguments.config.clone(), &arguments.set, &loaded);
    // The other commands say it on stdout.
    if matches!(arguments.command, Command::Run) {
        loaded.log_as_daemon();
    }
    let console = Console::default();
    let writer = BoxMakeWriter::new(console.clone());
    let variables = telemetry::Variables::read(&environment).map_err(config::Problems::of_variables)?;
    let identity = Identity::random();
    let export = telemetry::init(&loaded.config.telemetry, (&environment, &variables), &identity, writer)
        .context("cannot start telemetry")?;
    let resource = telemetry::resource(&loaded.config.telemetry, &environment, &identity);
    let metrics = Metrics::start(wanted(&arguments.command), variables.metrics.as_ref(), resource)
        .context("cannot start metrics")?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let paths = Paths::new(&loaded.config, &environment)?;
    limits::check()?;
    let (in_force, machine) = (loaded.in_force(), machine::here(&loaded.config, &paths));
    let threads = Threads::start()?;
    let context = Context {
        config: loaded.config,
        in_force,
        given,
        warnings: loaded.warnings,
        environment,
        paths,
        machine,
        identity,
        console,
        metrics,
        background: threads.background(),
    };

    let result = threads.run(commands::run(&context, arguments));
    threads.end();
    let metrics = context.metrics.end();
    export.finish();
    metrics.wait();
    result
}

/// Which metrics a command has: those that work have some, and a port has only the daemon.
fn wanted(command: &Command) -> Wanted {
    match command {
        Command::Run => Wanted::Both,
        Command::Warm(_) => Wanted::Pushed,
        _ => Wanted::Neither,
    }
}
