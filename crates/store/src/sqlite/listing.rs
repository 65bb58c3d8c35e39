//! What `jobs` and `status` show.

use std::time::Duration;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::Sqlite;
use super::fault::{Fault, odd};
use super::rows;
use crate::job::{Attempt, AttemptFilter, AttemptOutcome, ClaimId, InstanceId, Job, JobFilter, JobId, JobState};
use crate::queue::Status;
use crate::repository::RepositoryId;

const JOBS: &str = "
    SELECT job.*, repository.remote, repository.reference
    FROM job JOIN repository ON repository.id = job.repository
    WHERE (?1 IS NULL OR job.id = ?1) AND (?2 IS NULL OR job.state = ?2) AND (?3 IS NULL OR job.repository = ?3)
    ORDER BY job.state = 'queued', job.suspect DESC, job.due, job.id LIMIT ?4";

const ATTEMPTS: &str = "
    SELECT * FROM attempt WHERE (?1 IS NULL OR job = ?1) AND (?2 IS NULL OR repository = ?2)
    ORDER BY id DESC LIMIT ?3";

/// `due` leaves out what no instance would take: queued jobs of repositories that are not active, unless forced.
/// An instance that gave no sign of life for 30 s is not counted; its heartbeat comes every second.
const STATUS: &str = "
    WITH due AS (
        SELECT now - job.run_at AS age FROM job JOIN repository ON repository.id = job.repository, clock
        WHERE job.state = 'queued' AND job.run_at <= now AND (repository.state = 'active' OR job.forced)),
    alive AS (SELECT capacity FROM instance, clock WHERE state = 'alive' AND seen_at > now - 30000000),
    recent AS (SELECT outcome FROM attempt, clock WHERE ended_at > now - 300000000)
    SELECT
        (SELECT count(*) FROM due) AS queue_depth,
        (SELECT max(age) FROM due) AS oldest,
        (SELECT count(*) FROM alive) AS active_workers,
        (SELECT coalesce(sum(capacity), 0) FROM alive) AS capacity,
        (SELECT CAST(value AS INTEGER) FROM setting WHERE name = 'slots') AS slots,
        (SELECT count(*) FROM recent WHERE outcome IN ('warmed', 'fresh')) AS completed,
        (SELECT count(*) FROM recent WHERE outcome IN ('retry', 'dead', 'lost', 'crashed')) AS failed,
        (SELECT count(*) FROM job WHERE state = 'running') AS running,
        (SELECT count(*) FROM job, clock WHERE state = 'queued' AND run_at > now) AS delayed,
        (SELECT count(*) FROM repository) AS repositories,
        (SELECT count(*) FROM repository WHERE state = 'dead') AS dead,
        (SELECT count(*) FROM repository WHERE state = 'quarantined') AS quarantined,
        (SELECT count(*) FROM repository WHERE stale_since IS NOT NULL) AS stale";

/// The window of the rates, in minutes.
const WINDOW: f64 = 5.0;

pub(super) async fn running(store: &Sqlite, instance: InstanceId) -> Result<Vec<(JobId, ClaimId)>, Fault> {
    let mut conn = store.read().await?;
    let found: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT id, claim FROM job WHERE state = 'running' AND instance = ? ORDER BY id")
            .bind(instance.0.as_bytes().as_slice())
            .fetch_all(&mut *conn)
            .await?;
    let pairs = found.iter().map(|(job, claim)| Ok((JobId(*job), ClaimId(rows::uuid(claim)?))));
    Ok(pairs.collect::<sqlx::Result<_>>()?)
}

pub(super) async fn jobs(store: &Sqlite, filter: &JobFilter) -> Result<Vec<Job>, Fault> {
    list(store, None, filter).await
}

pub(super) async fn job(store: &Sqlite, id: JobId) -> Result<Option<Job>, Fault> {
    Ok(list(store, Some(id), &JobFilter::default()).await?.pop())
}

