//! Claims: which job is next, and the fence on it, in one statement.
//!
//! What is due must be found without meeting what is not, and the order is by `due` (when it is to run, plus five
//! minutes per rank): a job of the future at a better rank stands before one that is due. So the statement walks the
//! index from group to group: jobs of one kind, generation and rank that wait for a slot or do not, and whose instance
//! died or did not. There are a few of those, whatever is queued. It takes the first due ones of each, and only then
//! puts those in order.
//!
//! Every step reads one row, `LIMIT 1` in the order of the index. Asked for more at once, the planner fetches and sorts
//! all that is due, as it takes what holds jobs back for rare: 7,000 pages and 54 ms of 50,000, where this is 250 pages
//! and 0.4 ms. Questions about other tables are scalar subqueries: one look at an index per row, whatever the
//! statistics say. Each kind has statements of its own: it stands first in the index, and other things hold it back.

use super::Postgres;
use crate::job::{Claim, ClaimId, InstanceId, JobKind};
use crate::queue::ClaimFilter;
use crate::sql::claimable::{free, mine, my_fill};
use crate::sql::fill_jobs::{fill, fill_columns, fill_is_free, wanted_generations};
use crate::sql::refusal::unrefused;
use crate::sql::repository_columns;
use crate::sql::{Base as _, Connection as _, Fault, Row as _, Value, Writing as _, claimed, ids, repository, states};

/// What a walk carries of a job.
macro_rules! columns {
    () => {
        "id, repository, generation, lane, shard, rescued, heavy, rank, run_at, due, forced, pinned"
    };
}

/// `head`: the first job of each group of the kind `$kind` in the generations `$generations`.
macro_rules! heads {
    ($kind:literal, $generations:expr) => {
        concat!(
            "head AS (
                 SELECT first.* FROM ",
            $generations,
            " AS wanted (generation) CROSS JOIN LATERAL (
                     SELECT ",
            columns!(),
            " FROM job WHERE state = 'queued' AND kind = ",
            $kind,
            "              AND job.generation = wanted.generation
                     ORDER BY rescued, heavy, rank, run_at, id LIMIT 1) AS first
                 UNION ALL
                 SELECT next.* FROM head CROSS JOIN LATERAL (
                     SELECT ",
            columns!(),
            " FROM job
                     WHERE state = 'queued' AND kind = ",
            $kind,
            "              AND generation = head.generation
                           AND (rescued, heavy, rank) > (head.rescued, head.heavy, head.rank)
                     ORDER BY rescued, heavy, rank, run_at, id LIMIT 1) AS next)"
        )
    };
}

/// That of refreshes.
macro_rules! no_generation {
    () => {
        "(VALUES (0))"
    };
}

/// `walk`: the jobs of the group of `head` that pass `$which`, in the order of the index, as far as they are asked for.
macro_rules! walk {
    ($kind:literal, $which:literal) => {
        concat!(
            "RECURSIVE walk AS (
                 SELECT head.*
                 UNION ALL
                 SELECT next.* FROM walk CROSS JOIN LATERAL (
                     SELECT ",
            columns!(),
            " FROM job
                     WHERE state = 'queued' AND kind = ",
            $kind,
            "              AND generation = walk.generation AND rescued = walk.rescued AND heavy = walk.heavy
                           AND rank = walk.rank AND (run_at, id) > (walk.run_at, walk.id) AND ",
            $which,
            "        ORDER BY run_at, id LIMIT 1) AS next)"
        )
    };
}

/// The end of each claim: where the instance lives and `$may`, takes the first of `candidate` that nobody else is
/// taking just now.
macro_rules! take {
    ($may:expr, $candidate:expr) => {
        concat!(
            "WITH RECURSIVE me AS MATERIALIZED (
                 SELECT id FROM instance WHERE instance.id = $2 AND instance.state = 'alive'",
            $may,
            "), ",
            $candidate,
            r#", next AS MATERIALIZED (
                 SELECT taken.* FROM (SELECT * FROM candidate ORDER BY rescued DESC, due, id OFFSET 0) AS first
                 CROSS JOIN LATERAL (
                     SELECT job.id, job.repository, job.state, job.attempt_traceparent AS previous FROM job
                     WHERE job.id = first.id OFFSET 0 FOR UPDATE SKIP LOCKED) AS taken
                 WHERE taken.state = 'queued'
                 ORDER BY first.rescued DESC, first.due, first.id LIMIT 1)
             UPDATE job SET state = 'running', attempt = job.attempt + 1, claim = $1, instance = $2,
                 claimed_at = (SELECT now FROM clock), attempt_traceparent = NULL
             FROM next JOIN repository_served AS repository ON repository.id = next.repository
             WHERE job.id = (SELECT id FROM next)
             RETURNING job.id AS job, job.attempt, job.heavy, job."full", job.crashes, job.traces, next.previous,
                 job.claimed_at - coalesce(job.first_run_at, job.run_at) AS waited,
                 job.claimed_at - job.slot_since AS slot_wait, "#,
            fill_columns!(),
            ",   (SELECT count(*) FROM served WHERE served.repository = repository.id) AS states, ",
            repository_columns!()
        )
    };
}

/// With $4 no refresh is taken while one whose instance died waits for a slot and for nothing else.
macro_rules! unless_first_waits {
    () => {
        concat!(
            " AND NOT ($4 AND EXISTS (
                 SELECT 1 FROM job
                 WHERE state = 'queued' AND kind = 0 AND rescued AND heavy
                       AND job.run_at <= (SELECT now FROM clock) AND ",
            mine!(),
            "))"
        )
    };
}

