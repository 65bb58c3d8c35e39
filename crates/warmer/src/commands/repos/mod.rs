//! `warmer repos list|add|remove|pause|resume`: which repositories are followed, and how.

mod add;
mod lines;
mod list;

use warmer_store::{Repository, RepositoryState, Role, Store};

use super::reading::{self, label};
use crate::args::{Named, Repos};
use crate::context::Context;
use crate::database;
use crate::exit::Exit;
use crate::output;

/// Runs the command.
pub(crate) async fn run(context: &Context, repos: Repos) -> anyhow::Result<Exit> {
    match repos {
        Repos::List(list) => list::run(context, list).await,
        Repos::Add(add) => add::run(context, add).await,
        Repos::Remove(named) => change(context, &named, Change::Remove).await,
        Repos::Pause(named) => change(context, &named, Change::Pause).await,
        Repos::Resume(named) => change(context, &named, Change::Resume).await,
    }
}

/// What is done with a repository that is followed already.
#[derive(Clone, Copy)]
enum Change {
    Remove,
    Pause,
    Resume,
}

/// Says what was done.
async fn end(store: &dyn Store, sentence: &str) -> anyhow::Result<Exit> {
    store.close_at_exit().await;
    output::print(&format!("{sentence}\n"))?;
    Ok(Exit::Done)
}

async fn change(context: &Context, named: &Named, change: Change) -> anyhow::Result<Exit> {
    let store = database::open_existing(context, Role::Writer).await?;
    let repository = reading::one(&*store, &named.repository, named.reference.as_deref()).await?;
    let sentence = changed(&*store, &repository, change).await?;
    end(&*store, &sentence).await
}

async fn changed(store: &dyn Store, repository: &Repository, change: Change) -> anyhow::Result<String> {
    let name = label(repository);
    Ok(match change {
        Change::Remove => {
            store.remove_repository(repository.id).await?;
            let back = if repository.policy.configured {
                "; a configuration named it: where one still does, it comes back at the next start of `warmer run`"
            } else {
                ""
            };
            format!("{name} is no longer followed{back}")
        }
        Change::Pause => {
            store.set_state(repository.id, RepositoryState::Paused).await?;
            format!("{name} is paused: what is cached is served on")
        }
        Change::Resume => {
            store.set_state(repository.id, RepositoryState::Active).await?;
            format!("{name} is warmed again when it is due")
        }
    })
}
