//! Claims: which job is next, and the fence on it.

use super::Sqlite;
use crate::job::{Claim, ClaimId, InstanceId, JobKind};
use crate::queue::ClaimFilter;
use crate::sql::claimable::{free, mine, my_fill};
use crate::sql::fill_jobs::{fill, fill_columns, fill_is_free, wanted_generations};
use crate::sql::refusal::unrefused;
use crate::sql::{
    Base as _, Connection as _, Fault, Row as _, Writing as _, claimed, ids, repository, repository_columns, states,
    values,
};

/// `head`: the groups of what is queued of the kind `$kind` in the generations `$generations`, and some that are empty.
/// A group is what the index `job_order` has in one row: jobs of one generation and rank that wait for a slot or do
/// not, and whose instance died or did not. There are a few, whatever is queued.
macro_rules! heads {
    ($kind:literal, $generations:expr) => {
        concat!(
            "head (generation, rescued, heavy, rank) AS (
             SELECT wanted.id, flags.column1, flags.column2,
                    (SELECT min(job.rank) FROM job
                     WHERE job.state = 'queued' AND job.kind = ",
            $kind,
            "              AND job.generation = wanted.id AND job.rescued = flags.column1 AND job.heavy = flags.column2)
             FROM ",
            $generations,
            " AS wanted CROSS JOIN (VALUES (0, 0), (0, 1), (1, 0), (1, 1)) AS flags
             UNION ALL
             SELECT head.generation, head.rescued, head.heavy,
                    (SELECT min(job.rank) FROM job
                     WHERE job.state = 'queued' AND job.kind = ",
            $kind,
            "              AND job.generation = head.generation AND job.rescued = head.rescued
                           AND job.heavy = head.heavy AND job.rank > head.rank)
             FROM head WHERE head.rank IS NOT NULL)"
        )
    };
}

/// That of refreshes.
macro_rules! no_generation {
    () => {
        "(SELECT 0 AS id)"
    };
}

/// `$what` of the first job of the group `head`, of the kind `$kind`, that passes `$which`.
macro_rules! first_of_group {
    ($what:literal, $kind:literal, $($which:tt)*) => {
        concat!(
            "(SELECT job.",
            $what,
            " FROM job
              WHERE job.state = 'queued' AND job.kind = ",
            $kind,
            "       AND job.generation = head.generation AND job.rescued = head.rescued AND job.heavy = head.heavy
                    AND job.rank = head.rank AND ",
            $($which)*,
            " ORDER BY job.run_at, job.id LIMIT 1)"
        )
    };
}

/// The end of each look for a job: the first of `candidate`, where the instance lives and `$may`.
macro_rules! next {
    ($may:expr, $candidate:expr) => {
        concat!(
            "WITH RECURSIVE ",
            $candidate,
            " SELECT job.id, job.repository, job.attempt_traceparent, ",
            fill_columns!(),
            " FROM candidate CROSS JOIN job ON job.id = candidate.id
              CROSS JOIN repository ON repository.id = job.repository
              WHERE EXISTS (SELECT 1 FROM instance WHERE instance.id = $2 AND instance.state = 'alive')",
            $may,
            " ORDER BY job.rescued DESC, job.due, job.id LIMIT 1"
        )
    };
}

/// With $4 no refresh is taken while one whose instance died waits for a slot and for nothing else.
macro_rules! unless_first_waits {
    () => {
        concat!(
            " AND NOT ($4 AND EXISTS (
                  SELECT 1 FROM job
                  WHERE job.state = 'queued' AND job.kind = 0 AND job.generation = 0 AND job.rescued = 1
                        AND job.heavy = 1 AND job.run_at <= (SELECT now FROM clock) AND ",
            mine!(),
            "))"
        )
    };
}

/// Any refresh; a heavy one only with $3. The order is by `due`, in which a job of the future at a better rank stands
/// before one that is due: so the first due one of each group is taken by the index, and only then are those put in
/// order. Jobs whose instance died come before all others: they have waited for their turn once.
const ANY: &str = next!(
    unless_first_waits!(),
    concat!(
        heads!("0", no_generation!()),
        ", candidate AS (SELECT ",
        first_of_group!("id", "0", "job.run_at <= (SELECT now FROM clock) AND ", mine!()),
        " AS id FROM head WHERE $3 OR NOT head.heavy)"
    )
);

/// One of the refreshes $1.
const ONE_OF: &str = next!(
    unless_first_waits!(),
    concat!(
        "candidate AS (
             SELECT job.id FROM json_each($1) AS asked CROSS JOIN job ON job.id = asked.value
             WHERE job.state = 'queued' AND job.kind = 0 AND job.run_at <= (SELECT now FROM clock)
                   AND ($3 OR NOT job.heavy) AND ",
        mine!(),
        ")"
    )
);

