//! Claims: which job is next, and the fence on it.

use super::Sqlite;
use crate::job::{Claim, ClaimId, InstanceId};
use crate::queue::ClaimFilter;
use crate::sql::refusal::unrefused;
use crate::sql::{
    Base as _, Connection as _, Fault, Row as _, Writing as _, claimed, ids, repository, repository_columns, states,
    values,
};

/// What holds a queued job back, whoever asks: its repository's running job, or its repository's state.
/// $1 are the only jobs to look at, or NULL.
macro_rules! free {
    () => {
        "job.state = 'queued' AND (repository.state IN ('active', 'dead') OR job.forced)
         AND ($1 IS NULL OR job.id IN (SELECT value FROM json_each($1)))
         AND NOT EXISTS (SELECT 1 FROM job AS other
             WHERE other.repository = job.repository AND other.state = 'running')"
    };
}

/// Jobs whose instance died come before all others: they have waited for their turn once. With $4 nothing is taken
/// while one of them is due that waits for a slot (`rescued = 1`: a bare column would not be looked up in the index).
/// The jobs are read in the order of their index, and no further than to the first that is free: 1 ms instead of 13
/// with 20,000 that are due. So they are the outermost loop, the time is no table
/// beside them, and `+` keeps the other index out.
const NEXT: &str = concat!(
    "SELECT job.id, job.repository, job.attempt_traceparent
     FROM job CROSS JOIN repository ON repository.id = job.repository WHERE ",
    free!(),
    "AND +job.run_at <= (SELECT now FROM clock)
     AND (job.pinned IS NULL OR job.pinned = $2)
     AND ($3 OR NOT job.heavy) AND ",
    unrefused!("$2"),
    "
     AND EXISTS (SELECT 1 FROM instance WHERE instance.id = $2 AND instance.state = 'alive')
     AND NOT ($4 AND EXISTS (
         SELECT 1 FROM job CROSS JOIN repository ON repository.id = job.repository
         WHERE job.rescued = 1 AND job.heavy AND job.run_at <= (SELECT now FROM clock)
         AND (job.pinned IS NULL OR job.pinned = $2) AND ",
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

const REPOSITORY: &str = concat!(
    "SELECT ",
    repository_columns!(),
    ", (SELECT count(*) FROM served WHERE served.repository = repository.id) AS states
     FROM repository_served AS repository WHERE repository.id = $1"
);

/// In the order of another index, for the same reason.
pub(super) const NEXT_DUE: &str = concat!(
    "SELECT (SELECT job.run_at FROM job CROSS JOIN repository ON repository.id = job.repository WHERE ",
    free!(),
    "AND (job.pinned IS NULL OR $1 IS NOT NULL) AND ",
    unrefused!("$2"),
    " ORDER BY job.run_at LIMIT 1) - (SELECT now FROM clock) AS wait"
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
    let row = tx.one(REPOSITORY, values![next.int("repository")?]).await?;
    let states = states(&mut *tx, &row).await?;
    tx.commit().await?;
    let previous = next.maybe_text("attempt_traceparent")?;
    Ok(Some(claimed(&taken, job, id, repository(&row)?, states, previous)?))
}

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, Row as _};

    use super::*;
    use crate::Role;

    /// What SQLite means to do.
    async fn plan(store: &Sqlite, sql: &str) -> String {
        let mut conn = store.read().await.unwrap();
        let explain = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")));
        let rows = explain.fetch_all(&mut *conn).await.unwrap();
        rows.iter().map(|row| row.get::<String, _>("detail") + "\n").collect()
    }

    #[tokio::test]
    async fn no_claim_reads_and_sorts_all_that_is_queued() {
        let directory = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&directory.path().join("w.sqlite"), Role::Pipeline).await.unwrap();
        for (sql, index) in [(NEXT, "job_order"), (NEXT_DUE, "job_run_at")] {
            let plan = plan(&store, sql).await;
            assert!(plan.contains(&format!("SCAN job USING INDEX {index}")) && !plan.contains("TEMP B-TREE"), "{plan}");
        }
    }
}
