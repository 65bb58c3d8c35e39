//! `warmer jobs list|show|retry|cancel`: what is queued and running, how attempts ended, and what a person does about it.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use anyhow::{anyhow, bail};
use serde_json::{Value, json};
use warmer_store::{Attempt, AttemptFilter, Cancel, Job, JobFilter, JobId, JobState, Refusal, Repository, Role, Store};

use super::{enqueue, reading};
use crate::args::Jobs;
use crate::context::Context;
use crate::database;
use crate::exit::Exit;
use crate::output::{self, printable, printable_line};

/// Attempts that are listed, the latest first.
const ATTEMPTS: u32 = 20;

/// Runs the command.
pub(crate) async fn run(context: &Context, jobs: Jobs) -> anyhow::Result<Exit> {
    match jobs {
        Jobs::List { json } => tell(context, None, json).await,
        Jobs::Show { id, json } => tell(context, Some(JobId(id)), json).await,
        Jobs::Retry { what, reference } => retry(context, &what, reference.as_deref()).await,
        Jobs::Cancel { id } => cancel(context, JobId(id)).await,
    }
}

/// One job and its attempts, or all jobs and the latest attempts.
async fn tell(context: &Context, job: Option<JobId>, json: bool) -> anyhow::Result<Exit> {
    let store = reading::open(context).await?;
    let mut refusals = store.refusals(None).await?;
    let (jobs, attempts) = match job {
        None => (store.jobs(&JobFilter::default()).await?, store.attempts(AttemptFilter::All, ATTEMPTS).await?),
        Some(id) => {
            let job = store.job(id).await?;
            let attempts = store.attempts(AttemptFilter::Job(id), ATTEMPTS).await?;
            if job.is_none() && attempts.is_empty() {
                return Err(unknown(id));
            }
            (job.into_iter().collect(), attempts)
        }
    };
    refusals.retain(|refusal| jobs.iter().any(|job| job.repository == refusal.repository));
    if json {
        let jobs: Vec<_> = jobs.iter().map(|job| machine_job(job, &refusals)).collect();
        let attempts: Vec<_> = attempts.iter().map(machine_attempt).collect();
        output::print_json(&json!({ "jobs": jobs, "attempts": attempts }))?;
    } else {
        output::print(&text(&jobs, &refusals, &attempts))?;
    }
    Ok(Exit::Done)
}

fn unknown(job: JobId) -> anyhow::Error {
    anyhow!("there is no job {}, nor an attempt of it in the history", job.0)
}

/// Puts a job in the queue that is due now, for the repository of a job or for the one that is named.
async fn retry(context: &Context, what: &str, reference: Option<&str>) -> anyhow::Result<Exit> {
    let store = database::open_existing(context, Role::Writer).await?;
    let repository = match what.parse() {
        Ok(number) => of_job(&*store, JobId(number)).await?,
        Err(_) => reading::one(&*store, what, reference).await?,
    };
    let sentence = enqueue::now(&*store, &repository, repository.policy.rank, false).await?;
    store.close().await;
    output::print(&sentence)?;
    Ok(Exit::Done)
}

/// The repository of a job, finished ones too.
async fn of_job(store: &dyn Store, id: JobId) -> anyhow::Result<Repository> {
    let repository = match store.job(id).await? {
        Some(job) => Some(job.repository),
        None => store.attempts(AttemptFilter::Job(id), 1).await?.first().map(|attempt| attempt.repository),
    };
    let repository = repository.ok_or_else(|| unknown(id))?;
    store.repository(repository).await?.ok_or_else(|| anyhow!("the repository of job {} is no longer followed", id.0))
}

async fn cancel(context: &Context, id: JobId) -> anyhow::Result<Exit> {
    let store = database::open_existing(context, Role::Writer).await?;
    let cancelled = store.cancel(id).await?;
    store.close().await;
    match cancelled {
        Cancel::Removed => output::print(&format!("job {} is taken out of the queue\n", id.0))?,
        Cancel::Asked => output::print(&format!("job {} is running, and is told to end\n", id.0))?,
        Cancel::Unknown => bail!("there is no job {} that is queued or running", id.0),
    }
    Ok(Exit::Done)
}

