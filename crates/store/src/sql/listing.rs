//! Jobs and attempts, as they are listed.

use std::time::Duration;

use super::generation::recipe_of;
use super::rows::{micros, moment, named, numbered, optional, owned};
use super::{Base, Connection, Fault, Row, Statements as _, odd, values};
use crate::job::{
    Attempt, AttemptFilter, AttemptOutcome, ClaimId, HistoryFilter, InstanceId, Job, JobFilter, JobId, JobKind,
    JobState, Lane,
};
use crate::queue::Running;
use crate::repository::RepositoryId;
use crate::shard::Shard;

/// Jobs in the order in which they are taken, $1 at most, in the state $2 if there is one, after a failed attempt if
/// $3, queued in the last $4, of the kind $5 if there is one. One statement for each other filter: a condition that is
/// switched off by a parameter would keep SQLite from the index.
macro_rules! jobs_of {
    ($($of:tt)*) => {
        concat!(
            "SELECT job.*, repository.remote, repository.reference,
                (SELECT digest FROM fingerprint JOIN generation ON fingerprint.id = generation.embedding
                 WHERE generation.id = job.generation) AS embedding,
                (SELECT digest FROM fingerprint JOIN generation ON fingerprint.id = generation.chunking
                 WHERE generation.id = job.generation) AS chunking
             FROM job JOIN repository ON repository.id = job.repository
             WHERE ($2 IS NULL OR job.state = $2) AND ($5 IS NULL OR job.kind = $5)
                 AND (NOT $3 OR job.last_error IS NOT NULL)
                 AND job.enqueued_at >= (SELECT now FROM clock) - $4 ",
            $($of)*,
            " ORDER BY job.state = 'queued', job.rescued DESC, job.due, job.id LIMIT $1"
        )
    };
}
/// Each of the two indexes is of one state.
macro_rules! of_repository {
    () => {
        "AND job.id IN (SELECT id FROM job WHERE repository = $6 AND state = 'queued'
                        UNION ALL SELECT id FROM job WHERE repository = $6 AND state = 'running')"
    };
}
const JOBS: &str = jobs_of!("");
const JOB: &str = jobs_of!("AND job.id = $6");
const JOBS_OF_REPOSITORY: &str = jobs_of!(of_repository!());

/// Attempts that ended in the last $2, the latest first, $1 at most, with a further condition. In the order of the
/// index: no more of the history is read than is listed. That of the failed is an index of its own, by just this
/// condition.
macro_rules! attempts_since {
    ($($of:tt)*) => {
        concat!(
            "SELECT attempt.*, repository.remote, repository.reference
             FROM attempt JOIN repository ON repository.id = attempt.repository
             WHERE attempt.ended_at >= (SELECT now FROM clock) - $2 ",
            $($of)*,
            " ORDER BY attempt.ended_at DESC, attempt.id DESC LIMIT $1"
        )
    };
}
/// Attempts that ended by an error or a crash.
macro_rules! failed {
    () => {
        " AND attempt.outcome IN ('retry', 'stuck', 'unfit', 'dead', 'lost', 'crashed')"
    };
}
/// Attempts that did more than to find nothing new, if this flag is set. Of the others one is kept for each repository,
/// beside those of the last minutes: an index without them would spare little.
macro_rules! changed {
    ($flag:literal) => {
        concat!(" AND (NOT ", $flag, " OR attempt.outcome <> 'fresh')")
    };
}
pub(crate) use {attempts_since, changed, failed};
const HISTORY: &str = attempts_since!(changed!("$3"));
const HISTORY_FAILED: &str = attempts_since!(failed!());

/// The latest attempts, $1 at most, by filter as with the jobs: else the whole history is read for each repository that
/// has none.
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
const REFRESHES_OF_REPOSITORY: &str = attempts_of!("WHERE attempt.repository = $2 AND attempt.kind = 0");

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
    let (state, since) = (filter.state.map(JobState::as_str), age(filter.since));
    let (failed, kind) = (filter.failed, filter.kind.map(JobKind::number));
    let mut conn = store.read().await?;
    let found = match (id, filter.repository) {
        (Some(id), _) => conn.all(JOB, values![limit, state, failed, since, kind, id.0]).await?,
        (None, Some(repository)) => {
            conn.all(JOBS_OF_REPOSITORY, values![limit, state, failed, since, kind, repository.0]).await?
        }
        (None, None) => conn.all(JOBS, values![limit, state, failed, since, kind]).await?,
    };
    Ok(found.iter().map(job_of).collect::<sqlx::Result<_>>()?)
}

