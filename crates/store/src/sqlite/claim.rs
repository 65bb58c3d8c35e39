//! Claims: which job is next, and the fence on it.

use super::Sqlite;
use crate::job::{Claim, ClaimId, InstanceId};
use crate::queue::ClaimFilter;
use crate::sql::refusal::unrefused;
use crate::sql::{
    Base as _, Connection as _, Fault, Row as _, Writing as _, claimed, ids, repository, repository_columns, states,
    values,
};

/// What holds a queued job back, whoever asks: its repository's state, or its repository's running job.
macro_rules! free {
    () => {
        "(job.forced OR (SELECT state FROM repository WHERE repository.id = job.repository) IN ('active', 'dead'))
         AND NOT EXISTS (SELECT 1 FROM job AS other
                         WHERE other.repository = job.repository AND other.state = 'running')"
    };
}

/// What holds it back from the instance $2: a pin to another, or its own refusal.
macro_rules! mine {
    () => {
        concat!("(job.pinned IS NULL OR job.pinned = $2) AND ", unrefused!("$2"), " AND ", free!())
    };
}

/// `head`: the groups of what is queued, and some that are empty. A group is what the index `job_order` has in one row:
/// jobs of one rank that wait for a slot or do not, and whose instance died or did not. There are a few, whatever is
/// queued.
macro_rules! heads {
    () => {
        "head (rescued, heavy, rank) AS (
             SELECT column1, column2, (SELECT min(job.rank) FROM job
                                       WHERE job.state = 'queued' AND job.rescued = column1 AND job.heavy = column2)
             FROM (VALUES (0, 0), (0, 1), (1, 0), (1, 1))
             UNION ALL
             SELECT head.rescued, head.heavy,
                    (SELECT min(job.rank) FROM job
                     WHERE job.state = 'queued' AND job.rescued = head.rescued AND job.heavy = head.heavy
                           AND job.rank > head.rank)
             FROM head WHERE head.rank IS NOT NULL)"
    };
}

/// `$what` of the first job of the group `head` that passes `$which`.
macro_rules! first_of_group {
    ($what:literal, $($which:tt)*) => {
        concat!(
            "(SELECT job.",
            $what,
            " FROM job
              WHERE job.state = 'queued' AND job.rescued = head.rescued AND job.heavy = head.heavy
                    AND job.rank = head.rank AND ",
            $($which)*,
            " ORDER BY job.run_at, job.id LIMIT 1)"
        )
    };
}

/// The end of each look for a job: the first of `candidate`. With $4 none while a job whose instance died waits for a
/// slot and for nothing else.
macro_rules! next {
    ($candidate:expr) => {
        concat!(
            "WITH RECURSIVE ",
            $candidate,
            " SELECT job.id, job.repository, job.attempt_traceparent
              FROM candidate CROSS JOIN job ON job.id = candidate.id
              WHERE EXISTS (SELECT 1 FROM instance WHERE instance.id = $2 AND instance.state = 'alive')
                    AND NOT ($4 AND EXISTS (
                        SELECT 1 FROM job
                        WHERE job.state = 'queued' AND job.rescued = 1 AND job.heavy = 1
                              AND job.run_at <= (SELECT now FROM clock) AND ",
            mine!(),
            ")) ORDER BY job.rescued DESC, job.due, job.id LIMIT 1"
        )
    };
}

/// Any job; a heavy one only with $3. The order is by `due`, in which a job of the future at a better rank stands before
/// one that is due: so the first due one of each group is taken by the index, and only then are those put in order.
/// Jobs whose instance died come before all others: they have waited for their turn once.
const ANY: &str = next!(concat!(
    heads!(),
    ", candidate AS (SELECT ",
    first_of_group!("id", "job.run_at <= (SELECT now FROM clock) AND ", mine!()),
    " AS id FROM head WHERE $3 OR NOT head.heavy)"
));

/// One of the jobs $1.
const ONE_OF: &str = next!(concat!(
    "candidate AS (
         SELECT job.id FROM json_each($1) AS asked CROSS JOIN job ON job.id = asked.value
         WHERE job.state = 'queued' AND job.run_at <= (SELECT now FROM clock) AND ($3 OR NOT job.heavy) AND ",
    mine!(),
    ")"
));

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

/// $1: the only jobs to look at, or none; $2: whose refusals count, or none.
pub(super) const NEXT_DUE: &str = concat!(
    "WITH RECURSIVE ",
    heads!(),
    ", found (run_at) AS (
         SELECT job.run_at FROM json_each($1) AS asked CROSS JOIN job ON job.id = asked.value
         WHERE job.state = 'queued' AND ",
    unrefused!("$2"),
    " AND ",
    free!(),
    "    UNION ALL
         SELECT ",
    first_of_group!("run_at", "job.pinned IS NULL AND ", unrefused!("$2"), " AND ", free!()),
    "    FROM head WHERE $1 IS NULL)
     SELECT min(run_at) - (SELECT now FROM clock) AS wait FROM found"
);

pub(super) async fn claim(
    store: &Sqlite,
    id: ClaimId,
    instance: InstanceId,
    filter: &ClaimFilter,
) -> Result<Option<Claim>, Fault> {
    let only = filter.only.as_deref().map(ids);
    let mut tx = store.write().await?;
    let find = if only.is_some() { ONE_OF } else { ANY };
    let next = tx.maybe(find, values![only.as_deref(), instance.0, filter.heavy, filter.yields]).await?;
    let Some(next) = next else { return Ok(None) };
    let job = next.int("id")?;
    let taken = tx.one(TAKE, values![job, id.0, instance.0]).await?;
    let row = tx.one(REPOSITORY, values![next.int("repository")?]).await?;
    let states = states(&mut *tx, &row).await?;
    tx.commit().await?;
    let previous = next.maybe_text("attempt_traceparent")?;
    Ok(Some(claimed(&taken, job, id, repository(&row)?, states, previous)?))
}
