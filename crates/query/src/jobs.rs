//! `Jobs`: what is queued and running, and how attempts ended.

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;
use warmer_store::{
    AttemptFilter, AttemptOutcome, HistoryFilter, JobFilter, JobId, JobKind, JobState, Lane, RepositoryId, Store,
};

use crate::error::QueryError;
use crate::freshness::{by_name, by_names};
use crate::generations;
use crate::moment::Moment;
use crate::scope::Scope;

/// Attempts that are listed where no limit is given.
const ATTEMPTS: u32 = 20;

/// Which jobs and attempts are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobsRequest {
    /// Only of these repositories.
    pub repositories: Option<Vec<RepositoryId>>,
    /// Only attempts that ended by an error or a crash, and jobs whose attempt before did.
    pub failed: bool,
    /// The checks that found nothing new, too.
    pub checks: bool,
    /// Only attempts that ended, and jobs that were queued, at most so long ago.
    pub since: Option<Duration>,
    /// At most so many of each; `None`: all jobs and the 20 latest attempts.
    pub limit: Option<u32>,
}

/// Jobs in the order in which they are taken, running ones first, and attempts, the latest first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Jobs {
    /// How attempts ended.
    pub attempts: Vec<Attempt>,
    /// Whether attempts that found nothing new are left out.
    pub checks_left_out: bool,
    /// What is queued and running.
    pub jobs: Vec<Job>,
}

/// A job that is queued or runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Job {
    /// Attempts that count.
    pub attempt: u32,
    /// Of the processes that died while they ran it, those that ran nothing else.
    pub child_deaths: u32,
    /// When it was claimed; `None` while it is queued.
    pub claimed_at: Option<Moment>,
    /// Processes that died while they ran it.
    pub crashes: u32,
    /// When it was first put in the queue.
    pub enqueued_at: Moment,
    /// Whether it checks everything again.
    pub full: bool,
    /// Of which generation a fill makes vectors, as `warmer generations list` calls it; `None`: it is a refresh.
    pub generation: Option<String>,
    /// Whether it is a refresh that needs a slot, or a fill in bulk.
    pub heavy: bool,
    /// Its number.
    pub id: i64,
    /// Who runs it; `None` while it is queued.
    pub instance: Option<Uuid>,
    /// What it is for.
    #[serde(serialize_with = "by_name")]
    pub kind: JobKind,
    /// What a fill works on; `None`: it is a refresh.
    #[serde(serialize_with = "by_names")]
    pub lane: Option<Lane>,
    /// Why the attempt before failed.
    pub last_error: Option<String>,
    /// Requests that were folded into it.
    pub merged: u32,
    /// The priority with its sign turned: lower is earlier.
    pub rank: i32,
    /// The ref that its repository follows; `None`: the remote's HEAD.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// Who leaves it to others.
    pub refusals: Vec<Refusal>,
    /// Its repository's remote.
    pub repository: String,
    /// Whether it goes first, because its instance died.
    pub rescued: bool,
    /// When it is or was to run.
    pub run_at: Moment,
    /// Of which artifacts a fill makes vectors, by the first byte of their keys; `None`: it is a refresh.
    pub shard: Option<Shard>,
    /// Queued or running.
    #[serde(serialize_with = "by_name")]
    pub state: JobState,
    /// Whether it runs in a process of its own.
    pub suspect: bool,
}

/// A range of the 256 buckets of artifacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Shard {
    /// The first.
    pub first: u8,
    /// The last.
    pub last: u8,
}

/// What an instance leaves to others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Since when.
    pub at: Moment,
    /// Who.
    pub instance: Uuid,
    /// What it lacks.
    pub reason: String,
}

/// An attempt that ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Attempt {
    /// Its number among those of its job.
    pub attempt: u32,
    /// Its fence.
    pub claim: Uuid,
    /// The commit that it published or confirmed.
    pub commit: Option<String>,
    /// When it ended.
    pub ended_at: Moment,
    /// Why it failed.
    pub error: Option<String>,
    /// Its job's number.
    pub job: i64,
    /// What that was for.
    #[serde(serialize_with = "by_name")]
    pub kind: JobKind,
    /// How it ended.
    #[serde(serialize_with = "by_name")]
    pub outcome: AttemptOutcome,
    /// When it was to run.
    pub queued_at: Moment,
    /// The ref that its repository follows; `None`: the remote's HEAD.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// Its repository's remote.
    pub repository: String,
    /// When it was claimed.
    pub started_at: Moment,
    /// What the pipeline has to say about it.
    pub summary: Option<serde_json::Value>,
    /// Its trace.
    pub traceparent: Option<String>,
}

