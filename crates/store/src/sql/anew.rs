//! What cannot be fetched any more is cut anew from what is stored.
//!
//! It stands beside what was cut before, as any publication under another chunking does: of the same commit, by the
//! same rules, with the times at which that was published and checked. No remote was heard, so that the claim still
//! runs, and its attempt ends as it failed. It is noted as if it had been read without any patience: who reaches the
//! remote again reads every file.

use tracing::Instrument as _;
use warmer_content::ChunkingId;

use super::attempt::Running;
use super::rows::served_by;
use super::served::Ids;
use super::spans::Sent;
use super::{Base, Connection, Fault, Row as _, Statements as _, values};
use crate::repository::Served;

/// What the repository $1 published last.
const LATEST: &str = "
    SELECT served.reference AS served_reference, served.ref_oid AS served_ref_oid, served.commit_oid AS served_commit,
           embedding.digest AS published_embedding, chunking.digest AS served_chunking, rules.digest AS served_rules,
           served.chunking, served.published_at, served.served_at
    FROM served
    JOIN fingerprint AS embedding ON embedding.id = served.embedding
    JOIN fingerprint AS chunking ON chunking.id = served.chunking
    JOIN fingerprint AS rules ON rules.id = served.rules
    WHERE served.repository = $1 ORDER BY served.publication DESC LIMIT 1";
/// Of the repository $1 under the chunking $2.
const KEEP: &str = "
    UPDATE served SET published_at = $3, served_at = $4, retries = 0, retry_at = NULL, patience = 0
    WHERE repository = $1 AND chunking = $2";

/// Whether the last publication is one that can be cut anew.
pub(super) enum Stands {
    /// It was published and checked at these times.
    Since(i64, i64),
    /// It is cut so already.
    CutSo,
    /// It is of another commit, or by other rules.
    Other,
}

/// The caller has the repository's lock.
pub(super) async fn stands<C: Connection>(
    tx: &mut C,
    repository: i64,
    ids: Ids,
    anew: &Served,
) -> sqlx::Result<Stands> {
    let Some(row) = tx.maybe(LATEST, values![repository]).await? else { return Ok(Stands::Other) };
    if row.int("chunking")? == ids.chunking {
        return Ok(Stands::CutSo);
    }
    let latest = served_by(&row, "published_embedding")?.map(|latest| Served { recipe: anew.recipe, ..latest });
    Ok(if latest.as_ref() == Some(anew) {
        Stands::Since(row.int("published_at")?, row.int("served_at")?)
    } else {
        Stands::Other
    })
}

/// After it was made visible: the times stay, and the claim runs on with nothing staged.
pub(super) async fn keep<C: Connection>(tx: &mut C, run: &Running, ids: Ids, since: (i64, i64)) -> sqlx::Result<()> {
    tx.run(KEEP, values![run.repository, ids.chunking, since.0, since.1]).await?;
    run.unstage(tx).await
}

/// Which repositories no schedule checks, or are gone, and were not tried since the fleet cuts texts by the chunking
/// `$1`, which they are not cut by. `$2`: a path of one machine in a database of many is none, unless it has a
/// schedule: elsewhere it is not there, or another repository, and nobody but who named it can warm it again.
macro_rules! is_left {
    () => {
        "(repository.state = 'dead'
          OR repository.state = 'active' AND (repository.stale_since IS NOT NULL OR repository.refresh IS NULL))
         AND NOT ($2 AND repository.refresh IS NULL AND repository.remote LIKE 'file://%')
         AND repository.tried_at <= (SELECT fleet.set_at FROM fleet WHERE fleet.chunking = $1)
         AND (SELECT fingerprint.digest FROM served JOIN fingerprint ON fingerprint.id = served.chunking
              WHERE served.repository = repository.id ORDER BY served.publication DESC LIMIT 1) <> $1
         AND (SELECT job.id FROM job
              WHERE job.repository = repository.id AND job.kind = 0 AND job.state = 'queued') IS NULL
         AND (SELECT job.id FROM job
              WHERE job.repository = repository.id AND job.kind = 0 AND job.state = 'running') IS NULL"
    };
}

/// Most of the time there is none, and nothing is sent.
const ANY_LEFT: &str = concat!("SELECT EXISTS (SELECT 1 FROM repository WHERE ", is_left!(), ") AS any_left");

/// A job for each of these; `$3` at most, `$lock` for those that are looked at. `$4` is the trace of the look. They may
/// be all repositories there are, and each is read whole: they stand as far behind a push as fills in bulk do.
macro_rules! queue_left {
    ($lock:literal) => {
        concat!(
            "INSERT INTO job (repository, rank, run_at, enqueued_at, traces)
             SELECT repository.id, ",
            $crate::sql::fill_jobs::lane_rank!("repository.rank", "1"),
            ", now, now, CAST($4 AS TEXT) FROM repository, clock WHERE ",
            $crate::sql::anew::is_left!(),
            " ORDER BY repository.id LIMIT $3 ",
            $lock,
            " ON CONFLICT ",
            $crate::sql::enqueue::queued_key!(),
            " DO NOTHING"
        )
    };
}
pub(crate) use {is_left, queue_left};

pub(super) async fn enqueue_left<B: Base>(store: &B, chunking: ChunkingId, limit: u32) -> Result<u64, Fault> {
    let shared = store.is_shared();
    if !store.read().await?.one(ANY_LEFT, values![&chunking.0, shared]).await?.flag("any_left")? {
        return Ok(0);
    }
    let sent = Sent::here(store.system(), None);
    let values = values![&chunking.0, shared, limit, sent.trace()];
    let enqueued = store.once(B::Connection::QUEUE_LEFT, values).instrument(sent.span.clone()).await?;
    sent.jobs(enqueued);
    Ok(enqueued)
}
