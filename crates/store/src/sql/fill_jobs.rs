//! Fills in the queue: how they come there, and what a claim tells of them.

use warmer_content::{ChunkingId, EmbeddingId, Recipe};

use super::rows::{count, digest, numbered};
use super::{Connection, Row, values};
use crate::job::{Fill, JobKind, Lane};
use crate::shard::Shard;

/// The rank of a job of the lane `$lane` whose repository has the rank `$rank`: in bulk it stands 20 ranks behind what
/// is new, which are 100 minutes, and so is never left behind for good. Held within the schema's bound.
macro_rules! lane_rank {
    ($rank:literal, $lane:literal) => {
        concat!("CASE WHEN ", $lane, " = 0 THEN ", $rank, " WHEN ", $rank, " > 80 THEN 100 ELSE ", $rank, " + 20 END")
    };
}

/// What holds a queued fill back, whoever asks: its repository's state, or a running job of its key.
macro_rules! fill_is_free {
    () => {
        "(SELECT state FROM repository WHERE repository.id = job.repository) <> 'paused'
         AND (SELECT other.id FROM job AS other
              WHERE other.repository = job.repository AND other.kind = 1 AND other.generation = job.generation
                  AND other.lane = job.lane AND other.shard = job.shard AND other.state = 'running') IS NULL"
    };
}

/// The generations whose vectors are wanted, and are of the embedding `$embedding`, if there is one.
macro_rules! wanted_generations {
    ($embedding:literal) => {
        concat!(
            "(SELECT generation.id FROM generation JOIN fingerprint ON fingerprint.id = generation.embedding
              WHERE generation.state IN ('active', 'building')
                  AND (",
            $embedding,
            " IS NULL OR fingerprint.digest = ",
            $embedding,
            "))"
        )
    };
}

/// The columns that [`fill`] reads, of `job` and its `repository`.
macro_rules! fill_columns {
    () => {
        "job.kind, job.generation, job.lane, job.shard, repository.publication AS up_to,
         (SELECT fingerprint.digest FROM generation JOIN fingerprint ON fingerprint.id = generation.embedding
          WHERE generation.id = job.generation) AS fill_embedding,
         (SELECT fingerprint.digest FROM generation JOIN fingerprint ON fingerprint.id = generation.chunking
          WHERE generation.id = job.generation) AS fill_chunking"
    };
}

/// $1: the repository; $2: the generation, which `$lock` keeps from retiring until the transaction ends; $3: the lane;
/// $4: the shard; $5: the trace of what asks. A fill in bulk is marked heavy, so that claims of what is new alone pass
/// over all of them at once.
macro_rules! enqueue_fill {
    ($lock:literal) => {
        concat!(
            "INSERT INTO job (repository, kind, generation, lane, shard, heavy, rank, run_at, enqueued_at, traces)
             SELECT repository.id, 1, $2, $3, $4, $3 <> 0, ",
            $crate::sql::fill_jobs::lane_rank!("repository.rank", "$3"),
            ", now, now, $5 FROM repository, generation, clock
             WHERE repository.id = $1 AND generation.id = $2 AND generation.state <> 'retired' ",
            $lock,
            " ON CONFLICT ",
            $crate::sql::enqueue::queued_key!(),
            " DO NOTHING"
        )
    };
}
pub(crate) use {enqueue_fill, fill_columns, fill_is_free, lane_rank, wanted_generations};

/// What is queued of generations that retired or are no more: nobody may claim it. What runs ends by itself, and one
/// that is brought back gets its fills anew.
const UNWANTED: &str = "
    DELETE FROM job WHERE state = 'queued' AND kind = 1 AND NOT EXISTS (
        SELECT 1 FROM generation WHERE generation.id = job.generation AND generation.state <> 'retired')";

/// In the transaction that has generations retire, or drops them, behind that.
pub(super) async fn delete_unwanted<C: Connection>(tx: &mut C) -> sqlx::Result<()> {
    tx.run(UNWANTED, &[]).await.map(drop)
}

/// Whether vectors of a generation are to be made; it does not retire before the transaction ends.
pub(super) async fn is_wanted<C: Connection>(tx: &mut C, generation: i64) -> sqlx::Result<bool> {
    tx.maybe(C::HOLD_GENERATION, values![generation]).await?.map_or(Ok(false), |row| row.flag("wanted"))
}

/// Puts a fill in the queue; false: one of this key is queued already, and does it, or its generation retired. Within
/// the caller's transaction, which must have the coverage's row by then: an end of a fill takes that first, too.
pub(crate) async fn enqueue<C: Connection>(
    tx: &mut C,
    (repository, generation): (i64, i64),
    (lane, shard): (Lane, Shard),
    trace: Option<&str>,
) -> sqlx::Result<bool> {
    let values = values![repository, generation, lane.number(), shard.number(), trace];
    Ok(tx.run(C::ENQUEUE_FILL, values).await? > 0)
}

/// What a job is to do that was claimed; `None`: it is a refresh.
pub(crate) fn fill(row: &impl Row) -> sqlx::Result<Option<Fill>> {
    if numbered(row, "kind", JobKind::from_number)? == JobKind::Refresh {
        return Ok(None);
    }
    let embedding = EmbeddingId(digest(row.bytes("fill_embedding")?)?);
    let chunking = ChunkingId(digest(row.bytes("fill_chunking")?)?);
    Ok(Some(Fill {
        generation: row.int("generation")?,
        recipe: Recipe { embedding, chunking },
        lane: numbered(row, "lane", Lane::from_number)?,
        shard: numbered(row, "shard", Shard::from_number)?,
        up_to: count(row.int("up_to")?),
    }))
}
