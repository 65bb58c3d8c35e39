//! Staging, and the one transaction that makes it visible.

use std::collections::BTreeSet;

use sqlx::SqliteConnection;

use super::attempt::{self, Ending, Running};
use super::fault::{Fault, odd};
use super::{Sqlite, rows};
use crate::cache::{Outcome, StagedEntry, Totals};
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

/// ?1: the repository; ?2: the claim. The staged rows are the full listing.
const REMOVE_UNLISTED: &str = "
    DELETE FROM entry WHERE repository = ?1 AND NOT EXISTS (
        SELECT 1 FROM staged_entry AS staged WHERE staged.claim = ?2 AND staged.path = entry.path
        AND (staged.artifact IS NOT NULL OR staged.skip IS NOT NULL))";

/// ?1: the repository; ?2: the claim. The staged rows are a difference, and cost as much as there are of them.
const REMOVE_GONE: &str = "
    DELETE FROM entry WHERE repository = ?1 AND path IN (
        SELECT path FROM staged_entry WHERE claim = ?2 AND artifact IS NULL AND skip IS NULL)";

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

/// What entries come to, by the reason for which they are skipped. ?1: the repository; ?2: a claim, whose staged paths alone
/// are looked at.
macro_rules! sums {
    ($from:literal) => {
        concat!(
            "SELECT entry.skip, count(*), coalesce(sum(artifact.chunks), 0), coalesce(sum(artifact.tokens), 0),
                 coalesce(sum(artifact.bytes), 0)
             FROM ",
            $from,
            " LEFT JOIN artifact ON artifact.key = entry.artifact
             WHERE entry.repository = ?1 AND ?2 IS NOT NULL GROUP BY entry.skip"
        )
    };
}
const SUMS_OF_ALL: &str = sums!("entry");
const SUMS_OF_STAGED: &str =
    sums!("(SELECT path FROM staged_entry WHERE claim = ?2) AS staged CROSS JOIN entry ON entry.path = staged.path");

const STORED_TOTALS: &str = "SELECT totals FROM repository WHERE id = ?";
const STORE_TOTALS: &str = "UPDATE repository SET totals = ?2 WHERE id = ?1";

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

/// Applies the staged rows and keeps the totals; gives how many entries show another artifact, and how many are gone.
async fn apply(tx: &mut SqliteConnection, run: &Running, publication: &Publication) -> Result<(u64, u64), Fault> {
    let claim = publication.claim.0.as_bytes().as_slice();
    let stored: Option<String> = sqlx::query_scalar(STORED_TOTALS).bind(run.repository).fetch_one(&mut *tx).await?;
    // A difference costs as much as it is large; without totals to start from all is summed up once.
    let base = stored.filter(|_| !publication.complete).map(|stored| totals(&stored)).transpose()?;
    let before = sums(tx, SUMS_OF_STAGED, run, claim).await?;
    let indexed = sqlx::query_scalar(INDEXED).bind(run.repository).bind(claim).fetch_one(&mut *tx).await?;
    let remove = if publication.complete { REMOVE_UNLISTED } else { REMOVE_GONE };
    let removed = sqlx::query(remove).bind(run.repository).bind(claim).execute(&mut *tx).await?.rows_affected();
    sqlx::query(APPLY).bind(run.repository).bind(claim).execute(&mut *tx).await?;
    let totals = match base {
        Some(base) => changed(base, &before, &sums(tx, SUMS_OF_STAGED, run, claim).await?),
        None => sums(tx, SUMS_OF_ALL, run, claim).await?,
    };
    sqlx::query(STORE_TOTALS).bind(run.repository).bind(rows::json(&totals)).execute(tx).await?;
    Ok((rows::count(indexed), removed))
}

/// Totals as they are stored.
pub(super) fn totals(stored: &str) -> sqlx::Result<Totals> {
    serde_json::from_str(stored).map_err(odd)
}

async fn sums(tx: &mut SqliteConnection, sql: &'static str, run: &Running, claim: &[u8]) -> sqlx::Result<Totals> {
    type Sum = (Option<String>, i64, i64, i64, i64);
    let sums: Vec<Sum> = sqlx::query_as(sql).bind(run.repository).bind(claim).fetch_all(tx).await?;
    let mut totals = Totals::default();
    for (skip, files, chunks, tokens, bytes) in sums {
        match skip {
            Some(reason) => drop(totals.skipped.insert(rows::skip_reason(&reason)?, rows::count(files))),
            None => {
                totals.indexed = rows::count(files);
                (totals.chunks, totals.tokens, totals.bytes) =
                    (rows::count(chunks), rows::count(tokens), rows::count(bytes));
            }
        }
    }
    Ok(totals)
}

/// `base` without `before` and with `after`.
fn changed(mut base: Totals, before: &Totals, after: &Totals) -> Totals {
    let change = |now: &mut u64, before: u64, after: u64| *now = (*now + after).saturating_sub(before);
    change(&mut base.indexed, before.indexed, after.indexed);
    change(&mut base.chunks, before.chunks, after.chunks);
    change(&mut base.tokens, before.tokens, after.tokens);
    change(&mut base.bytes, before.bytes, after.bytes);
    for reason in before.skipped.keys().chain(after.skipped.keys()).copied().collect::<BTreeSet<_>>() {
        let of = |totals: &Totals| totals.skipped.get(&reason).copied().unwrap_or(0);
        change(base.skipped.entry(reason).or_default(), of(before), of(after));
    }
    base.skipped.retain(|_, files| *files > 0);
    base
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