/// Of each group that passes `$group`, in the order of the index, the jobs that are due and pass `$which`: more
/// candidates than there are claims at this moment, as an instance has a few under way.
macro_rules! candidates {
    ($kind:literal, $generations:expr, $which:expr, $group:literal) => {
        concat!(
            heads!($kind, $generations),
            ", candidate AS MATERIALIZED (
                 SELECT near.* FROM head CROSS JOIN LATERAL (
                     WITH ",
            walk!($kind, "run_at <= (SELECT now FROM clock)"),
            "        SELECT job.id, job.rescued, job.due FROM walk AS job WHERE ",
            $which,
            "        LIMIT (SELECT least(64, 8 * count(*)) FROM instance WHERE state = 'alive')) AS near
                 WHERE EXISTS (SELECT 1 FROM me) AND head.run_at <= (SELECT now FROM clock)",
            $group,
            ")"
        )
    };
}

/// Any refresh; a heavy one only with $3. Those whose instance died come before all others: they have waited for their
/// turn once.
pub(super) const ANY: &str =
    take!(unless_first_waits!(), candidates!("0", no_generation!(), mine!(), " AND ($3 OR NOT head.heavy)"));

/// One of the refreshes $5.
const ONE_OF: &str = take!(
    unless_first_waits!(),
    concat!(
        "candidate AS MATERIALIZED (
             SELECT job.id, job.rescued, job.due FROM job, me
             WHERE job.id = ANY ($5) AND job.state = 'queued' AND job.kind = 0
                   AND job.run_at <= (SELECT now FROM clock) AND ($3 OR NOT job.heavy) AND ",
        mine!(),
        ")"
    )
);

/// Any fill for the embedding $3; one in bulk, which is marked heavy, only with $4. They need no slot, and nobody
/// refuses them.
const ANY_FILL: &str =
    take!("", candidates!("1", wanted_generations!("$3"), my_fill!(), " AND ($4 OR NOT head.heavy)"));

/// One of the fills $5.
const ONE_OF_FILLS: &str = take!(
    "",
    concat!(
        "candidate AS MATERIALIZED (
             SELECT job.id, job.rescued, job.due FROM job, me
             WHERE job.id = ANY ($5) AND job.state = 'queued' AND job.kind = 1
                   AND job.run_at <= (SELECT now FROM clock) AND ($4 OR NOT job.heavy)
                   AND job.generation IN ",
        wanted_generations!("$3"),
        " AND ",
        my_fill!(),
        ")"
    )
);

/// How long until the first job of the kind `$kind` that passes `$which`. $1: the only ones to look at, or none.
macro_rules! next_due {
    ($kind:literal, $generations:expr, $which:expr) => {
        concat!(
            "WITH RECURSIVE ",
            heads!($kind, $generations),
            ", first AS (
                 SELECT min(job.run_at) AS run_at FROM job
                 WHERE job.id = ANY ($1) AND job.state = 'queued' AND job.kind = ",
            $kind,
            " AND job.generation IN (SELECT wanted.generation FROM ",
            $generations,
            " AS wanted (generation)) AND ",
            $which,
            "    UNION ALL
                 SELECT near.run_at FROM head CROSS JOIN LATERAL (
                     WITH ",
            walk!($kind, "true"),
            "        SELECT job.run_at FROM walk AS job WHERE job.pinned IS NULL AND ",
            $which,
            "        LIMIT 1) AS near
                 WHERE $1 IS NULL)
             SELECT min(run_at) - (SELECT now FROM clock) AS wait FROM first"
        )
    };
}

/// $2: whose refusals count, or none.
pub(super) const NEXT_DUE: &str = next_due!("0", no_generation!(), concat!(unrefused!("$2"), " AND ", free!()));

/// $2: the embedding, or none.
pub(super) const NEXT_FILL_DUE: &str = next_due!("1", wanted_generations!("$2"), fill_is_free!());

/// $2: whose refusals count; $3: the embedding.
pub(super) const NEXT_DUE_OF_ALL: &str = concat!(
    "SELECT (",
    next_due!("0", no_generation!(), concat!(unrefused!("$2"), " AND ", free!())),
    ") AS refresh, (",
    next_due!("1", wanted_generations!("$3"), fill_is_free!()),
    ") AS fill"
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
    let list = Value::Ints(only.as_deref());
    let of_refreshes = [id.0.into(), instance.0.into(), filter.heavy.into(), yields.into(), list];
    let embedding = filter.embedding.as_ref().map(|embedding| &embedding.0);
    let of_fills = [id.0.into(), instance.0.into(), embedding.into(), (!filter.new_only).into(), list];
    let mut held = store.single().await?;
    let taken = match (filter.kind, &only) {
        (JobKind::Refresh, None) => held.maybe(ANY, &of_refreshes[..4]).await?,
        (JobKind::Refresh, Some(_)) => held.maybe(ONE_OF, &of_refreshes).await?,
        (JobKind::Fill, None) => held.maybe(ANY_FILL, &of_fills[..4]).await?,
        (JobKind::Fill, Some(_)) => held.maybe(ONE_OF_FILLS, &of_fills).await?,
    };
    let Some(row) = taken else { return Ok(None) };
    let (states, fill) = (states(&mut *held, &row).await?, fill(&row)?);
    held.commit().await?;
    Ok(Some(claimed(&row, row.int("job")?, id, repository(&row)?, states, fill, row.maybe_text("previous")?)?))
}
