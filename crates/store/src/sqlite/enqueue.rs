//! Into the queue: one statement, so that a storm of requests leaves one row.

use super::fault::Fault;
use super::{Sqlite, rows};
use crate::error::{StoreError, StoreErrorKind};
use crate::job::JobId;
use crate::queue::{Enqueue, Enqueued};
use crate::repository::RepositoryId;

/// The bounds of the schema.
const RANK_MAX: i32 = 100;

/// `last_error` tells a row in backoff from one that merely waits: only force brings such a row forward.
const ENQUEUE: &str = "
    INSERT INTO job (repository, heavy, full, forced, rank, run_at, enqueued_at, traceparent)
    SELECT repository.id, 0, ?2, ?3, ?4, now + ?5, now, ?6 FROM repository, clock WHERE repository.id = ?1
    ON CONFLICT (repository) WHERE state = 'queued' DO UPDATE SET
        full        = max(full, excluded.full),
        forced      = max(forced, excluded.forced),
        rank        = min(rank, excluded.rank),
        run_at      = iif(last_error IS NULL OR excluded.forced, min(run_at, excluded.run_at), run_at),
        traceparent = coalesce(traceparent, excluded.traceparent),
        merged      = merged + 1
    RETURNING id, merged > 0";

pub(super) async fn enqueue(store: &Sqlite, repository: RepositoryId, how: Enqueue) -> Result<Enqueued, Fault> {
    let mut tx = store.write().await?;
    let row: Option<(i64, bool)> = sqlx::query_as(ENQUEUE)
        .bind(repository.0)
        .bind(how.full)
        .bind(how.force)
        .bind(how.rank.clamp(-RANK_MAX, RANK_MAX))
        .bind(rows::micros(how.delay))
        .bind(how.traceparent)
        .fetch_optional(&mut *tx)
        .await?;
    tx.commit().await?;
    let Some((job, merged)) = row else {
        let message = format!("repository {} is not in {}: add it first", repository.0, store.path.display());
        return Err(StoreError::new(StoreErrorKind::Broken, message).into());
    };
    Ok(Enqueued { job: JobId(job), merged })
}
