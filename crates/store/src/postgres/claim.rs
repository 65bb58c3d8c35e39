//! Claims: which job is next, and the fence on it, in one statement.
//!
//! What is due must be found without meeting what is not, and the order is by `due` (when it is to run, plus five
//! minutes per rank): a job of the future at a better rank stands before one that is due. So the statement walks the
//! index from group to group: jobs of one rank that wait for a slot or do not, and whose instance died or did not. There
//! are a few of those, whatever is queued. It takes the first due ones of each, and only then puts those in order.
//!
//! Every step reads one row, `LIMIT 1` in the order of the index. Asked for more at once, the planner fetches and sorts
//! all that is due, as it takes what holds jobs back for rare: 7,000 pages and 54 ms of 50,000, where this is 250 pages
//! and 0.4 ms. Questions about other tables are scalar subqueries: one look at an index per row, whatever the statistics
//! say.

use super::Postgres;
use crate::job::{Claim, ClaimId, InstanceId};
use crate::queue::ClaimFilter;
use crate::sql::refusal::unrefused;
use crate::sql::repository_columns;
use crate::sql::{Base as _, Connection as _, Fault, Row as _, Value, Writing as _, claimed, ids, repository, states};

/// What holds a queued job back, whoever asks: its repository's state, or its repository's running job.
macro_rules! free {
    () => {
        "(job.forced
          OR (SELECT state FROM repository WHERE repository.id = job.repository) IN ('active', 'dead'))
         AND (SELECT other.id FROM job AS other
              WHERE other.repository = job.repository AND other.state = 'running') IS NULL"
    };
}

/// What holds it back from the instance $2: a pin to another, or its own refusal.
macro_rules! mine {
    () => {
        concat!("(job.pinned IS NULL OR job.pinned = $2) AND ", unrefused!("$2"), " AND ", free!())
    };
}

/// What a walk carries of a job.
macro_rules! columns {
    () => {
        "id, repository, rescued, heavy, rank, run_at, due, forced, pinned"
    };
}

/// `head`: the first job of each group.
macro_rules! heads {
    () => {
        concat!(
            "head AS (
                 (SELECT ",
            columns!(),
            " FROM job WHERE state = 'queued' ORDER BY rescued, heavy, rank, run_at, id LIMIT 1)
                 UNION ALL
                 SELECT next.* FROM head CROSS JOIN LATERAL (
                     SELECT ",
            columns!(),
            " FROM job
                     WHERE state = 'queued' AND (rescued, heavy, rank) > (head.rescued, head.heavy, head.rank)
                     ORDER BY rescued, heavy, rank, run_at, id LIMIT 1) AS next)"
        )
    };
}

/// `walk`: the jobs of the group of `head` that pass `$which`, in the order of the index, as far as they are asked for.
macro_rules! walk {
    ($which:literal) => {
        concat!(
            "RECURSIVE walk AS (
                 SELECT head.*
                 UNION ALL
                 SELECT next.* FROM walk CROSS JOIN LATERAL (
                     SELECT ",
            columns!(),
            " FROM job
                     WHERE state = 'queued' AND rescued = walk.rescued AND heavy = walk.heavy AND rank = walk.rank
                           AND (run_at, id) > (walk.run_at, walk.id) AND ",
            $which,
            "        ORDER BY run_at, id LIMIT 1) AS next)"
        )
    };
}

/// The end of each claim: takes the first of `candidate` that nobody else is taking just now. With $4 none while a job
/// whose instance died waits for a slot and for nothing else.
macro_rules! take {
    ($candidate:expr) => {
        concat!(
            "WITH RECURSIVE me AS MATERIALIZED (
                 SELECT id FROM instance WHERE instance.id = $2 AND instance.state = 'alive' AND NOT ($4 AND EXISTS (
                     SELECT 1 FROM job
                     WHERE state = 'queued' AND rescued AND heavy AND job.run_at <= (SELECT now FROM clock) AND ",
            mine!(),
            "))), ",
            $candidate,
            r#", next AS MATERIALIZED (
                 SELECT taken.* FROM (SELECT * FROM candidate ORDER BY rescued DESC, due, id OFFSET 0) AS first
                 CROSS JOIN LATERAL (
                     SELECT job.id, job.attempt_traceparent AS previous FROM job
                     WHERE job.id = first.id AND job.state = 'queued' FOR UPDATE SKIP LOCKED) AS taken
                 ORDER BY first.rescued DESC, first.due, first.id LIMIT 1)
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

/// Any job; a heavy one only with $3. Of each group more candidates than there are claims at this moment: an instance
/// has one under way. Jobs whose instance died come before all others: they have waited for their turn once.
pub(super) const ANY: &str = take!(concat!(
    heads!(),
    ", candidate AS MATERIALIZED (
         SELECT near.* FROM head CROSS JOIN LATERAL (
             WITH ",
    walk!("run_at <= (SELECT now FROM clock)"),
    "        SELECT job.id, job.rescued, job.due FROM walk AS job WHERE ",
    mine!(),
    "        LIMIT (SELECT least(64, 8 * count(*)) FROM instance WHERE state = 'alive')) AS near
         WHERE EXISTS (SELECT 1 FROM me) AND ($3 OR NOT head.heavy) AND head.run_at <= (SELECT now FROM clock))"
));

/// One of the jobs $5.
const ONE_OF: &str = take!(concat!(
    "candidate AS MATERIALIZED (
         SELECT job.id, job.rescued, job.due FROM job, me
         WHERE job.id = ANY ($5) AND job.state = 'queued' AND job.run_at <= (SELECT now FROM clock)
               AND ($3 OR NOT job.heavy) AND ",
    mine!(),
    ")"
));

/// $1: the only jobs to look at, or none; $2: whose refusals count, or none.
pub(super) const NEXT_DUE: &str = concat!(
    "WITH RECURSIVE ",
    heads!(),
    ", first AS (
         SELECT min(job.run_at) AS run_at FROM job WHERE job.id = ANY ($1) AND job.state = 'queued' AND ",
    unrefused!("$2"),
    " AND ",
    free!(),
    "    UNION ALL
         SELECT near.run_at FROM head CROSS JOIN LATERAL (
             WITH ",
    walk!("true"),
    "        SELECT job.run_at FROM walk AS job WHERE job.pinned IS NULL AND ",
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
