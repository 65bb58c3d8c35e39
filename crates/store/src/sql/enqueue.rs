//! Into the queue: one statement, so that a storm of requests leaves one row.

use super::{Base, Connection as _, Fault, Row as _, Writing as _, micros, values};
use crate::error::{StoreError, StoreErrorKind};
use crate::job::JobId;
use crate::queue::{Enqueue, Enqueued};
use crate::repository::RepositoryId;

/// The bounds of the schema.
pub(super) const RANK_MAX: i32 = 100;

/// What tells one queued job from another: whatever puts jobs in the queue names it, and so meets no other.
macro_rules! queued_key {
    () => {
        "(repository, kind, generation, lane, shard) WHERE state = 'queued'"
    };
}
pub(crate) use queued_key;

/// `last_error` tells a row in backoff from one that merely waits: only force brings such a row forward. A pin to an
/// instance that is gone would hold the row for ever; one that is not registered yet may still come. What asked is kept
/// of the first eight; the span of each that asks names the job.
const ENQUEUE: &str = concat!(
    r#"
    INSERT INTO job (repository, "full", forced, rank, run_at, enqueued_at, traces, pinned)
    SELECT repository.id, $2, $3, $4, now + $5, now, $6, $7 FROM repository, clock WHERE repository.id = $1
        AND NOT EXISTS (SELECT 1 FROM instance WHERE instance.id = $7 AND instance.state <> 'alive')
    ON CONFLICT "#,
    queued_key!(),
    r#" DO UPDATE SET
        "full"      = (job."full" OR excluded."full"),
        forced      = (job.forced OR excluded.forced),
        rank        = CASE WHEN excluded.rank < job.rank THEN excluded.rank ELSE job.rank END,
        run_at      = CASE WHEN excluded.run_at < job.run_at AND (job.last_error IS NULL OR excluded.forced)
                           THEN excluded.run_at ELSE job.run_at END,
        traces      = CASE WHEN job.merged < 7
                           THEN coalesce(job.traces || CAST($8 AS TEXT) || excluded.traces, job.traces, excluded.traces)
                           ELSE coalesce(job.traces, excluded.traces) END,
        pinned      = excluded.pinned,
        merged      = job.merged + 1
    RETURNING id, merged > 0 AS folded"#
);

/// `trace` is that of what asks.
pub(super) async fn enqueue<B: Base>(
    store: &B,
    repository: RepositoryId,
    how: &Enqueue,
    trace: Option<&str>,
) -> Result<Enqueued, Fault> {
    let (rank, delay) = (how.rank.clamp(-RANK_MAX, RANK_MAX), micros(how.delay));
    let mut tx = store.single().await?;
    let pinned = how.pinned.map(|instance| instance.0);
    let values = values![repository.0, how.full, how.force, rank, delay, trace, pinned, "\n"];
    let row = tx.maybe(ENQUEUE, values).await?;
    tx.commit().await?;
    let Some(row) = row else { return Err(refused(store, repository).await?.into()) };
    Ok(Enqueued { job: JobId(row.int("id")?), merged: row.flag("folded")? })
}

/// Why nothing was put in the queue.
async fn refused<B: Base>(store: &B, repository: RepositoryId) -> Result<StoreError, Fault> {
    const KNOWN: &str = "SELECT EXISTS (SELECT 1 FROM repository WHERE id = $1) AS known";
    let name = store.name();
    if store.read().await?.one(KNOWN, values![repository.0]).await?.flag("known")? {
        let message = format!("the instance that alone could take this job is gone from {name}: start it anew");
        return Ok(StoreError::new(StoreErrorKind::Gone, message));
    }
    let message = format!("repository {} is not in {name}: add it first", repository.0);
    Ok(StoreError::new(StoreErrorKind::Broken, message))
}
