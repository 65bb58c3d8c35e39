//! `warmer trace JOB`: where the time of a job's attempts went, without a collector of traces; with `--file`, without a
//! database.

mod list;
mod text;

use std::path::Path;

use anyhow::bail;
use warmer_query::{SpansFile, Trace};
use warmer_store::JobId;

use super::reading::{self, ALL, failed};
use crate::args;
use crate::context::Context;
use crate::exit::Exit;
use crate::output::{self, Style};

/// Runs the command.
pub(crate) async fn run(context: &Context, asked: args::Trace) -> anyhow::Result<Exit> {
    let trace = match (&asked.file, asked.job) {
        (Some(file), job) => match (read(file)?, job) {
            (file, Some(job)) => file.trace(job)?,
            (file, None) => return list(context, &file, asked.json),
        },
        (None, Some(job)) => {
            let store = reading::open(context).await?;
            Trace::of(&*store, ALL, JobId(job)).await.map_err(failed)?
        }
        (None, None) => bail!("name a job, or a file of traces by --file"),
    };
    if asked.json {
        output::print_json(&trace)?;
    } else {
        output::print(&text::text(&trace, Style::of_stdout(&context.environment)))?;
    }
    Ok(Exit::Done)
}

fn read(path: &Path) -> anyhow::Result<SpansFile> {
    let file = SpansFile::read(path)?;
    file.torn().iter().for_each(|torn| output::note(&format!("warning: {torn}")));
    Ok(file)
}

fn list(context: &Context, file: &SpansFile, json: bool) -> anyhow::Result<Exit> {
    let jobs = file.jobs();
    if json {
        output::print_json(&jobs)?;
    } else {
        output::print(&list::text(&jobs, Style::of_stdout(&context.environment)))?;
    }
    Ok(Exit::Done)
}
