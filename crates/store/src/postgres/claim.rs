//! Claims: which job is next, and the fence on it, in one statement.
//!
//! What is due must be found without meeting what is not, and the order is by `due` (when it is to run, plus five
//! minutes per rank): a job of the future at a better rank stands before one that is due. So the statement walks the
//! ranks that there are (a few), takes the first due ones of each by the index, and only then puts those in order.
//! Questions about other tables are scalar subqueries: one look at an index per row, whatever the statistics say.

use super::Postgres;
use crate::job::{Claim, ClaimId, InstanceId};
use crate::queue::ClaimFilter;
use crate::sql::refusal::unrefused;
use crate::sql::repository_columns;
use crate::sql::{Base as _, Connection as _, Fault, Row as _, Value, Writing as _, claimed, ids, repository, states};

/// What holds a queued job back, whoever asks: its repository's state, or its repository's running job.
macro_rules! free {
    () => {
        "job.state = 'queued'
         AND (job.forced
              OR (SELECT state FROM repository WHERE repository.id = job.repository) IN ('active', 'dead'))
         AND (SELECT other.id FROM job AS other
              WHERE other.repository = job.repository AND other.state = 'running') IS NULL"
    };
}

/// What holds it back from the instance $2: a slot that it does not hold, a pin to another, or its own refusal.
macro_rules! mine {
    () => {
        concat!("($3 OR NOT job.heavy) AND (job.pinned IS NULL OR job.pinned = $2) AND ", unrefused!("$2"), " AND ")
    };
}

/// Whether a job whose instance died waits for a slot and for nothing else.
macro_rules! first_waits {
    () => {
        concat!(
            "EXISTS (SELECT 1 FROM job WHERE rescued AND heavy AND job.run_at <= (SELECT now FROM clock)
                     AND (job.pinned IS NULL OR job.pinned = $2) AND ",
            unrefused!("$2"),
            " AND ",
            free!(),
            ")"
        )
    };
}

/// `ranks`: of the jobs whose instance did not die, each rank once.
macro_rules! ranks {
    () => {
        "ranks (rank) AS (
             SELECT (SELECT min(job.rank) FROM job WHERE state = 'queued' AND NOT rescued)
             UNION ALL
             SELECT (SELECT min(job.rank) FROM job WHERE state = 'queued' AND NOT rescued AND job.rank > ranks.rank)
             FROM ranks WHERE ranks.rank IS NOT NULL)"
    };
}

/// The end of each claim: takes the first of `candidate` that nobody else is taking just now.
macro_rules! take {
    ($candidate:expr) => {
        concat!(
            r#"WITH RECURSIVE me AS MATERIALIZED (
                 SELECT id FROM instance WHERE instance.id = $2 AND instance.state = 'alive' AND NOT ($4 AND "#,
            first_waits!(),
            ")), ",
            $candidate,
            r#", next AS MATERIALIZED (
                 SELECT job.id, job.attempt_traceparent AS previous FROM candidate JOIN job ON job.id = candidate.id
                 WHERE job.state = 'queued'
                 ORDER BY job.rescued DESC, job.due, job.id LIMIT 1 FOR UPDATE OF job SKIP LOCKED)
             UPDATE job SET state = 'running', attempt = job.attempt + 1, claim = $1, instance = $2,
                 claimed_at = (SELECT now FROM clock), attempt_traceparent = NULL
             FROM next, repository_served AS repository WHERE job.id = next.id AND repository.id = job.repository
             RETURNING job.id AS job, job.attempt, job.heavy, job."full", job.crashes, job.traceparent, next.previous,
                 job.claimed_at - job.run_at AS waited,
                 (SELECT count(*) FROM served WHERE served.repository = repository.id) AS states, "#,
            repository_columns!()
        )
    };
}

/// Any job. Of each rank, and of the jobs whose instance died, more candidates than there are instances that claim at
/// this moment. The rows of a rank come through a fence (`OFFSET 0`): the planner, which takes what holds jobs back for
/// rare or common as it pleases, would else fetch and sort all that are due (30 ms for 10,000) to find these few.
/// Jobs whose instance died come before all others: they have waited for their turn once.
const ANY: &str = take!(concat!(
    ranks!(),
    ", candidate AS MATERIALIZED (
         (SELECT job.id FROM job
          WHERE rescued AND job.run_at <= (SELECT now FROM clock) AND EXISTS (SELECT 1 FROM me) AND ",
    mine!(),
    free!(),
    "     ORDER BY job.due, job.id LIMIT 64)
         UNION ALL
         SELECT near.id FROM ranks CROSS JOIN LATERAL (
             SELECT job.id FROM (
                 SELECT * FROM job
                 WHERE state = 'queued' AND NOT rescued AND rank = ranks.rank AND run_at <= (SELECT now FROM clock)
                 ORDER BY run_at, id OFFSET 0) AS job
             WHERE ",
    mine!(),
    free!(),
    "        LIMIT 64) AS near
         WHERE EXISTS (SELECT 1 FROM me))"
));

/// One of the jobs $5.
const ONE_OF: &str = take!(concat!(
    "candidate AS MATERIALIZED (
         SELECT job.id FROM job, me
         WHERE job.id = ANY ($5) AND job.run_at <= (SELECT now FROM clock) AND ",
    mine!(),
    free!(),
    ")"
));

/// $1: the only jobs to look at, or none; $2: whose refusals count, or none.
pub(super) const NEXT_DUE: &str = concat!(
    "WITH RECURSIVE ",
    ranks!(),
    ", first AS (
         SELECT min(job.run_at) AS run_at FROM job WHERE job.id = ANY ($1) AND ",
    unrefused!("$2"),
    " AND ",
    free!(),
    "    UNION ALL
         SELECT min(job.run_at) FROM job WHERE $1 IS NULL AND rescued AND job.pinned IS NULL AND ",
    unrefused!("$2"),
    " AND ",
    free!(),
    "    UNION ALL
         SELECT near.run_at FROM ranks CROSS JOIN LATERAL (
             SELECT job.run_at FROM (
                 SELECT * FROM job WHERE state = 'queued' AND NOT rescued AND rank = ranks.rank
                 ORDER BY run_at, id OFFSET 0) AS job
             WHERE job.pinned IS NULL AND ",
    unrefused!("$2"),
    " AND ",
    free!(),
    "        LIMIT 1) AS near
         WHERE $1 IS NULL)
     SELECT min(run_at) - (SELECT now FROM clock) AS wait FROM first"
);

pub(super) async fn claim(
    store: &Postgres,
    id: ClaimId,
    instance: InstanceId,
    filter: &ClaimFilter,
) -> Result<Option<Claim>, Fault> {
    let only = filter.only.as_deref().map(ids);
    // Who takes only some jobs is not held up by others.
    let yields = filter.yields && only.is_none();
    let values = [id.0.into(), instance.0.into(), filter.heavy.into(), yields.into(), Value::Ints(only.as_deref())];
    let mut held = store.single().await?;
    let taken = match only {
        None => held.maybe(ANY, &values[..4]).await?,
        Some(_) => held.maybe(ONE_OF, &values).await?,
    };
    let Some(row) = taken else { return Ok(None) };
    let states = states(&mut *held, &row).await?;
    held.commit().await?;
    Ok(Some(claimed(&row, row.int("job")?, id, repository(&row)?, states, row.maybe_text("previous")?)?))
}
