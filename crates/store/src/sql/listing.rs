//! What `jobs` and `status` show.

use super::rows::{count, moment, named, optional, owned};
use super::schedule::due_at;
use super::{Base, Connection, Fault, Row, fleet, odd, values};
use crate::fleet::{Fleet, differences};
use crate::job::{Attempt, AttemptFilter, AttemptOutcome, ClaimId, InstanceId, Job, JobFilter, JobId, JobState};
use crate::queue::Running;
use crate::repository::RepositoryId;
use crate::status::{InstanceStatus, Status};

/// Jobs in the order in which they are taken, $1 at most, in the state $2 if there is one. One statement for each other
/// filter: a condition that is switched off by a parameter would keep SQLite from the index.
macro_rules! jobs_of {
    ($($of:tt)*) => {
        concat!(
            "SELECT job.*, repository.remote, repository.reference
             FROM job JOIN repository ON repository.id = job.repository
             WHERE ($2 IS NULL OR job.state = $2) ",
            $($of)*,
            " ORDER BY job.state = 'queued', job.rescued DESC, job.due, job.id LIMIT $1"
        )
    };
}
/// Each of the two indexes is of one state.
macro_rules! of_repository {
    () => {
        "AND job.id IN (SELECT id FROM job WHERE repository = $3 AND state = 'queued'
                        UNION ALL SELECT id FROM job WHERE repository = $3 AND state = 'running')"
    };
}
const JOBS: &str = jobs_of!("");
const JOB: &str = jobs_of!("AND job.id = $3");
const JOBS_OF_REPOSITORY: &str = jobs_of!(of_repository!());

/// The latest attempts, $1 at most, by filter as with the jobs: else the whole history is read for each repository that has
/// none.
macro_rules! attempts_of {
    ($of:literal) => {
        concat!(
            "SELECT attempt.*, repository.remote, repository.reference
             FROM attempt JOIN repository ON repository.id = attempt.repository
             ",
            $of,
            " ORDER BY attempt.id DESC LIMIT $1"
        )
    };
}
const ATTEMPTS: &str = attempts_of!("");
const ATTEMPTS_OF_JOB: &str = attempts_of!("WHERE attempt.job = $2");
const ATTEMPTS_OF_REPOSITORY: &str = attempts_of!("WHERE attempt.repository = $2");

/// `due` leaves out what no instance would take: queued jobs of paused and quarantined repositories, unless forced.
/// An instance without a heartbeat for 30 s is not counted; its heartbeat comes every second.
///
/// `late` leaves out what is being checked, or waits after a failure.
const STATUS: &str = concat!(
    "WITH due AS (
        SELECT now - job.run_at AS age FROM job JOIN repository ON repository.id = job.repository, clock
        WHERE job.state = 'queued' AND job.run_at <= now AND (repository.state IN ('active', 'dead') OR job.forced)),
    late AS (
        SELECT now - (",
    due_at!(),
    ") AS age FROM repository, clock
        WHERE repository.state IN ('active', 'dead') AND repository.refresh IS NOT NULL
            AND (SELECT job.id FROM job WHERE job.repository = repository.id AND job.state = 'running') IS NULL
            AND coalesce((SELECT job.run_at FROM job WHERE job.repository = repository.id AND job.state = 'queued'), 0) <= now),
    alive AS (SELECT capacity, takes_any FROM instance, clock WHERE state = 'alive' AND seen_at > now - 30000000),
    recent AS (SELECT outcome FROM attempt, clock WHERE ended_at > now - 300000000)
    SELECT
        (SELECT count(*) FROM due) AS queue_depth,
        (SELECT max(age) FROM due) AS oldest,
        (SELECT count(*) FROM alive) AS active_workers,
        (SELECT count(*) FROM alive WHERE takes_any) AS daemons,
        (SELECT CAST(coalesce(sum(capacity), 0) AS BIGINT) FROM alive) AS capacity,
        (SELECT slots FROM fleet) AS slots,
        (SELECT count(*) FROM recent WHERE outcome IN ('warmed', 'fresh')) AS completed,
        (SELECT count(*) FROM recent WHERE outcome IN ('retry', 'stuck', 'dead', 'lost', 'crashed')) AS failed,
        (SELECT count(*) FROM job WHERE state = 'running') AS running,
        (SELECT count(*) FROM job, clock WHERE state = 'queued' AND run_at > now) AS delayed,
        (SELECT count(*) FROM repository) AS repositories,
        (SELECT count(*) FROM repository WHERE state = 'dead') AS dead,
        (SELECT count(*) FROM repository WHERE state = 'quarantined') AS quarantined,
        (SELECT count(*) FROM repository WHERE stale_since IS NOT NULL) AS stale,
        (SELECT count(*) FROM late WHERE age > 0) AS overdue,
        (SELECT max(age) FROM late WHERE age > 0) AS oldest_overdue"
);

