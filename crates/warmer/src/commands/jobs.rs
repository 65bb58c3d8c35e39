//! `warmer jobs list|show`: what is queued and running, and how attempts ended.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use anyhow::bail;
use serde_json::{Value, json};
use warmer_store::{Attempt, AttemptFilter, Job, JobFilter, JobId, JobState, Repository, Store};

use super::reading;
use crate::args::Jobs;
use crate::context::Context;
use crate::exit::Exit;
use crate::output::{self, plain};

/// Attempts that are listed, the latest first.
const ATTEMPTS: u32 = 20;

/// Runs the command.
pub(crate) async fn run(context: &Context, jobs: Jobs) -> anyhow::Result<Exit> {
    let store = reading::open(context).await?;
    let repositories = store.repositories().await?;
    let (jobs, attempts, json) = match jobs {
        Jobs::List { json } => (store.jobs(&JobFilter::default()).await?, latest(&*store, &repositories).await?, json),
        Jobs::Show { id, json } => {
            let job = store.job(JobId(id)).await?;
            let attempts = store.attempts(AttemptFilter::Job(JobId(id)), ATTEMPTS).await?;
            if job.is_none() && attempts.is_empty() {
                bail!("there is no job {id}, nor an attempt of it in the history");
            }
            (job.into_iter().collect(), attempts, json)
        }
    };
    if json {
        let jobs: Vec<_> = jobs.iter().map(machine_job).collect();
        let attempts: Vec<_> = attempts.iter().map(|attempt| machine_attempt(attempt, &repositories)).collect();
        output::print_json(&json!({ "jobs": jobs, "attempts": attempts }))?;
    } else {
        output::print(&text(&jobs, &attempts, &repositories))?;
    }
    Ok(Exit::Done)
}

/// The latest attempts of all repositories.
async fn latest(store: &dyn Store, repositories: &[Repository]) -> anyhow::Result<Vec<Attempt>> {
    let mut attempts = Vec::new();
    for repository in repositories {
        attempts.extend(store.attempts(AttemptFilter::Repository(repository.id), ATTEMPTS).await?);
    }
    attempts.sort_by_key(|attempt| std::cmp::Reverse(attempt.ended_at));
    attempts.truncate(ATTEMPTS as usize);
    Ok(attempts)
}

fn text(jobs: &[Job], attempts: &[Attempt], repositories: &[Repository]) -> String {
    let mut text = String::new();
    for job in jobs {
        let reference = job.reference.as_deref().unwrap_or("HEAD");
        let (id, when, remote) = (job.id.0, when(job), plain(&job.remote));
        let _ = writeln!(text, "job {id}  {when}  attempt {}  {remote} {reference}{}", job.attempt, marks(job));
        error(&mut text, job.last_error.as_deref());
    }
    if jobs.is_empty() {
        text.push_str("no job is queued or running\n");
    }
    if !attempts.is_empty() {
        text.push_str("\nattempts, the latest first:\n");
    }
    for attempt in attempts {
        let (outcome, ended) = (attempt.outcome, output::ago(attempt.ended_at));
        let took = output::duration(between(attempt.started_at, attempt.ended_at));
        let name = plain(remote(attempt, repositories)).into_owned();
        let (job, number) = (attempt.job.0, attempt.number);
        let _ = writeln!(text, "job {job}  attempt {number}  {outcome} {ended}, took {took}  {name}");
        error(&mut text, attempt.error.as_deref());
    }
    text
}

fn when(job: &Job) -> String {
    let now = SystemTime::now();
    match (job.state, job.claimed_at) {
        (JobState::Running, Some(claimed)) => format!("running for {}", output::duration(between(claimed, now))),
        (JobState::Running, None) => "running".to_owned(),
        (JobState::Queued, _) if job.run_at > now => {
            format!("queued, due in {}", output::duration(between(now, job.run_at)))
        }
        (JobState::Queued, _) => format!("queued, due for {}", output::duration(between(job.run_at, now))),
    }
}

fn marks(job: &Job) -> String {
    let marks = [(job.full, "full"), (job.heavy, "waits for a slot"), (job.suspect, "suspect: runs alone")];
    marks.into_iter().filter(|(set, _)| *set).map(|(_, mark)| format!("  [{mark}]")).collect()
}

fn error(text: &mut String, error: Option<&str>) {
    if let Some(error) = error {
        let _ = writeln!(text, "    {}", plain(error));
    }
}

fn between(from: SystemTime, to: SystemTime) -> Duration {
    to.duration_since(from).unwrap_or_default()
}

fn remote<'a>(attempt: &Attempt, repositories: &'a [Repository]) -> &'a str {
    let mine = |repository: &&Repository| repository.id == attempt.repository;
    repositories.iter().find(mine).map_or("a repository that was removed", |repository| &repository.remote)
}

fn machine_job(job: &Job) -> Value {
    json!({
        "id": job.id.0,
        "repository": job.remote,
        "ref": job.reference,
        "state": job.state.as_str(),
        "heavy": job.heavy,
        "full": job.full,
        "suspect": job.suspect,
        "rank": job.rank,
        "attempt": job.attempt,
        "crashes": job.crashes,
        "merged": job.merged,
        "run_at": output::timestamp(job.run_at),
        "enqueued_at": output::timestamp(job.enqueued_at),
        "claimed_at": reading::timestamp(job.claimed_at),
        "instance": job.instance.map(|instance| instance.0),
        "last_error": job.last_error,
    })
}

fn machine_attempt(attempt: &Attempt, repositories: &[Repository]) -> Value {
    json!({
        "job": attempt.job.0,
        "repository": remote(attempt, repositories),
        "attempt": attempt.number,
        "claim": attempt.claim.0,
        "outcome": attempt.outcome.as_str(),
        "error": attempt.error,
        "summary": attempt.summary,
        "commit": attempt.commit,
        "queued_at": output::timestamp(attempt.queued_at),
        "started_at": output::timestamp(attempt.started_at),
        "ended_at": output::timestamp(attempt.ended_at),
        "traceparent": attempt.traceparent,
    })
}
