//! `warmer trace JOB`: where the time of a job's attempts went, without a collector of traces.

mod text;

use warmer_query::Trace;
use warmer_store::JobId;

use super::reading::{self, ALL, failed};
use crate::args;
use crate::context::Context;
use crate::exit::Exit;
use crate::output::{self, Style};

/// Runs the command.
pub(crate) async fn run(context: &Context, asked: args::Trace) -> anyhow::Result<Exit> {
    let store = reading::open(context).await?;
    let trace = Trace::of(&*store, ALL, JobId(asked.job)).await.map_err(failed)?;
    if asked.json {
        output::print_json(&trace)?;
    } else {
        output::print(&text::text(&trace, Style::of_stdout(&context.environment)))?;
    }
    Ok(Exit::Done)
}