/// Those that [`STATUS`] counts.
const INSTANCES: &str = "
    SELECT id, started_at, seen_at, capacity, version, configuration, keys,
           (SELECT count(*) FROM job WHERE job.state = 'running' AND job.instance = instance.id) AS running
    FROM instance, clock WHERE state = 'alive' AND seen_at > now - 30000000 ORDER BY started_at, id";

/// The window of the rates, in minutes.
const WINDOW: f64 = 5.0;

pub(super) async fn running<B: Base>(store: &B, instance: InstanceId) -> Result<Vec<Running>, Fault> {
    const RUNNING: &str = "SELECT id, claim, cancel FROM job WHERE state = 'running' AND instance = $1 ORDER BY id";
    let found = store.read().await?.all(RUNNING, values![instance.0]).await?;
    let running = |row: &<B::Connection as Connection>::Row| {
        Ok(Running { job: JobId(row.int("id")?), claim: ClaimId(row.id("claim")?), cancel: row.flag("cancel")? })
    };
    Ok(found.iter().map(running).collect::<sqlx::Result<_>>()?)
}

/// The one of this row, or all that pass the filter.
pub(super) async fn jobs<B: Base>(store: &B, id: Option<JobId>, filter: &JobFilter) -> Result<Vec<Job>, Fault> {
    let limit = if filter.limit == 0 { i64::MAX } else { i64::from(filter.limit) };
    let state = filter.state.map(JobState::as_str);
    let mut conn = store.read().await?;
    let found = match (id, filter.repository) {
        (Some(id), _) => conn.all(JOB, values![limit, state, id.0]).await?,
        (None, Some(repository)) => conn.all(JOBS_OF_REPOSITORY, values![limit, state, repository.0]).await?,
        (None, None) => conn.all(JOBS, values![limit, state]).await?,
    };
    Ok(found.iter().map(job_of).collect::<sqlx::Result<_>>()?)
}

fn job_of(row: &impl Row) -> sqlx::Result<Job> {
    Ok(Job {
        id: JobId(row.int("id")?),
        repository: RepositoryId(row.int("repository")?),
        remote: row.text("remote")?.to_owned(),
        reference: optional(row.text("reference")?),
        state: named(row, "state", JobState::from_name)?,
        heavy: row.flag("heavy")?,
        full: row.flag("full")?,
        rescued: row.flag("rescued")?,
        rank: i32::try_from(row.int("rank")?).map_err(odd)?,
        attempt: row.small("attempt")?,
        crashes: row.small("crashes")?,
        child_deaths: row.small("child_deaths")?,
        merged: row.small("merged")?,
        run_at: moment(row.int("run_at")?),
        enqueued_at: moment(row.int("enqueued_at")?),
        claimed_at: row.maybe_int("claimed_at")?.map(moment),
        instance: row.maybe_id("instance")?.map(InstanceId),
        claim: row.maybe_id("claim")?.map(ClaimId),
        last_error: owned(row.maybe_text("last_error")?),
    })
}

pub(super) async fn attempts<B: Base>(store: &B, of: AttemptFilter, limit: u32) -> Result<Vec<Attempt>, Fault> {
    let mut conn = store.read().await?;
    let found = match of {
        AttemptFilter::All => conn.all(ATTEMPTS, values![limit]).await?,
        AttemptFilter::Job(job) => conn.all(ATTEMPTS_OF_JOB, values![limit, job.0]).await?,
        AttemptFilter::Repository(repository) => conn.all(ATTEMPTS_OF_REPOSITORY, values![limit, repository.0]).await?,
    };
    Ok(found.iter().map(attempt_of).collect::<sqlx::Result<_>>()?)
}

fn attempt_of(row: &impl Row) -> sqlx::Result<Attempt> {
    let summary = row.maybe_text("summary")?;
    Ok(Attempt {
        job: JobId(row.int("job")?),
        repository: RepositoryId(row.int("repository")?),
        remote: row.text("remote")?.to_owned(),
        reference: optional(row.text("reference")?),
        number: row.small("number")?,
        claim: ClaimId(row.id("claim")?),
        outcome: named(row, "outcome", AttemptOutcome::from_name)?,
        error: owned(row.maybe_text("error")?),
        summary: summary.map(serde_json::from_str).transpose().map_err(odd)?,
        commit: owned(row.maybe_text("commit_oid")?),
        queued_at: moment(row.int("queued_at")?),
        started_at: moment(row.int("started_at")?),
        ended_at: moment(row.int("ended_at")?),
        traceparent: owned(row.maybe_text("traceparent")?),
    })
}

