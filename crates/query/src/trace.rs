//! `Trace`: where the time of a job's attempts went, stage by stage.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use warmer_store::{AttemptFilter, AttemptOutcome, JobId, JobKind, Reported, Store};

use crate::error::QueryError;
use crate::freshness::by_name;
use crate::jobs::Jobs;
use crate::moment::Moment;
use crate::scope::Scope;

/// Attempts that are shown, the latest ones.
pub(crate) const ATTEMPTS: u32 = 20;

/// The stages in the order of the data.
pub(crate) const STAGES: [&str; 5] = ["fetcher", "hasher", "filler", "embedder", "storer"];

/// The attempts of a job, in the order in which they were made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trace {
    /// What was done, and ended.
    pub attempts: Vec<TracedAttempt>,
    /// The job's number.
    pub job: i64,
    /// What it is for.
    #[serde(serialize_with = "by_name")]
    pub kind: JobKind,
    /// The ref that its repository follows; `None`: the remote's HEAD.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// Its repository's remote.
    pub repository: String,
    /// The attempt that goes on; `None`: there is none, or its instance has not told of it yet.
    pub running: Option<RunningAttempt>,
}

/// An attempt that goes on, as its instance told last.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunningAttempt {
    /// How old all this is.
    pub age_seconds: f64,
    /// Files or texts that are known so far.
    pub all: u64,
    /// Files or texts that are done.
    pub done: u64,
    /// From its claim to when that was told.
    pub seconds: f64,
    /// Each stage that had something to do, in the order of the data.
    pub stages: Vec<TracedStage>,
}

/// One attempt. Times are in seconds since its claim.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TracedAttempt {
    /// Its number among those of its job.
    pub attempt: u32,
    /// When it ended.
    pub ended_at: Moment,
    /// Why it failed.
    pub error: Option<String>,
    /// How it ended.
    #[serde(serialize_with = "by_name")]
    pub outcome: AttemptOutcome,
    /// From when it was first to run to its claim.
    pub queued_seconds: f64,
    /// From its claim to its end.
    pub seconds: f64,
    /// Of `queued_seconds`, from when it was first put off for want of a slot; `None`: it was not.
    pub slot_wait_seconds: Option<f64>,
    /// The files that took longest to be cut.
    pub slow_files: Vec<TracedFile>,
    /// The batches that took longest, in any stage.
    pub slowest: Vec<TracedStage>,
    /// Each stage that had something to do, in the order of the data.
    pub stages: Vec<TracedStage>,
    /// When it was claimed.
    pub started_at: Moment,
    /// Of an attempt whose process died: from its claim to when that told of its stages last; `None`: they are told of
    /// to the end.
    pub told_seconds: Option<f64>,
    /// Its trace.
    pub traceparent: Option<String>,
}

/// What a stage did for an attempt, in all or with one batch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TracedStage {
    /// How many there were.
    pub batches: u64,
    /// Of the files or texts.
    pub bytes: u64,
    /// The first batch arrived.
    pub first_seconds: f64,
    /// Files or texts.
    pub items: u64,
    /// The last batch was handed on.
    pub last_seconds: f64,
    /// Its name.
    pub stage: String,
    /// That were embedded.
    pub tokens: u64,
    /// Seconds that were waited, by what for; of several batches at once each counts.
    pub waits: BTreeMap<String, f64>,
    /// Summed over its workers.
    pub work_seconds: f64,
}

/// A file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TracedFile {
    /// Within the repository.
    pub path: String,
    /// To be cut into chunks.
    pub seconds: f64,
}

impl Trace {
    /// Of one job.
    ///
    /// # Errors
    /// When nothing is known of it, or the store fails.
    pub async fn of(store: &dyn Store, scope: &Scope, id: JobId) -> Result<Self, QueryError> {
        let job = store.job(id).await?.filter(|job| scope.contains(job.repository));
        let mut attempts = store.attempts(AttemptFilter::Job(id), ATTEMPTS).await?;
        attempts.retain(|attempt| scope.contains(attempt.repository));
        attempts.reverse();
        let (repository, reference, kind) = match (attempts.last(), job) {
            (Some(last), _) => (last.remote.clone(), last.reference.clone(), last.kind),
            (None, Some(job)) => (job.remote, job.reference, job.kind),
            (None, None) => return Err(Jobs::none(store, scope, id).await?),
        };
        let attempts = attempts.into_iter().map(TracedAttempt::of).collect();
        let running = match *scope {
            Scope::All => store.reports().await?.iter().find_map(|reported| RunningAttempt::of(reported, id)),
            _ => None,
        };
        Ok(Self { attempts, job: id.0, kind, reference, repository, running })
    }
}

impl RunningAttempt {
    fn of(reported: &Reported, id: JobId) -> Option<Self> {
        let job = reported.figures.jobs.iter().find(|job| job.job == id.0)?;
        Some(Self {
            age_seconds: reported.age.as_secs_f64(),
            all: job.all,
            done: job.done,
            seconds: job.seconds,
            stages: stages(job.stages.clone()),
        })
    }
}

/// In the order of the data.
fn stages(by_name: serde_json::Value) -> Vec<TracedStage> {
    let mut by_name: BTreeMap<String, TracedStage> = serde_json::from_value(by_name).unwrap_or_default();
    let named = |name: &str| Some(TracedStage { stage: name.to_owned(), ..by_name.remove(name)? });
    STAGES.into_iter().filter_map(named).collect()
}

impl TracedAttempt {
    fn of(attempt: warmer_store::Attempt) -> Self {
        let between = |from: std::time::SystemTime, to: std::time::SystemTime| {
            to.duration_since(from).unwrap_or_default().as_secs_f64()
        };
        let mut summary = attempt.summary.unwrap_or_default();
        let mut take = |key: &str| summary.get_mut(key).map(serde_json::Value::take).unwrap_or_default();
        Self {
            attempt: attempt.number,
            ended_at: Moment(attempt.ended_at),
            error: attempt.error,
            outcome: attempt.outcome,
            queued_seconds: between(attempt.queued_at, attempt.started_at),
            seconds: between(attempt.started_at, attempt.ended_at),
            slot_wait_seconds: take("slot_wait_seconds").as_f64(),
            slow_files: serde_json::from_value(take("slow_files")).unwrap_or_default(),
            slowest: serde_json::from_value(take("slowest")).unwrap_or_default(),
            stages: stages(take("stages")),
            started_at: Moment(attempt.started_at),
            told_seconds: take("told_seconds").as_f64(),
            traceparent: attempt.traceparent,
        }
    }
}
