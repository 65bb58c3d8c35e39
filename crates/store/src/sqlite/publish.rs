//! Staging, and the one transaction that makes it visible.

use sqlx::SqliteConnection;

use super::attempt::{self, Ending, Running};
use super::fault::Fault;
use super::{Sqlite, rows};
use crate::cache::{Outcome, StagedEntry};
use crate::envelope;
use crate::job::{AttemptOutcome, ClaimId};
use crate::publication::{Publication, Published};
use crate::repository::Served;

/// ?2: [[path, oid, hint, artifact or null, skip or null], …].
const STAGE: &str = "
    INSERT INTO staged_entry (claim, path, oid, hint, artifact, skip)
    SELECT ?1, value ->> 0, value ->> 1, value ->> 2, unhex(value ->> 3), value ->> 4 FROM json_each(?2) WHERE true
    ON CONFLICT (claim, path) DO UPDATE SET
        oid = excluded.oid, hint = excluded.hint, artifact = excluded.artifact, skip = excluded.skip";

const SERVED: &str = concat!("SELECT ", rows::repository_columns!(), " FROM repository WHERE id = ?");

/// ?1: the repository; ?2: the claim; ?3: whether the staged rows are the full listing.
const REMOVE: &str = "
    DELETE FROM entry WHERE repository = ?1 AND
        iif(?3, NOT EXISTS (SELECT 1 FROM staged_entry AS staged WHERE staged.claim = ?2 AND staged.path = entry.path
                            AND (staged.artifact IS NOT NULL OR staged.skip IS NOT NULL)),
                path IN (SELECT path FROM staged_entry WHERE claim = ?2 AND artifact IS NULL AND skip IS NULL))";

/// ?1: the claim; ?2: the text; ?3: the reason.
const SKIP_FAILED: &str = "
    UPDATE staged_entry SET artifact = NULL, skip = ?3 WHERE claim = ?1 AND artifact IN (
        SELECT artifact.key FROM artifact_chunk JOIN artifact ON artifact.id = artifact_chunk.artifact
        WHERE artifact_chunk.text = ?2)";

/// ?1: the repository; ?2: the claim.
const INDEXED: &str = "
    SELECT count(*) FROM staged_entry AS staged
    LEFT JOIN entry ON entry.repository = ?1 AND entry.path = staged.path
    WHERE staged.claim = ?2 AND staged.artifact IS NOT NULL AND staged.artifact IS NOT entry.artifact";

const APPLY: &str = "
    INSERT INTO entry (repository, path, oid, hint, artifact, skip)
    SELECT ?1, path, oid, hint, artifact, skip FROM staged_entry
    WHERE claim = ?2 AND (artifact IS NOT NULL OR skip IS NOT NULL)
    ON CONFLICT (repository, path) DO UPDATE SET
        oid = excluded.oid, hint = excluded.hint, artifact = excluded.artifact, skip = excluded.skip
        WHERE oid <> excluded.oid OR hint <> excluded.hint OR artifact IS NOT excluded.artifact
              OR skip IS NOT excluded.skip";

/// What the entries to be checked need and the cache lacks, or has in a version that this one cannot read.
/// ?2 is the claim whose staged paths are to be checked, or NULL for all entries of the repository.
macro_rules! missing {
    ($from:literal) => {
        concat!(
            "WITH wanted AS (SELECT DISTINCT artifact AS key FROM ",
            $from,
            "),
             text AS (SELECT DISTINCT artifact_chunk.text FROM wanted
                 CROSS JOIN artifact ON artifact.key = wanted.key
                 CROSS JOIN artifact_chunk ON artifact_chunk.artifact = artifact.id)
             SELECT (SELECT count(*) FROM wanted WHERE NOT EXISTS
                        (SELECT 1 FROM artifact WHERE artifact.key = wanted.key AND artifact.version = ?3))
                  + (SELECT count(*) FROM text WHERE NOT EXISTS
                        (SELECT 1 FROM vector WHERE vector.text = text.text
                         AND vector.embedding = (SELECT id FROM fingerprint WHERE digest = ?2)))"
        )
    };
}
const MISSING_STAGED: &str = missing!("staged_entry WHERE claim = ?1 AND artifact IS NOT NULL");
const MISSING_SERVED: &str = missing!("entry WHERE repository = ?1 AND artifact IS NOT NULL");

const SERVE: &str = "
    UPDATE repository SET served_reference = ?2, served_ref_oid = ?3, served_commit = ?4, served_embedding = ?5,
        served_chunking = ?6, served_rules = ?7
    WHERE id = ?1";

