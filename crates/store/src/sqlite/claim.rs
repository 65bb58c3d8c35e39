//! Claims: which job is next, and the fence on it.

use std::time::Duration;

use sqlx::SqliteConnection;
use uuid::Uuid;

use super::fault::Fault;
use super::{Sqlite, rows};
use crate::job::{Claim, ClaimId, InstanceId, JobId};
use crate::queue::ClaimFilter;
use crate::repository::Repository;

/// What holds a queued job back, whoever asks: its repository's running job, or its repository's state.
/// ?1 are the only jobs to look at, or NULL.
macro_rules! free {
    () => {
        "job.state = 'queued' AND (repository.state = 'active' OR job.forced)
         AND (?1 IS NULL OR job.id IN (SELECT value FROM json_each(?1)))
         AND NOT EXISTS (SELECT 1 FROM job AS other WHERE other.repository = job.repository AND other.state = 'running')"
    };
}

/// A suspect runs alone: it is taken, first of all, when nothing else of this instance runs, and while it runs
/// nothing else is taken.
const NEXT: &str = concat!(
    "SELECT job.id FROM job JOIN repository ON repository.id = job.repository, clock WHERE ",
    free!(),
    "AND job.run_at <= now
     AND (?3 OR NOT job.heavy)
     AND (NOT job.suspect OR
          (?4 AND NOT EXISTS (SELECT 1 FROM job AS other WHERE other.state = 'running' AND other.instance = ?2)))
     AND NOT EXISTS (SELECT 1 FROM job AS other WHERE other.state = 'running' AND other.instance = ?2 AND other.suspect)
     AND EXISTS (SELECT 1 FROM instance WHERE instance.id = ?2 AND instance.state = 'alive')
     ORDER BY job.suspect DESC, job.due, job.id LIMIT 1"
);

const PREVIOUS: &str = "SELECT attempt_traceparent FROM job WHERE id = ?";

const TAKE: &str = "
    UPDATE job SET state = 'running', attempt = attempt + 1, claim = ?2, instance = ?3,
        claimed_at = (SELECT now FROM clock), attempt_traceparent = NULL
    WHERE id = ?1
    RETURNING repository, attempt, heavy, full, suspect, traceparent, claimed_at - run_at";

type Taken = (i64, u32, bool, bool, bool, Option<String>, i64);

const REPOSITORY: &str = concat!("SELECT ", rows::repository_columns!(), " FROM repository WHERE id = ?");

const NEXT_DUE: &str = concat!(
    "SELECT min(job.run_at) - now FROM job JOIN repository ON repository.id = job.repository, clock WHERE ",
    free!()
);

pub(super) async fn claim(store: &Sqlite, instance: InstanceId, filter: &ClaimFilter) -> Result<Option<Claim>, Fault> {
    let me = instance.0.as_bytes().as_slice();
    let mut tx = store.write().await?;
    let next = sqlx::query_scalar::<_, i64>(NEXT)
        .bind(filter.only.as_deref().map(ids))
        .bind(me)
        .bind(filter.heavy)
        .bind(filter.idle);
    let Some(job) = next.fetch_optional(&mut *tx).await? else { return Ok(None) };
    let previous = sqlx::query_scalar(PREVIOUS).bind(job).fetch_one(&mut *tx).await?;
    let id = ClaimId(Uuid::new_v4());
    let (repository, attempt, heavy, full, suspect, traceparent, waited): Taken =
        sqlx::query_as(TAKE).bind(job).bind(id.0.as_bytes().as_slice()).bind(me).fetch_one(&mut *tx).await?;
    let repository = repository_of(&mut tx, repository).await?;
    tx.commit().await?;
    let waited = Duration::from_micros(rows::count(waited));
    let job = JobId(job);
    Ok(Some(Claim { job, id, repository, attempt, heavy, full, suspect, traceparent, previous, waited }))
}

async fn repository_of(conn: &mut SqliteConnection, id: i64) -> sqlx::Result<Repository> {
    rows::repository(&sqlx::query(REPOSITORY).bind(id).fetch_one(conn).await?)
}

pub(super) async fn next_due(store: &Sqlite, only: Option<&[JobId]>) -> Result<Option<Duration>, Fault> {
    let mut conn = store.read().await?;
    let micros: Option<i64> = sqlx::query_scalar(NEXT_DUE).bind(only.map(ids)).fetch_one(&mut *conn).await?;
    Ok(micros.map(|micros| Duration::from_micros(rows::count(micros))))
}

fn ids(jobs: &[JobId]) -> String {
    rows::json(&jobs.iter().map(|job| job.0).collect::<Vec<_>>())
}