pub(super) async fn status<B: Base>(store: &B) -> Result<Status, Fault> {
    let slots_held = store.slots_held().await?;
    let mut conn = store.read().await?;
    let row = conn.one(STATUS, &[]).await?;
    let instances = conn.all(INSTANCES, &[]).await?;
    let fleet = fleet::read(&mut *conn).await?;
    let number = |column| row.int(column).map(count);
    let capacity = number("capacity")?;
    let slots = row.maybe_int("slots")?.map_or(0, count);
    Ok(Status {
        queue_depth: number("queue_depth")?,
        oldest_job: super::base::wait(row.maybe_int("oldest")?),
        active_workers: number("active_workers")?,
        daemons: number("daemons")?,
        total_slots: if slots == 0 { capacity } else { capacity.min(slots) },
        completed_per_min: number("completed")? as f64 / WINDOW,
        failed_per_min: number("failed")? as f64 / WINDOW,
        running: number("running")?,
        delayed: number("delayed")?,
        repositories: number("repositories")?,
        dead: number("dead")?,
        quarantined: number("quarantined")?,
        stale: number("stale")?,
        overdue: number("overdue")?,
        oldest_overdue: super::base::wait(row.maybe_int("oldest_overdue")?),
        slots: u32::try_from(slots).unwrap_or(u32::MAX),
        slots_held,
        instances: instances.iter().map(|row| instance_of(row, fleet.as_ref())).collect::<sqlx::Result<_>>()?,
        fleet,
    })
}

fn instance_of(row: &impl Row, fleet: Option<&Fleet>) -> sqlx::Result<InstanceStatus> {
    let configuration = row.text("configuration")?;
    let other = fleet.map(|fleet| &fleet.configuration);
    let other = other.filter(|fleet| !configuration.is_empty() && fleet.digest() != configuration);
    let keys = fleet::keys_of(row)?;
    Ok(InstanceStatus {
        id: InstanceId(row.id("id")?),
        started_at: moment(row.int("started_at")?),
        seen_at: moment(row.int("seen_at")?),
        capacity: row.small("capacity")?,
        version: row.text("version")?.to_owned(),
        running: count(row.int("running")?),
        differs: other.map(|fleet| differences(&keys, &fleet.keys)).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Role, Sqlite};

    /// What SQLite means to do.
    async fn plan(store: &Sqlite, sql: &'static str) -> String {
        let mut conn = store.read().await.unwrap();
        let rows = conn.all(sql, values![1_i64, 1_i64, 1_i64]).await.unwrap();
        rows.iter().map(|row| row.text("detail").unwrap().to_owned() + "\n").collect()
    }

    #[tokio::test]
    async fn no_list_reads_the_jobs_or_the_history_of_others() {
        let directory = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&directory.path().join("w.sqlite"), Role::Pipeline).await.unwrap();
        const JOB: &str = concat!("EXPLAIN QUERY PLAN ", jobs_of!("AND job.id = $3"));
        const JOBS: &str =
            concat!("EXPLAIN QUERY PLAN SELECT job.id FROM job WHERE true ", of_repository!(), " -- $1 $2");
        for jobs in [plan(&store, JOB).await, plan(&store, JOBS).await] {
            assert!(!jobs.contains("SCAN job"), "{jobs}");
        }
        let of_job = plan(&store, concat!("EXPLAIN QUERY PLAN ", attempts_of!("WHERE attempt.job = $2"))).await;
        assert!(of_job.contains("attempt_job") && !of_job.contains("SCAN"), "{of_job}");
        let of_repository =
            plan(&store, concat!("EXPLAIN QUERY PLAN ", attempts_of!("WHERE attempt.repository = $2"))).await;
        assert!(of_repository.contains("attempt_repository") && !of_repository.contains("SCAN"), "{of_repository}");
        // From the end of the history, and no further than asked for.
        let all = plan(&store, concat!("EXPLAIN QUERY PLAN ", attempts_of!(""), " -- $2")).await;
        assert!(!all.contains("TEMP B-TREE"), "{all}");
    }
}
