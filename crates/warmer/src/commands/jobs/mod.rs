//! `warmer jobs list|show|retry|cancel`: what is queued and running, how attempts ended, and what a person does about
//! it.

mod text;

use std::time::Duration;

use anyhow::{anyhow, bail};
use warmer_query::{JobsRequest, QueryError};
use warmer_store::{AttemptFilter, Cancel, JobId, Repository, Role, Store};

use super::{enqueue, reading};
use crate::args::{Jobs, JobsList};
use crate::commands::reading::{ALL, failed};
use crate::context::Context;
use crate::database;
use crate::exit::Exit;
use crate::output::{self, Style};

/// Runs the command.
pub(crate) async fn run(context: &Context, jobs: Jobs) -> anyhow::Result<Exit> {
    match jobs {
        Jobs::List(list) => {
            let store = reading::open(context).await?;
            let request = request(&*store, &list).await?;
            let jobs = warmer_query::Jobs::list(&*store, ALL, &request).await.map_err(failed)?;
            // Nothing older is kept.
            let looked_at = list.since.unwrap_or(context.config.gc.history);
            print(context, &jobs, list.failed.then_some(looked_at), list.json)
        }
        Jobs::Show { id, json } => {
            let store = reading::open(context).await?;
            let jobs = warmer_query::Jobs::one(&*store, ALL, JobId(id)).await.map_err(failed)?;
            print(context, &jobs, None, json)
        }
        Jobs::Retry { what, reference } => retry(context, &what, reference.as_deref()).await,
        Jobs::Cancel { id } => cancel(context, JobId(id)).await,
    }
}

async fn request(store: &dyn Store, list: &JobsList) -> anyhow::Result<JobsRequest> {
    let repositories = match &list.repo {
        Some(text) => {
            let found = reading::named(store, text, None).await?;
            Some(found.into_iter().map(|repository| repository.id).collect())
        }
        None => None,
    };
    let &JobsList { failed, all, since, limit, .. } = list;
    Ok(JobsRequest { repositories, failed, checks: all, since, limit })
}

/// `failed`: only what failed was looked for, within so long.
fn print(context: &Context, jobs: &warmer_query::Jobs, failed: Option<Duration>, json: bool) -> anyhow::Result<Exit> {
    if json {
        output::print_json(jobs)?;
    } else {
        output::print(&text::text(jobs, failed, Style::of_stdout(&context.environment)))?;
    }
    Ok(Exit::Done)
}

/// Puts a job in the queue that is due now, for the repository of a job or for the one that is named.
async fn retry(context: &Context, what: &str, reference: Option<&str>) -> anyhow::Result<Exit> {
    let store = database::open_existing(context, Role::Writer).await?;
    let repository = match what.parse() {
        Ok(number) => of_job(&*store, JobId(number)).await?,
        Err(_) => reading::one(&*store, what, reference).await?,
    };
    let sentence = enqueue::now(&*store, &repository, repository.policy.rank, false).await?;
    store.close_at_exit().await;
    output::print(&sentence)?;
    Ok(Exit::Done)
}

/// The repository of a job, finished ones too.
async fn of_job(store: &dyn Store, id: JobId) -> anyhow::Result<Repository> {
    let repository = match store.job(id).await? {
        Some(job) => Some(job.repository),
        None => store.attempts(AttemptFilter::Job(id), 1).await?.first().map(|attempt| attempt.repository),
    };
    let repository = repository.ok_or(QueryError::NoJob(id.0))?;
    store.repository(repository).await?.ok_or_else(|| anyhow!("the repository of job {} is no longer followed", id.0))
}

async fn cancel(context: &Context, id: JobId) -> anyhow::Result<Exit> {
    let store = database::open_existing(context, Role::Writer).await?;
    let cancelled = store.cancel(id).await?;
    store.close_at_exit().await;
    match cancelled {
        Cancel::Removed => output::print(&format!("removed job {} from the queue\n", id.0))?,
        Cancel::Asked => output::print(&format!("cancelling job {}\n", id.0))?,
        Cancel::Unknown => bail!("there is no job {} that is queued or running", id.0),
    }
    Ok(Exit::Done)
}
