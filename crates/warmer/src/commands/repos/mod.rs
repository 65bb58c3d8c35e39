//! `warmer repos list|add|remove|pause|resume`: which repositories are followed, and how.

mod list;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context as _, bail};
use warmer_content::bad_globs;
use warmer_git::Remote;
use warmer_store::{Policy, Repository, RepositoryState, Role, Store};
use warmer_supervision::{Outcome, blocking};

use super::reading::{self, label};
use crate::args::{Add, Named, Repos};
use crate::context::Context;
use crate::exit::Exit;
use crate::output;
use crate::{assemble, database};

/// How long a person waits for a remote to answer.
const CHECK_MAX: Duration = Duration::from_secs(30);

/// Runs the command.
pub(crate) async fn run(context: &Context, repos: Repos) -> anyhow::Result<Exit> {
    match repos {
        Repos::List(list) => list::run(context, list).await,
        Repos::Add(add) => follow(context, add).await,
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
    store.close().await;
    output::print(&format!("{sentence}\n"))?;
    Ok(Exit::Done)
}

/// Follows a repository, or follows it otherwise.
async fn follow(context: &Context, add: Add) -> anyhow::Result<Exit> {
    if let Some(message) = bad_globs("include", &add.include).or_else(|| bad_globs("exclude", &add.exclude)) {
        bail!(message);
    }
    let here = std::env::current_dir().context("the current directory cannot be read")?;
    let remote = Remote::parse(&add.repository, &here)?;
    // Who follows it from here need not be who fetches it.
    if let Err(message) = context.config.git.allows(&remote) {
        tracing::warn!("{message}; an instance with the same configuration will not fetch it");
    }
    if add.check {
        answers(context, &remote, add.reference.as_deref()).await?;
    }
    if remote.is_local() && context.config.database.is_shared() {
        tracing::warn!("{remote} is a path of this machine: instances on others will not find it there");
    }
    let store = database::open(context, Role::Writer).await?;
    let sentence = added(&*store, &remote, add).await?;
    end(&*store, &sentence).await
}

/// Asks the remote for the ref, as a check does.
///
/// # Errors
/// Why it does not answer, or has no such ref.
async fn answers(context: &Context, remote: &Remote, reference: Option<&str>) -> anyhow::Result<()> {
    let mirrors = assemble::mirrors(context)?;
    let (asked, named) = (remote.clone(), reference.map(str::to_owned));
    let ask = move |stop: &AtomicBool| mirrors.tip(&asked, named.as_deref(), stop);
    match blocking(CHECK_MAX, Arc::default(), ask).await {
        Outcome::Done(tip) => drop(tip?),
        Outcome::Stopped(_) | Outcome::Late => {
            bail!("{remote} did not answer within {}: is it reached from here?", output::duration(CHECK_MAX))
        }
        Outcome::Panicked(why) => bail!("{remote} could not be asked: {why}"),
    }
    Ok(())
}

async fn added(store: &dyn Store, remote: &Remote, add: Add) -> anyhow::Result<String> {
    let known = reading::at_location(store, remote, None).await?;
    let row = store.add_repository_at(remote.url(), &remote.location().to_string(), add.reference.as_deref()).await?;
    if row.remote != remote.url() {
        store.set_remote(row.id, remote.url()).await?;
    }
    let configured = row.policy.configured;
    let policy = Policy {
        refresh: add.refresh.interval(),
        rank: -add.priority,
        include: add.include,
        exclude: add.exclude,
        configured,
    };
    store.set_policy(row.id, &policy).await?;
    let (name, refresh) = (label(&row), add.refresh);
    let respelled = if row.remote == remote.url() {
        String::new()
    } else {
        format!("; it is the same repository as {remote}, by which it is fetched from now on")
    };
    Ok(match (known.iter().any(|known| known.id == row.id), configured) {
        (false, _) => format!("{name} is followed, refresh {refresh}"),
        (true, false) => format!("{name} was followed already; now refresh {refresh}{respelled}"),
        (true, true) => {
            format!(
                "{name} is followed with refresh {refresh}, until the next start: the configuration names it \
                too{respelled}"
            )
        }
    })
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
