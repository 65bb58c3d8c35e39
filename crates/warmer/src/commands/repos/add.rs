//! `warmer repos add`: follows a repository, or those of a list, or follows them otherwise.

use std::collections::HashSet;
use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context as _, bail};
use warmer_content::bad_globs;
use warmer_git::Remote;
use warmer_store::{Policy, RepositoryId, Role, Store};
use warmer_supervision::{Outcome, blocking};

use super::lines::{self, Line};
use crate::args::Add;
use crate::commands::reading::label;
use crate::context::Context;
use crate::exit::Exit;
use crate::{assemble, database, output};

/// How long a person waits for a remote to answer.
const CHECK_MAX: Duration = Duration::from_secs(30);

/// The most of a list, in bytes: some 200,000 repositories.
const LIST_BYTES_MAX: u64 = 16 << 20;

/// The most bad lines that are told at once: somebody reads them.
const TOLD_MOST: usize = 100;

/// Runs the command.
pub(super) async fn run(context: &Context, add: Add) -> anyhow::Result<Exit> {
    if let Some(message) = bad_globs("include", &add.include).or_else(|| bad_globs("exclude", &add.exclude)) {
        bail!(message);
    }
    let wanted = wanted(&add)?;
    for Line { remote, .. } in &wanted {
        // Who follows it from here need not be who fetches it.
        if let Err(message) = context.config.git.allows(remote) {
            tracing::warn!("{message}; an instance with the same configuration will not fetch it");
        }
        if remote.is_local() && context.config.database.is_shared() {
            tracing::warn!("{remote} is a path of this machine: instances on others will not find it there");
        }
    }
    if add.check {
        check(context, &wanted).await?;
    }
    let store = database::open(context, Role::Writer).await?;
    let before: HashSet<_> = store.repositories().await?.into_iter().map(|row| row.id).collect();
    for line in &wanted {
        let sentence = follow(&*store, line, &add, &before).await?;
        output::print(&format!("{sentence}\n"))?;
    }
    store.close_at_exit().await;
    Ok(Exit::Done)
}

/// What is to be followed: the argument, or the list on stdin.
fn wanted(add: &Add) -> anyhow::Result<Vec<Line>> {
    let here = std::env::current_dir().context("the current directory cannot be read: go to one that is there")?;
    if add.repository != "-" {
        let remote = Remote::parse(&add.repository, &here)?;
        return Ok(vec![Line { number: None, remote, reference: add.reference.clone() }]);
    }
    if add.reference.is_some() {
        bail!("--ref is for one repository: in a list a ref stands behind its URL");
    }
    let mut list = String::new();
    let read = std::io::stdin().take(LIST_BYTES_MAX + 1).read_to_string(&mut list);
    read.context("the list on stdin cannot be read")?;
    if list.len() as u64 > LIST_BYTES_MAX {
        bail!("the list on stdin is larger than {} MiB: add it in parts", LIST_BYTES_MAX >> 20);
    }
    let wanted = lines::read(&list, &here).map_err(|wrong| nothing_added(&wrong))?;
    if wanted.is_empty() {
        bail!("the list on stdin names no repository: expected one URL or path a line");
    }
    Ok(wanted)
}

/// A list is taken whole or not at all: who mends a line gives all of it again.
fn nothing_added(wrong: &[String]) -> anyhow::Error {
    let mut text: String = wrong.iter().take(TOLD_MOST).map(|one| format!("\n  {one}")).collect();
    if wrong.len() > TOLD_MOST {
        text.push_str("\n  and more, which are told once these are mended");
    }
    anyhow::anyhow!("nothing was added:{text}")
}

/// Asks each remote for its ref, as a check does.
///
/// # Errors
/// Why which of them do not answer, or have no such ref.
async fn check(context: &Context, wanted: &[Line]) -> anyhow::Result<()> {
    let mut wrong = Vec::new();
    for Line { number, remote, reference } in wanted {
        match (answers(context, remote, reference.as_deref()).await, number) {
            (Ok(()), _) => {}
            (Err(error), None) => return Err(error),
            (Err(error), Some(number)) => wrong.push(format!("line {number}: {error}")),
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(nothing_added(&wrong)) }
}

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

/// Says what was done.
async fn follow(
    store: &dyn Store,
    Line { remote, reference, .. }: &Line,
    add: &Add,
    before: &HashSet<RepositoryId>,
) -> anyhow::Result<String> {
    let row = store.add_repository_at(remote.url(), &remote.location().to_string(), reference.as_deref()).await?;
    if row.remote != remote.url() {
        store.set_remote(row.id, remote.url()).await?;
    }
    let configured = row.policy.configured;
    let policy = Policy {
        refresh: add.refresh.of_policy(),
        staleness_budget: add.staleness_budget,
        rank: -add.priority,
        include: add.include.clone(),
        exclude: add.exclude.clone(),
        configured,
    };
    store.set_policy(row.id, &policy).await?;
    let (name, refresh) = (label(&row), &add.refresh);
    let respelled = if row.remote == remote.url() {
        String::new()
    } else {
        format!("; it is the same repository as {remote}, by which it is fetched from now on")
    };
    Ok(match (before.contains(&row.id), configured) {
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
