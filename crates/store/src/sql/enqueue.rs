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
/// instance that is gone would hold the row for ever; one that is not registered yet may still come.
const ENQUEUE: &str = concat!(
    r#"
    INSERT INTO job (repository, "full", forced, rank, run_at, enqueued_at, traceparent, pinned)
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
        traceparent = coalesce(job.traceparent, excluded.traceparent),
        pinned      = excluded.pinned,
        merged      = job.merged + 1
    RETURNING id, merged > 0 AS folded"#
);

pub(super) async fn enqueue<B: Base>(store: &B, repository: RepositoryId, how: &Enqueue) -> Result<Enqueued, Fault> {
    let rank = how.rank.clamp(-RANK_MAX, RANK_MAX);
    let (delay, traceparent) = (micros(how.delay), how.traceparent.as_deref());
    let mut tx = store.single().await?;
    let pinned = how.pinned.map(|instance| instance.0);
    let values = values![repository.0, how.full, how.force, rank, delay, traceparent, pinned];
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