fn text(jobs: &[Job], refusals: &[Refusal], attempts: &[Attempt]) -> String {
    let mut text = String::new();
    for job in jobs {
        let (id, when, name) = (job.id.0, when(job), name(&job.remote, job.reference.as_deref()));
        let _ = writeln!(text, "job {id}  {when}  attempt {}  {name}{}", job.attempt, marks(job));
        error(&mut text, "the attempt before: ", job.last_error.as_deref());
        for refusal in of(job, refusals) {
            let of = format!("refused by instance {} {}: ", refusal.instance.0, output::ago(refusal.at));
            error(&mut text, &of, Some(&refusal.reason));
        }
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
        let name = name(&attempt.remote, attempt.reference.as_deref());
        let (job, number) = (attempt.job.0, attempt.number);
        let _ = writeln!(text, "job {job}  attempt {number}  {outcome} {ended}, took {took}  {name}");
        error(&mut text, "", attempt.error.as_deref());
    }
    text
}

fn name(remote: &str, reference: Option<&str>) -> String {
    format!("{} {}", printable(remote), printable(reference.unwrap_or("HEAD")))
}

/// Who leaves this job to others.
fn of<'a>(job: &Job, refusals: &'a [Refusal]) -> impl Iterator<Item = &'a Refusal> {
    let repository = job.repository;
    refusals.iter().filter(move |refusal| refusal.repository == repository)
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

/// A job keeps what it is: only one that could be taken now waits for a slot.
fn marks(job: &Job) -> String {
    let waits = job.heavy && job.state == JobState::Queued && job.run_at <= SystemTime::now();
    let marks = [
        (job.full, "full"),
        (waits, "waits for a slot"),
        (job.rescued, "first: its instance died"),
        (job.runs_in_child(), "runs in a process of its own"),
    ];
    marks.into_iter().filter(|(set, _)| *set).map(|(_, mark)| format!("  [{mark}]")).collect()
}

fn error(text: &mut String, of: &str, error: Option<&str>) {
    if let Some(error) = error {
        let _ = writeln!(text, "    {of}{}", printable_line(error));
    }
}

fn between(from: SystemTime, to: SystemTime) -> Duration {
    to.duration_since(from).unwrap_or_default()
}

fn machine_job(job: &Job, refusals: &[Refusal]) -> Value {
    let refusal = |refusal: &Refusal| {
        json!({
            "instance": refusal.instance.0,
            "reason": refusal.reason,
            "at": output::timestamp(refusal.at),
        })
    };
    json!({
        "id": job.id.0,
        "repository": job.remote,
        "ref": job.reference,
        "state": job.state.as_str(),
        "heavy": job.heavy,
        "full": job.full,
        "suspect": job.runs_in_child(),
        "rescued": job.rescued,
        "rank": job.rank,
        "attempt": job.attempt,
        "crashes": job.crashes,
        "child_deaths": job.child_deaths,
        "merged": job.merged,
        "run_at": output::timestamp(job.run_at),
        "enqueued_at": output::timestamp(job.enqueued_at),
        "claimed_at": reading::timestamp(job.claimed_at),
        "instance": job.instance.map(|instance| instance.0),
        "last_error": job.last_error,
        "refusals": of(job, refusals).map(refusal).collect::<Vec<_>>(),
    })
}

fn machine_attempt(attempt: &Attempt) -> Value {
    json!({
        "job": attempt.job.0,
        "repository": attempt.remote,
        "ref": attempt.reference,
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

#[cfg(test)]
mod tests {
    use warmer_store::RepositoryId;

    use super::*;

    fn job(state: JobState, run_at: SystemTime) -> Job {
        Job {
            id: JobId(1),
            repository: RepositoryId(1),
            remote: "https://h/app".to_owned(),
            reference: Some("a\u{1b}[31m\u{61c}b".to_owned()),
            state,
            heavy: true,
            full: false,
            rescued: false,
            rank: 0,
            attempt: 1,
            crashes: 0,
            child_deaths: 0,
            merged: 0,
            run_at,
            enqueued_at: run_at,
            claimed_at: None,
            instance: None,
            claim: None,
            last_error: None,
        }
    }

    #[test]
    fn only_a_job_that_could_be_taken_now_waits_for_a_slot() {
        let (now, later) = (SystemTime::now(), SystemTime::now() + Duration::from_secs(60));
        assert_eq!(marks(&job(JobState::Queued, now)), "  [waits for a slot]");
        assert_eq!(marks(&job(JobState::Queued, later)), "", "it waits for its time");
        assert_eq!(marks(&job(JobState::Running, now)), "", "it has one");
    }

    #[test]
    fn what_a_remote_named_is_listed_escaped() {
        let text = text(&[job(JobState::Running, SystemTime::now())], &[], &[]);
        assert!(text.contains("https://h/app a\\u{1b}[31m\\u{61c}b"), "{text}");
    }
}
