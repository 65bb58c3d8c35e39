//! Verification: what cannot be read or does not fit together is deleted, so that the next look at it is a miss.

use sqlx::SqliteConnection;
use warmer_content::{Artifact, TextKey, Vector};

use super::fault::{Fault, damaged};
use super::{Sqlite, rows};
use crate::envelope;
use crate::error::{StoreError, StoreErrorKind};
use crate::upkeep::Verified;

/// Ids in one step: of artifacts, whose envelopes are read in a deep look, and of vectors.
const STEP: i64 = 256;

const LAST_ARTIFACT: &str = "SELECT coalesce(max(id), 0) FROM artifact";
const LAST_VECTOR: &str = "SELECT coalesce(max(id), 0) FROM vector";
const COUNT: &str = "SELECT (SELECT count(*) FROM artifact), (SELECT count(*) FROM vector)";

/// The number of chunks is not what the artifact's row says.
const MISCOUNTED: &str = "
    SELECT id FROM artifact WHERE id > ?1 AND id <= ?2
        AND chunks <> (SELECT count(*) FROM artifact_chunk WHERE artifact_chunk.artifact = artifact.id)";
/// Those of another version are a miss anyway.
const ENVELOPES: &str = "SELECT id, envelope FROM artifact WHERE id > ?1 AND id <= ?2 AND version = ?3";
const CHUNKS: &str = "SELECT text FROM artifact_chunk WHERE artifact = ? ORDER BY number";
const DELETE_ARTIFACTS: &str = "DELETE FROM artifact WHERE id IN (SELECT value FROM json_each(?))";

/// Vectors of one embedding are of one length: the most frequent.
const MISFITS: &str = "
    WITH size AS (SELECT embedding, length(bytes) AS bytes, count(*) AS vectors FROM vector GROUP BY 1, 2),
         right AS (SELECT embedding, bytes FROM size AS one WHERE vectors =
                      (SELECT max(vectors) FROM size WHERE size.embedding = one.embedding) GROUP BY embedding)
    SELECT vector.id FROM vector JOIN right USING (embedding) WHERE length(vector.bytes) <> right.bytes";
const VECTORS: &str = "SELECT id, bytes FROM vector WHERE id > ?1 AND id <= ?2";
const DELETE_VECTORS: &str = "DELETE FROM vector WHERE id IN (SELECT value FROM json_each(?))";

const ENTRIES_BROKEN: &str = "
    SELECT count(*) FROM entry WHERE artifact IS NOT NULL AND NOT EXISTS
        (SELECT 1 FROM artifact WHERE artifact.key = entry.artifact AND artifact.version = ?)";
const VECTORS_MISSING: &str = "
    SELECT count(*) FROM entry
    JOIN repository ON repository.id = entry.repository
    JOIN artifact ON artifact.key = entry.artifact
    JOIN artifact_chunk ON artifact_chunk.artifact = artifact.id
    WHERE NOT EXISTS (SELECT 1 FROM vector WHERE vector.text = artifact_chunk.text
        AND vector.embedding = (SELECT id FROM fingerprint WHERE digest = repository.served_embedding))";

pub(super) async fn verify(store: &Sqlite, deep: bool) -> Result<Verified, Fault> {
    if deep {
        check_pages(store).await?;
    }
    let (artifacts, vectors): (i64, i64) = sqlx::query_as(COUNT).fetch_one(&mut *store.read().await?).await?;
    let artifacts_damaged = artifacts_of(store, deep).await?;
    let vectors_damaged = vectors_of(store, deep).await?;
    let mut conn = store.read().await?;
    let entries_broken: i64 = sqlx::query_scalar(ENTRIES_BROKEN).bind(envelope::VERSION).fetch_one(&mut *conn).await?;
    let vectors_missing: i64 = sqlx::query_scalar(VECTORS_MISSING).fetch_one(&mut *conn).await?;
    Ok(Verified {
        artifacts: rows::count(artifacts),
        artifacts_damaged,
        vectors: rows::count(vectors),
        vectors_damaged,
        vectors_missing: rows::count(vectors_missing),
        entries_broken: rows::count(entries_broken),
    })
}

