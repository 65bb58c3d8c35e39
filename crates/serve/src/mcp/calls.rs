//! A call of a tool: its arguments, the repositories that it is about, its answer.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde_json::{Map, Value};
use warmer_supervision::{Outcome, blocking};

use super::arguments::{self, ReadArguments, RepositoriesArguments, SearchArguments};
use super::asked::Asked;
use super::cache::{Cache, Opened};
use super::chosen::{Chosen, Here, named, of_directory};
use super::known::{Known, known};
use super::refused::Refused;
use super::{listing, read, search};

/// How long the look at paths of this machine may take: each part of it has a shorter bound of its own.
const LOOK_MAX: Duration = Duration::from_secs(8);

/// Answers a call; `None` where there is no such tool.
pub(super) async fn call(
    opened: &Opened,
    tool: &str,
    given: Option<Map<String, Value>>,
) -> Option<Result<String, Refused>> {
    Some(match tool {
        "search" => search(opened, given).await,
        "read" => read(opened, given).await,
        "repositories" => repositories(opened, given).await,
        _ => return None,
    })
}

async fn search(opened: &Opened, given: Option<Map<String, Value>>) -> Result<String, Refused> {
    let arguments: SearchArguments = arguments::read("search", given)?;
    let (cache, store) = (&opened.cache, opened.store().await?);
    let all = known(&*store, &cache.scope).await?;
    let chosen = choose(cache, all, arguments.repositories.clone()).await?;
    search::search(cache, &*store, arguments, chosen).await
}

async fn read(opened: &Opened, given: Option<Map<String, Value>>) -> Result<String, Refused> {
    let arguments: ReadArguments = arguments::read("read", given)?;
    let (cache, store) = (&opened.cache, opened.store().await?);
    let all = known(&*store, &cache.scope).await?;
    let asked = Asked::of(arguments, &all)?;
    let chosen = choose(cache, all, asked.repository.iter().cloned().collect()).await?;
    read::read(&*store, &cache.scope, asked, chosen).await
}

async fn repositories(opened: &Opened, given: Option<Map<String, Value>>) -> Result<String, Refused> {
    let arguments: RepositoriesArguments = arguments::read("repositories", given)?;
    let store = opened.store().await?;
    listing::list(&*store, arguments, &known(&*store, &opened.cache.scope).await?).await
}

/// Those that are named, else the one of the working directory.
async fn choose(cache: &Cache, all: Vec<Known>, names: Vec<String>) -> Result<Chosen, Refused> {
    let directory = cache.directory.clone();
    let look = move |_: &AtomicBool| match names.is_empty() {
        true => of_directory(&all, Here::look(&directory)),
        false => named(&all, &names, &directory),
    };
    match blocking(LOOK_MAX, Arc::new(AtomicBool::new(false)), look).await {
        Outcome::Done(chosen) | Outcome::Stopped(chosen) => chosen,
        Outcome::Panicked(text) => Err(Refused::new(format!("the working directory could not be looked at: {text}"))),
        Outcome::Late => Err(Refused::new(
            "the file system of the working directory does not answer: name the repositories that are meant",
        )),
    }
}
