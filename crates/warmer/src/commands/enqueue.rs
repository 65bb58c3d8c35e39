//! `warmer enqueue`: a person wants a repository warmed now.

use warmer_store::{Enqueue, Enqueued, Repository, Role, Store};

use super::reading::{self, label};
use crate::args;
use crate::context::Context;
use crate::database;
use crate::exit::Exit;
use crate::output;

/// Runs the command.
pub(crate) async fn run(context: &Context, arguments: args::Enqueue) -> anyhow::Result<Exit> {
    let store = database::open_existing(context, Role::Writer).await?;
    let repository = reading::one(&*store, &arguments.repository, arguments.reference.as_deref()).await?;
    let rank = arguments.priority.map_or(repository.policy.rank, |priority| -priority);
    let sentence = now(&*store, &repository, rank, arguments.full).await?;
    let nobody = store.status().await?.instances.is_empty();
    store.close_at_exit().await;
    output::print(&sentence)?;
    if nobody {
        output::note("no instance is running: the job waits until a `warmer run` is started");
    }
    Ok(Exit::Done)
}

/// Puts a job in the queue that runs whatever the repository's state; the sentence about it.
pub(super) async fn now(store: &dyn Store, repository: &Repository, rank: i32, full: bool) -> anyhow::Result<String> {
    if full {
        store.try_failed_again(repository.id).await?;
    }
    let how = Enqueue { rank, full, force: true, ..Enqueue::default() };
    let Enqueued { job, merged } = store.enqueue(repository.id, how).await?;
    let what = if merged { "was queued already, and is due now" } else { "is queued" };
    Ok(format!("job {} {what}: {}\n", job.0, label(repository)))
}