fn job_of(row: &impl Row) -> sqlx::Result<Job> {
    let kind = numbered(row, "kind", JobKind::from_number)?;
    let (lane, shard) = match kind {
        JobKind::Refresh => (None, None),
        JobKind::Fill => {
            (numbered(row, "lane", Lane::from_number).map(Some)?, numbered(row, "shard", Shard::from_number).map(Some)?)
        }
    };
    Ok(Job {
        id: JobId(row.int("id")?),
        kind,
        lane,
        shard,
        generation: row.maybe_bytes("embedding")?.map(|_| recipe_of(row)).transpose()?,
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
        AttemptFilter::Refreshes(repository) => conn.all(REFRESHES_OF_REPOSITORY, values![limit, repository.0]).await?,
    };
    Ok(found.iter().map(attempt_of).collect::<sqlx::Result<_>>()?)
}

/// The latest attempts that pass the filter.
pub(super) async fn history<B: Base>(store: &B, filter: &HistoryFilter, limit: u32) -> Result<Vec<Attempt>, Fault> {
    let since = age(filter.since);
    let ids: Option<Vec<i64>> = filter.repositories.as_ref().map(|ids| ids.iter().map(|id| id.0).collect());
    let mut conn = store.read().await?;
    let found = match (&ids, filter.failed) {
        (None, false) => conn.all(HISTORY, values![limit, since, filter.changed]).await?,
        (None, true) => conn.all(HISTORY_FAILED, values![limit, since]).await?,
        (Some(ids), false) => {
            conn.all(B::Connection::HISTORY_AMONG, values![limit, since, &ids[..], filter.changed]).await?
        }
        (Some(ids), true) => conn.all(B::Connection::HISTORY_FAILED_AMONG, values![limit, since, &ids[..]]).await?,
    };
    Ok(found.iter().map(attempt_of).collect::<sqlx::Result<_>>()?)
}

/// In microseconds; longer than anything is kept where there is none.
fn age(since: Option<Duration>) -> i64 {
    since.map_or(i64::MAX / 2, |since| micros(since).min(i64::MAX / 2))
}

fn attempt_of(row: &impl Row) -> sqlx::Result<Attempt> {
    let summary = row.maybe_text("summary")?;
    Ok(Attempt {
        job: JobId(row.int("job")?),
        kind: numbered(row, "kind", JobKind::from_number)?,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Role, Sqlite};

    /// What SQLite means to do.
    async fn plan(store: &Sqlite, sql: &'static str) -> String {
        let mut conn = store.read().await.unwrap();
        let rows = conn.all(sql, values![1_i64, 1_i64, 1_i64, 1_i64, 1_i64, 1_i64]).await.unwrap();
        rows.iter().map(|row| row.text("detail").unwrap().to_owned() + "\n").collect()
    }

    #[tokio::test]
    async fn no_list_reads_the_jobs_or_the_history_of_others() {
        let directory = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&directory.path().join("w.sqlite"), Role::Pipeline).await.unwrap();
        const JOB: &str = concat!("EXPLAIN QUERY PLAN ", jobs_of!("AND job.id = $6"));
        const JOBS: &str =
            concat!("EXPLAIN QUERY PLAN SELECT job.id FROM job WHERE true ", of_repository!(), " -- $1 $2 $3 $4 $5");
        for jobs in [plan(&store, JOB).await, plan(&store, JOBS).await] {
            assert!(!jobs.contains("SCAN job"), "{jobs}");
        }
        let of_job = plan(&store, concat!("EXPLAIN QUERY PLAN ", attempts_of!("WHERE attempt.job = $2"))).await;
        assert!(of_job.contains("attempt_job") && !of_job.contains("SCAN"), "{of_job}");
        const REFRESHES: &str =
            concat!("EXPLAIN QUERY PLAN ", attempts_of!("WHERE attempt.repository = $2 AND attempt.kind = 0"));
        let of_repository = plan(&store, REFRESHES).await;
        assert!(
            of_repository.contains("attempt_repository")
                && !of_repository.contains("SCAN")
                && !of_repository.contains("TEMP B-TREE"),
            "{of_repository}"
        );
        let failed = plan(&store, concat!("EXPLAIN QUERY PLAN ", attempts_since!(failed!()))).await;
        assert!(failed.contains("attempt_failed") && !failed.contains("TEMP B-TREE"), "{failed}");
        let latest = plan(&store, concat!("EXPLAIN QUERY PLAN ", attempts_since!(changed!("$3")))).await;
        assert!(latest.contains("attempt_ended_at") && !latest.contains("TEMP B-TREE"), "{latest}");
        // From the end of the history, and no further than asked for.
        let all = plan(&store, concat!("EXPLAIN QUERY PLAN ", attempts_of!(""), " -- $2")).await;
        assert!(!all.contains("TEMP B-TREE"), "{all}");
    }
}