async fn list(store: &Sqlite, id: Option<JobId>, filter: &JobFilter) -> Result<Vec<Job>, Fault> {
    let mut conn = store.read().await?;
    let limit = if filter.limit == 0 { -1 } else { i64::from(filter.limit) };
    let found = sqlx::query(JOBS)
        .bind(id.map(|id| id.0))
        .bind(filter.state.map(JobState::as_str))
        .bind(filter.repository.map(|repository| repository.0))
        .bind(limit)
        .fetch_all(&mut *conn)
        .await?;
    Ok(found.iter().map(job_of).collect::<sqlx::Result<_>>()?)
}

fn job_of(row: &SqliteRow) -> sqlx::Result<Job> {
    let uuid = |column| row.try_get::<Option<&[u8]>, _>(column)?.map(rows::uuid).transpose();
    Ok(Job {
        id: JobId(row.try_get("id")?),
        repository: RepositoryId(row.try_get("repository")?),
        remote: row.try_get("remote")?,
        reference: rows::optional(row.try_get("reference")?),
        state: rows::named(row, "state", JobState::from_name)?,
        heavy: row.try_get("heavy")?,
        full: row.try_get("full")?,
        suspect: row.try_get("suspect")?,
        rank: row.try_get("rank")?,
        attempt: row.try_get("attempt")?,
        crashes: row.try_get("crashes")?,
        merged: row.try_get("merged")?,
        run_at: rows::moment(row.try_get("run_at")?),
        enqueued_at: rows::moment(row.try_get("enqueued_at")?),
        claimed_at: row.try_get::<Option<i64>, _>("claimed_at")?.map(rows::moment),
        instance: uuid("instance")?.map(InstanceId),
        claim: uuid("claim")?.map(ClaimId),
        last_error: row.try_get("last_error")?,
    })
}

pub(super) async fn attempts(store: &Sqlite, of: AttemptFilter, limit: u32) -> Result<Vec<Attempt>, Fault> {
    let (job, repository) = match of {
        AttemptFilter::Job(job) => (Some(job.0), None),
        AttemptFilter::Repository(repository) => (None, Some(repository.0)),
    };
    let mut conn = store.read().await?;
    let found = sqlx::query(ATTEMPTS).bind(job).bind(repository).bind(limit).fetch_all(&mut *conn).await?;
    Ok(found.iter().map(attempt_of).collect::<sqlx::Result<_>>()?)
}

fn attempt_of(row: &SqliteRow) -> sqlx::Result<Attempt> {
    let summary: Option<&str> = row.try_get("summary")?;
    Ok(Attempt {
        job: JobId(row.try_get("job")?),
        repository: RepositoryId(row.try_get("repository")?),
        number: row.try_get("number")?,
        claim: ClaimId(rows::uuid(row.try_get("claim")?)?),
        outcome: rows::named(row, "outcome", AttemptOutcome::from_name)?,
        error: row.try_get("error")?,
        summary: summary.map(serde_json::from_str).transpose().map_err(odd)?,
        commit: row.try_get("commit_oid")?,
        queued_at: rows::moment(row.try_get("queued_at")?),
        started_at: rows::moment(row.try_get("started_at")?),
        ended_at: rows::moment(row.try_get("ended_at")?),
        traceparent: row.try_get("traceparent")?,
    })
}

pub(super) async fn status(store: &Sqlite) -> Result<Status, Fault> {
    let mut conn = store.read().await?;
    let row = sqlx::query(STATUS).fetch_one(&mut *conn).await?;
    let count = |column| row.try_get::<i64, _>(column).map(rows::count);
    let capacity = count("capacity")?;
    let slots = row.try_get::<Option<i64>, _>("slots")?.map_or(0, rows::count);
    Ok(Status {
        queue_depth: count("queue_depth")?,
        oldest_job: row.try_get::<Option<i64>, _>("oldest")?.map(|age| Duration::from_micros(rows::count(age))),
        active_workers: count("active_workers")?,
        total_slots: if slots == 0 { capacity } else { capacity.min(slots) },
        completed_per_min: count("completed")? as f64 / WINDOW,
        failed_per_min: count("failed")? as f64 / WINDOW,
        running: count("running")?,
        delayed: count("delayed")?,
        repositories: count("repositories")?,
        dead: count("dead")?,
        quarantined: count("quarantined")?,
        stale: count("stale")?,
    })
}
