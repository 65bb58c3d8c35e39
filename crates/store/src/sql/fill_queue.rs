//! Fills for what lacks: of a publication at once, and of whatever has none when somebody looks.

use warmer_content::EmbeddingId;

use super::lack::Brought;
use super::rows::numbered;
use super::spans::Sent;
use super::{Base, Connection, Fault, Row as _, Writing as _, count, fill_jobs, values};
use crate::fill::FillRequest;
use crate::job::Lane;
use crate::shard::Shard;

/// What lacks vectors of the embedding $1 and has no fill in its lane, of $2 repositories and lanes at most, of the
/// repository $3 or, where that is 0, of all. A lane whose fill does not go over all of its buckets is looked at again
/// when that has ended.
const WITHOUT: &str = "
    SELECT coverage.repository, coverage.generation, lane.number AS lane,
           (SELECT CAST(sum(lack.texts) AS BIGINT) FROM lack
            WHERE lack.repository = coverage.repository AND lack.generation = coverage.generation
                AND lack.lane = lane.number) AS texts
    FROM coverage JOIN generation ON generation.id = coverage.generation
    JOIN repository ON repository.id = coverage.repository
    CROSS JOIN (SELECT 0 AS number UNION ALL SELECT 1) AS lane
    WHERE generation.embedding = (SELECT id FROM fingerprint WHERE digest = $1)
        AND generation.state <> 'retired' AND repository.state <> 'paused'
        AND ($3 = 0 OR coverage.repository = $3)
        AND (SELECT lack.lane FROM lack
             WHERE lack.repository = coverage.repository AND lack.generation = coverage.generation
                 AND lack.lane = lane.number LIMIT 1) IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM job
            WHERE job.repository = coverage.repository AND job.kind = 1 AND job.generation = coverage.generation
                AND job.lane = lane.number AND job.state = 'queued')
        AND NOT EXISTS (SELECT 1 FROM job
            WHERE job.repository = coverage.repository AND job.kind = 1 AND job.generation = coverage.generation
                AND job.lane = lane.number AND job.state = 'running')
    ORDER BY coverage.repository, coverage.generation, lane.number LIMIT $2";

/// Fills of the repository $1 that were put off are due.
const HASTEN: &str = "
    UPDATE job SET run_at = (SELECT now FROM clock), last_error = NULL
    WHERE repository = $1 AND kind = 1 AND state = 'queued'";

/// Every repository: no row has this number.
const ALL: i64 = 0;

/// The number of jobs.
pub(super) async fn enqueue<B: Base>(
    store: &B,
    embedding: EmbeddingId,
    request: FillRequest<'_>,
) -> Result<u64, Fault> {
    let Some(repositories) = request.repositories else {
        return enqueue_of(store, embedding, ALL, request.limit).await;
    };
    let mut jobs = 0;
    for repository in repositories {
        if request.force {
            store.once(HASTEN, values![repository.0]).await?;
        }
        jobs += enqueue_of(store, embedding, repository.0, request.limit).await?;
    }
    Ok(jobs)
}

async fn enqueue_of<B: Base>(store: &B, embedding: EmbeddingId, repository: i64, limit: u32) -> Result<u64, Fault> {
    let without = store.read().await?.all(WITHOUT, values![&embedding.0, limit, repository]).await?;
    let mut jobs = 0;
    for row in &without {
        let of = (row.int("repository")?, row.int("generation")?);
        let lane = numbered(row, "lane", Lane::from_number)?;
        let sent = Sent::here(store.system(), None);
        let mut tx = store.write().await?;
        jobs += shards(&mut *tx, of, lane, row.int("texts")?, &sent).await?;
        tx.commit().await?;
    }
    Ok(jobs)
}

/// For what a publication brought, within its transaction.
pub(super) async fn enqueue_brought<C: Connection>(
    tx: &mut C,
    repository: i64,
    brought: &Brought,
    sent: &Sent,
) -> sqlx::Result<()> {
    let of = (repository, brought.generation);
    shards(tx, of, brought.lane, brought.texts, sent).await.map(drop)
}

/// What is new is little and goes as one; in bulk many instances share a repository.
async fn shards<C: Connection>(tx: &mut C, of: (i64, i64), lane: Lane, texts: i64, sent: &Sent) -> sqlx::Result<u64> {
    let shards = match lane {
        Lane::New => vec![Shard::ALL],
        Lane::Bulk => Shard::split(count(texts)),
    };
    let mut jobs = 0;
    for shard in shards {
        jobs += u64::from(fill_jobs::enqueue(tx, of, (lane, shard), sent.trace()).await?);
    }
    sent.jobs(jobs);
    Ok(jobs)
}
