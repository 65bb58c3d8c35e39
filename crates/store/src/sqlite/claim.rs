//! Claims: which job is next, and the fence on it.

use super::Sqlite;
use crate::job::{Claim, ClaimId, InstanceId};
use crate::queue::ClaimFilter;
use crate::sql::refusal::unrefused;
use crate::sql::{
    Base as _, Connection as _, Fault, Row as _, Writing as _, claimed, ids, repository, repository_columns, values,
};

/// What holds a queued job back, whoever asks: its repository's running job, or its repository's state.
/// $1 are the only jobs to look at, or NULL.
macro_rules! free {
    () => {
        "job.state = 'queued' AND (repository.state IN ('active', 'dead') OR job.forced)
         AND ($1 IS NULL OR job.id IN (SELECT value FROM json_each($1)))
         AND NOT EXISTS (SELECT 1 FROM job AS other WHERE other.repository = job.repository AND other.state = 'running')"
    };
}

/// Jobs whose instance died come before all others: they have waited for their turn once. With $4 nothing is taken while
/// one of them is due that waits for a slot (`rescued = 1`: a bare column would not be looked up in the index).
const NEXT: &str = concat!(
    "SELECT job.id, job.repository, job.attempt_traceparent
     FROM job JOIN repository ON repository.id = job.repository, clock WHERE ",
    free!(),
    "AND job.run_at <= now
     AND (job.pinned IS NULL OR job.pinned = $2)
     AND ($3 OR NOT job.heavy) AND ",
    unrefused!("$2"),
    "
     AND EXISTS (SELECT 1 FROM instance WHERE instance.id = $2 AND instance.state = 'alive')
     AND NOT ($4 AND EXISTS (
         SELECT 1 FROM job JOIN repository ON repository.id = job.repository
         WHERE job.rescued = 1 AND job.heavy AND job.run_at <= now AND (job.pinned IS NULL OR job.pinned = $2) AND ",
    unrefused!("$2"),
    " AND ",
    free!(),
    "))
     ORDER BY job.rescued DESC, job.due, job.id LIMIT 1"
);

const TAKE: &str = r#"
    UPDATE job SET state = 'running', attempt = attempt + 1, claim = $2, instance = $3,
        claimed_at = (SELECT now FROM clock), attempt_traceparent = NULL
    WHERE id = $1
    RETURNING attempt, heavy, "full", crashes, traceparent, claimed_at - run_at AS waited"#;

const REPOSITORY: &str = concat!("SELECT ", repository_columns!(), " FROM repository WHERE id = $1");

pub(super) const NEXT_DUE: &str = concat!(
    "SELECT min(job.run_at) - now AS wait FROM job JOIN repository ON repository.id = job.repository, clock WHERE ",
    free!(),
    "AND (job.pinned IS NULL OR $1 IS NOT NULL) AND ",
    unrefused!("$2")
);

pub(super) async fn claim(
    store: &Sqlite,
    id: ClaimId,
    instance: InstanceId,
    filter: &ClaimFilter,
) -> Result<Option<Claim>, Fault> {
    let only = filter.only.as_deref().map(ids);
    let mut tx = store.write().await?;
    let next = tx.maybe(NEXT, values![only.as_deref(), instance.0, filter.heavy, filter.yields]).await?;
    let Some(next) = next else { return Ok(None) };
    let job = next.int("id")?;
    let taken = tx.one(TAKE, values![job, id.0, instance.0]).await?;
    let repository = repository(&tx.one(REPOSITORY, values![next.int("repository")?]).await?)?;
    tx.commit().await?;
    let previous = next.maybe_text("attempt_traceparent")?;
    Ok(Some(claimed(&taken, job, id, repository, previous)?))
}