pub(super) async fn stage(store: &Sqlite, claim: ClaimId, entries: &[StagedEntry]) -> Result<bool, Fault> {
    let staged = entries.iter().map(|entry| {
        let (artifact, skip) = match &entry.outcome {
            Outcome::Artifact(key) => (Some(key.to_string()), None),
            Outcome::Skip(reason) => (None, Some(reason.as_str())),
            Outcome::Gone => (None, None),
        };
        (&entry.path, &entry.oid, &entry.hint, artifact, skip)
    });
    let staged = rows::json(&staged.collect::<Vec<_>>());
    let mut tx = store.write().await?;
    if attempt::running(&mut tx, claim).await?.is_none() {
        return Ok(false);
    }
    sqlx::query(STAGE).bind(claim.0.as_bytes().as_slice()).bind(staged).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(true)
}

pub(super) async fn publish(store: &Sqlite, publication: &Publication) -> Result<Published, Fault> {
    let mut tx = store.write().await?;
    let Some(run) = attempt::running(&mut tx, publication.claim).await? else {
        if attempt::outcome(&mut tx, publication.claim).await? == Some(AttemptOutcome::Warmed) {
            return Ok(Published::Done { recognised: true, indexed: 0, removed: 0 });
        }
        store.count_stale_finish();
        return Ok(Published::Stale);
    };
    if served(&mut tx, run.repository).await? != publication.base {
        return Ok(Published::Moved);
    }
    skip_failed(&mut tx, publication).await?;
    let (indexed, removed) = apply(&mut tx, &run, publication).await?;
    let missing = missing(&mut tx, &run, publication).await?;
    if missing > 0 {
        return Ok(Published::Incomplete { missing });
    }
    serve(&mut tx, &run, &publication.served).await?;
    let ending = Ending {
        summary: Some(&publication.summary),
        commit: Some(&publication.served.commit),
        traceparent: publication.traceparent.as_deref(),
        ..Ending::default()
    };
    run.record(&mut tx, AttemptOutcome::Warmed, ending).await?;
    run.exonerate(&mut tx).await?;
    run.finish(&mut tx).await?;
    tx.commit().await?;
    Ok(Published::Done { recognised: false, indexed, removed })
}

async fn served(tx: &mut SqliteConnection, repository: i64) -> sqlx::Result<Option<Served>> {
    rows::served(&sqlx::query(SERVED).bind(repository).fetch_one(tx).await?)
}

async fn skip_failed(tx: &mut SqliteConnection, publication: &Publication) -> sqlx::Result<()> {
    for (text, reason) in &publication.failed {
        let skip = sqlx::query(SKIP_FAILED).bind(publication.claim.0.as_bytes().as_slice());
        skip.bind(text.0.0.as_slice()).bind(reason.as_str()).execute(&mut *tx).await?;
    }
    Ok(())
}

/// Applies the staged rows; gives how many entries show another artifact, and how many are gone.
async fn apply(tx: &mut SqliteConnection, run: &Running, publication: &Publication) -> sqlx::Result<(u64, u64)> {
    let claim = publication.claim.0.as_bytes().as_slice();
    let indexed = sqlx::query_scalar(INDEXED).bind(run.repository).bind(claim).fetch_one(&mut *tx).await?;
    let remove = sqlx::query(REMOVE).bind(run.repository).bind(claim).bind(publication.complete);
    let removed = remove.execute(&mut *tx).await?.rows_affected();
    sqlx::query(APPLY).bind(run.repository).bind(claim).execute(tx).await?;
    Ok((rows::count(indexed), removed))
}

/// Entries that were not staged were checked when they were published, and are kept by the collection as long as they
/// are served: only another recipe makes it necessary to look at them again.
async fn missing(tx: &mut SqliteConnection, run: &Running, publication: &Publication) -> sqlx::Result<u64> {
    let same_recipe = publication.base.as_ref().is_some_and(|base| base.recipe == publication.served.recipe);
    let claim = publication.claim.0.as_bytes().as_slice();
    let query = if publication.complete || same_recipe {
        sqlx::query_scalar(MISSING_STAGED).bind(claim)
    } else {
        sqlx::query_scalar(MISSING_SERVED).bind(run.repository)
    };
    let embedding = publication.served.recipe.embedding.0.0;
    query.bind(embedding.as_slice()).bind(envelope::VERSION).fetch_one(tx).await.map(rows::count)
}

async fn serve(tx: &mut SqliteConnection, run: &Running, served: &Served) -> sqlx::Result<()> {
    sqlx::query(SERVE)
        .bind(run.repository)
        .bind(&served.reference)
        .bind(&served.ref_oid)
        .bind(&served.commit)
        .bind(served.recipe.embedding.0.0.as_slice())
        .bind(served.recipe.chunking.0.0.as_slice())
        .bind(served.rules.0.0.as_slice())
        .execute(tx)
        .await
        .map(drop)
}
