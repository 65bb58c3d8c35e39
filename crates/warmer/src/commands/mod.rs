//! The commands, one file each. Reading commands open the store read-only and never wait for a pipeline.

mod capacity;
pub(crate) mod config;
mod doctor;
mod enqueue;
mod gc;
mod generations;
pub(crate) mod git_worker;
mod healthcheck;
pub(crate) mod job_child;
mod jobs;
mod mcp;
mod plan;
mod reading;
mod reload;
mod repos;
mod run;
mod search;
pub(crate) mod setup;
mod show;
mod status;
mod trace;
mod tune;
mod warm;

use crate::args::{Arguments, Command};
use crate::context::Context;
use crate::exit::Exit;

/// Runs the command; `config`, `setup` and `job-child` are run before there is a context.
pub(crate) async fn run(context: &Context, arguments: Arguments) -> anyhow::Result<Exit> {
    match arguments.command {
        Command::Warm(warm) => warm::run(context, warm).await,
        Command::Plan(plan) => plan::run(context, plan).await,
        Command::Run => run::run(context).await,
        Command::Repos(repos) => repos::run(context, repos).await,
        Command::Enqueue(enqueue) => enqueue::run(context, enqueue).await,
        Command::Search(search) => search::run(context, search).await,
        Command::Show(show) => show::run(context, show).await,
        Command::Mcp(mcp) => mcp::run(context, mcp).await,
        Command::Status(status) => status::run(context, status).await,
        Command::Jobs(jobs) => jobs::run(context, jobs).await,
        Command::Trace(asked) => trace::run(context, asked).await,
        Command::Capacity(capacity) => capacity::run(context, capacity).await,
        Command::Tune(tune) => tune::run(context, tune).await,
        Command::Reload(_) => reload::run(context).await,
        Command::Gc(gc) => gc::run(context, gc).await,
        Command::Generations(command) => generations::run(context, command).await,
        Command::Doctor(doctor) => doctor::run(context, doctor).await,
        Command::Healthcheck(healthcheck) => healthcheck::run(context, healthcheck).await,
        Command::Config(_) | Command::Setup(_) | Command::JobChild | Command::GitWorker { .. } => {
            unreachable!("run before there is a context")
        }
    }
}