/// What only SQLite itself can see: pages that do not hang together.
async fn check_pages(store: &Sqlite) -> Result<(), Fault> {
    let mut conn = store.read().await?;
    let found: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&mut *conn).await?;
    if found == "ok" { Ok(()) } else { Err(StoreError::new(StoreErrorKind::Damaged, damaged(&store.path)).into()) }
}

async fn artifacts_of(store: &Sqlite, deep: bool) -> Result<u64, Fault> {
    let last: i64 = sqlx::query_scalar(LAST_ARTIFACT).fetch_one(&mut *store.read().await?).await?;
    let mut damaged = 0;
    for after in (0..last).step_by(STEP as usize) {
        let mut conn = store.read().await?;
        let mut found: Vec<i64> =
            sqlx::query_scalar(MISCOUNTED).bind(after).bind(after + STEP).fetch_all(&mut *conn).await?;
        if deep {
            found.extend(unreadable(&mut conn, after).await?);
        }
        drop(conn);
        damaged += delete(store, DELETE_ARTIFACTS, &found).await?;
    }
    Ok(damaged)
}

/// Artifacts that do not read, or whose chunks are not those of the table.
async fn unreadable(conn: &mut SqliteConnection, after: i64) -> Result<Vec<i64>, Fault> {
    let query = sqlx::query_as(ENVELOPES).bind(after).bind(after + STEP).bind(envelope::VERSION);
    let stored: Vec<(i64, Vec<u8>)> = query.fetch_all(&mut *conn).await?;
    let mut bad = Vec::new();
    for (id, envelope) in stored {
        let chunks: Vec<Vec<u8>> = sqlx::query_scalar(CHUNKS).bind(id).fetch_all(&mut *conn).await?;
        let fits = |artifact: Artifact| {
            let keys = artifact.chunks.iter().map(|chunk| chunk.key);
            keys.eq(chunks.iter().filter_map(|text| rows::text_key(text).ok()).collect::<Vec<TextKey>>())
        };
        if !envelope::unseal(&envelope).is_some_and(fits) {
            bad.push(id);
        }
    }
    Ok(bad)
}

async fn vectors_of(store: &Sqlite, deep: bool) -> Result<u64, Fault> {
    let misfits: Vec<i64> = sqlx::query_scalar(MISFITS).fetch_all(&mut *store.read().await?).await?;
    let mut damaged = delete(store, DELETE_VECTORS, &misfits).await?;
    if !deep {
        return Ok(damaged);
    }
    let last: i64 = sqlx::query_scalar(LAST_VECTOR).fetch_one(&mut *store.read().await?).await?;
    for after in (0..last).step_by(STEP as usize) {
        let query = sqlx::query_as(VECTORS).bind(after).bind(after + STEP);
        let stored: Vec<(i64, Vec<u8>)> = query.fetch_all(&mut *store.read().await?).await?;
        let bad: Vec<i64> = stored.into_iter().filter(|(_, bytes)| !is_unit(bytes)).map(|(id, _)| id).collect();
        damaged += delete(store, DELETE_VECTORS, &bad).await?;
    }
    Ok(damaged)
}

/// Of length 1, or all zeroes, as [`Vector::normalized`] makes them. Rounding to f16 moves the length by less than 1e-3.
fn is_unit(bytes: &[u8]) -> bool {
    let Ok(vector) = Vector::from_bytes(bytes) else { return false };
    let length = vector.to_f32().iter().map(|value| value * value).sum::<f32>().sqrt();
    length == 0.0 || (length - 1.0).abs() < 1e-2
}

async fn delete(store: &Sqlite, sql: &'static str, ids: &[i64]) -> Result<u64, Fault> {
    if ids.is_empty() {
        return Ok(0);
    }
    let mut tx = store.write().await?;
    let deleted = sqlx::query(sql).bind(rows::json(ids)).execute(&mut *tx).await?.rows_affected();
    tx.commit().await?;
    Ok(deleted)
}
