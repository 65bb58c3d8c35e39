//! `warmer reload --all`: has every running instance read its own configuration again. Nothing of a configuration goes
//! by way of the database: a number is raised there.

use warmer_store::Role;

use crate::context::Context;
use crate::database;
use crate::exit::Exit;
use crate::output::{self, counted};

/// Runs the command.
pub(crate) async fn run(context: &Context) -> anyhow::Result<Exit> {
    let store = database::open_existing(context, Role::Writer).await?;
    let number = store.ask_reload().await?;
    let daemons = store.status().await?.daemons;
    store.close_at_exit().await;
    let instances = counted(daemons, "instance");
    output::print(&format!(
        "reload {number} is asked for: {instances} read their own configuration within seconds, and tell in their logs \
         what has changed\n"
    ))?;
    if daemons == 0 {
        output::note("no instance is running: the next `warmer run` reads its configuration anyway");
    }
    Ok(Exit::Done)
}
