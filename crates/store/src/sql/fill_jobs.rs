//! Fills in the queue: how they come there, and what a claim tells of them.

use warmer_content::{ChunkingId, EmbeddingId, Recipe};

use super::enqueue::queued_key;
use super::rows::{count, digest, numbered};
use super::{Connection, Row, values};
use crate::job::{Fill, JobKind, Lane, Shard};

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
pub(crate) use {fill_columns, fill_is_free, lane_rank, wanted_generations};

/// $1: the repository; $2: the generation; $3: the lane; $4: the shard; $5: the trace of what asks. A fill in bulk is
/// marked heavy, so that claims of what is new alone pass over all of them at once.
const ENQUEUE: &str = concat!(
    "INSERT INTO job (repository, kind, generation, lane, shard, heavy, rank, run_at, enqueued_at, traces)
     SELECT repository.id, 1, $2, $3, $4, $3 <> 0, ",
    lane_rank!("repository.rank", "$3"),
    ", now, now, $5 FROM repository, clock WHERE repository.id = $1
     ON CONFLICT ",
    queued_key!(),
    " DO NOTHING"
);

/// Puts a fill in the queue; false: one of this key is queued already, and does it. Within the caller's transaction,
/// which must have the coverage's row by then: an end of a fill takes that first, too.
pub(crate) async fn enqueue<C: Connection>(
    tx: &mut C,
    (repository, generation): (i64, i64),
    (lane, shard): (Lane, Shard),
    trace: Option<&str>,
) -> sqlx::Result<bool> {
    let values = values![repository, generation, lane.number(), shard.number(), trace];
    Ok(tx.run(ENQUEUE, values).await? > 0)
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