impl Jobs {
    /// Those that are asked for.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(store: &dyn Store, scope: &Scope, request: &JobsRequest) -> Result<Self, QueryError> {
        let JobsRequest { failed, checks, since, limit, .. } = *request;
        let repositories = scope.among(request.repositories.as_deref());
        // What is left out here cannot be left out by the store.
        let most = if repositories.is_none() { limit.unwrap_or(0) } else { 0 };
        let mut jobs = store.jobs(&JobFilter { failed, since, limit: most, ..JobFilter::default() }).await?;
        jobs.retain(|job| repositories.as_ref().is_none_or(|some| some.contains(&job.repository)));
        jobs.truncate(limit.map_or(usize::MAX, |limit| limit as usize));
        let history = HistoryFilter { repositories, failed, changed: !checks, since };
        let attempts = store.history(&history, limit.unwrap_or(ATTEMPTS)).await?;
        // What failed is none of them.
        Self::of(store, jobs, attempts, !checks && !failed).await
    }

    /// One job and its latest attempts.
    ///
    /// # Errors
    /// When there is neither, or the store fails.
    pub async fn one(store: &dyn Store, scope: &Scope, id: JobId) -> Result<Self, QueryError> {
        let job = store.job(id).await?.filter(|job| scope.contains(job.repository));
        let mut attempts = store.attempts(AttemptFilter::Job(id), ATTEMPTS).await?;
        attempts.retain(|attempt| scope.contains(attempt.repository));
        if job.is_none() && attempts.is_empty() {
            return Err(Self::none(store, scope, id).await?);
        }
        Self::of(store, job.into_iter().collect(), attempts, false).await
    }

    /// Why nothing is known of a job. Numbers are given in order: one below another that is known was given, in this
    /// scope or elsewhere.
    pub(crate) async fn none(store: &dyn Store, scope: &Scope, id: JobId) -> Result<QueryError, QueryError> {
        let queue = store.jobs(&JobFilter::default()).await?;
        let queued = queue.iter().filter(|job| scope.contains(job.repository)).map(|job| job.id);
        let history = HistoryFilter { repositories: scope.among(None), ..HistoryFilter::default() };
        let ended = store.history(&history, ATTEMPTS).await?;
        let was_given = queued.chain(ended.iter().map(|attempt| attempt.job)).any(|other| other > id) && id > JobId(0);
        Ok(if was_given { QueryError::JobGone(id.0) } else { QueryError::NoJob(id.0) })
    }

    async fn of(
        store: &dyn Store,
        jobs: Vec<warmer_store::Job>,
        attempts: Vec<warmer_store::Attempt>,
        checks_left_out: bool,
    ) -> Result<Self, QueryError> {
        let mut refusals: HashMap<_, Vec<_>> = HashMap::new();
        if !jobs.is_empty() {
            for refusal in store.refusals(None).await? {
                refusals.entry(refusal.repository).or_default().push(Refusal::of(refusal));
            }
        }
        let jobs = jobs.into_iter().map(|job| {
            let refusals = refusals.get(&job.repository).cloned().unwrap_or_default();
            Job::of(job, refusals)
        });
        let attempts = attempts.into_iter().map(Attempt::of).collect();
        Ok(Self { attempts, checks_left_out, jobs: jobs.collect() })
    }
}

impl Job {
    fn of(job: warmer_store::Job, refusals: Vec<Refusal>) -> Self {
        Self {
            attempt: job.attempt,
            child_deaths: job.child_deaths,
            claimed_at: job.claimed_at.map(Moment),
            crashes: job.crashes,
            enqueued_at: Moment(job.enqueued_at),
            full: job.full,
            generation: job.generation.map(generations::id),
            heavy: job.heavy,
            id: job.id.0,
            instance: job.instance.map(|instance| instance.0),
            kind: job.kind,
            lane: job.lane,
            merged: job.merged,
            rank: job.rank,
            refusals,
            rescued: job.rescued,
            run_at: Moment(job.run_at),
            shard: job.shard.map(|shard| Shard { first: shard.first, last: shard.last }),
            state: job.state,
            suspect: job.runs_in_child(),
            last_error: job.last_error,
            reference: job.reference,
            repository: job.remote,
        }
    }
}

impl Refusal {
    fn of(refusal: warmer_store::Refusal) -> Self {
        Self { at: Moment(refusal.at), instance: refusal.instance.0, reason: refusal.reason }
    }
}

impl Attempt {
    fn of(attempt: warmer_store::Attempt) -> Self {
        Self {
            attempt: attempt.number,
            claim: attempt.claim.0,
            commit: attempt.commit,
            ended_at: Moment(attempt.ended_at),
            error: attempt.error,
            job: attempt.job.0,
            kind: attempt.kind,
            outcome: attempt.outcome,
            queued_at: Moment(attempt.queued_at),
            reference: attempt.reference,
            repository: attempt.remote,
            started_at: Moment(attempt.started_at),
            summary: attempt.summary,
            traceparent: attempt.traceparent,
        }
    }
}