/// Any fill for the embedding $3; one in bulk, which is marked heavy, only with $4. They need no slot, and nobody
/// refuses them.
const ANY_FILL: &str = next!(
    "",
    concat!(
        heads!("1", wanted_generations!("$3")),
        ", candidate AS (SELECT ",
        first_of_group!("id", "1", "job.run_at <= (SELECT now FROM clock) AND ", my_fill!()),
        " AS id FROM head WHERE $4 OR NOT head.heavy)"
    )
);

/// One of the fills $1.
const ONE_OF_FILLS: &str = next!(
    "",
    concat!(
        "candidate AS (
             SELECT job.id FROM json_each($1) AS asked CROSS JOIN job ON job.id = asked.value
             WHERE job.state = 'queued' AND job.kind = 1 AND job.run_at <= (SELECT now FROM clock)
                   AND ($4 OR NOT job.heavy) AND job.generation IN ",
        wanted_generations!("$3"),
        " AND ",
        my_fill!(),
        ")"
    )
);

const TAKE: &str = r#"
    UPDATE job SET state = 'running', attempt = attempt + 1, claim = $2, instance = $3,
        claimed_at = (SELECT now FROM clock), attempt_traceparent = NULL
    WHERE id = $1
    RETURNING attempt, heavy, "full", crashes, traces, claimed_at - coalesce(first_run_at, run_at) AS waited,
        claimed_at - slot_since AS slot_wait"#;

const REPOSITORY: &str = concat!(
    "SELECT ",
    repository_columns!(),
    ", (SELECT count(*) FROM served WHERE served.repository = repository.id) AS states
     FROM repository_served AS repository WHERE repository.id = $1"
);

/// How long until the first job of the kind `$kind` that passes `$which`. $1: the only ones to look at, or none.
macro_rules! next_due {
    ($kind:literal, $generations:expr, $($which:tt)*) => {
        concat!(
            "WITH RECURSIVE ",
            heads!($kind, $generations),
            ", found (run_at) AS (
                 SELECT job.run_at FROM json_each($1) AS asked CROSS JOIN job ON job.id = asked.value
                 WHERE job.state = 'queued' AND job.kind = ",
            $kind,
            " AND job.generation IN (SELECT wanted.id FROM ",
            $generations,
            " AS wanted) AND ",
            $($which)*,
            "    UNION ALL
                 SELECT ",
            first_of_group!("run_at", $kind, "job.pinned IS NULL AND ", $($which)*),
            "    FROM head WHERE $1 IS NULL)
             SELECT min(run_at) - (SELECT now FROM clock) AS wait FROM found"
        )
    };
}

/// $2: whose refusals count, or none.
pub(super) const NEXT_DUE: &str = next_due!("0", no_generation!(), unrefused!("$2"), " AND ", free!());

/// $2: the embedding, or none.
pub(super) const NEXT_FILL_DUE: &str = next_due!("1", wanted_generations!("$2"), fill_is_free!());

/// $2: whose refusals count; $3: the embedding.
pub(super) const NEXT_DUE_OF_ALL: &str = concat!(
    "SELECT (",
    next_due!("0", no_generation!(), unrefused!("$2"), " AND ", free!()),
    ") AS refresh, (",
    next_due!("1", wanted_generations!("$3"), fill_is_free!()),
    ") AS fill"
);

pub(super) async fn claim(
    store: &Sqlite,
    id: ClaimId,
    instance: InstanceId,
    filter: &ClaimFilter,
) -> Result<Option<Claim>, Fault> {
    let only = filter.only.as_deref().map(ids);
    let mut tx = store.write().await?;
    let only = only.as_deref();
    let next = match filter.kind {
        JobKind::Refresh => {
            let find = if only.is_some() { ONE_OF } else { ANY };
            tx.maybe(find, values![only, instance.0, filter.heavy, filter.yields]).await?
        }
        JobKind::Fill => {
            let find = if only.is_some() { ONE_OF_FILLS } else { ANY_FILL };
            let embedding = filter.embedding.as_ref().map(|embedding| &embedding.0);
            tx.maybe(find, values![only, instance.0, embedding, !filter.new_only]).await?
        }
    };
    let Some(next) = next else { return Ok(None) };
    let job = next.int("id")?;
    let taken = tx.one(TAKE, values![job, id.0, instance.0]).await?;
    let row = tx.one(REPOSITORY, values![next.int("repository")?]).await?;
    let states = states(&mut *tx, &row).await?;
    tx.commit().await?;
    let previous = next.maybe_text("attempt_traceparent")?;
    Ok(Some(claimed(&taken, job, id, repository(&row)?, states, fill(&next)?, previous)?))
}
