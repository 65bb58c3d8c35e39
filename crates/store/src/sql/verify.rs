//! Verification: what cannot be read or does not fit together is deleted, so that the next look at it is a miss.

use warmer_content::{Artifact, TextKey, Vector};

use super::rows::text_key;
use super::{Base, Connection, Fault, Row as _, Statements, Value, Writing as _, count, lack, symbols, values};
use crate::envelope;
use crate::upkeep::Verified;

/// Ids in one step: of artifacts, whose envelopes are read in a deep look, and of vectors.
pub(super) const STEP: i64 = 256;

pub(super) const LAST_ARTIFACT: &str = "SELECT coalesce(max(id), 0) AS last FROM artifact";
pub(super) const LAST_VECTOR: &str = "SELECT coalesce(max(id), 0) AS last FROM vector";
const COUNT: &str = "
    SELECT (SELECT count(*) FROM artifact) AS artifacts, (SELECT count(*) FROM vector) AS vectors";

/// The number of chunks is not what the artifact's row says.
const MISCOUNTED: &str = "
    SELECT id FROM artifact WHERE id > $1 AND id <= $2
        AND chunks <> (SELECT count(*) FROM artifact_chunk WHERE artifact_chunk.artifact = artifact.id)";
/// Those of another version are a miss anyway.
const ENVELOPES: &str = "SELECT id, envelope FROM artifact WHERE id > $1 AND id <= $2 AND version = $3";
const CHUNKS: &str = "SELECT text FROM artifact_chunk WHERE artifact = $1 ORDER BY number";

/// Vectors of one embedding are of one length: the most frequent.
const MISFITS: &str = "
    WITH size AS (SELECT embedding, length(bytes) AS bytes, count(*) AS vectors FROM vector GROUP BY 1, 2),
         ranked AS (SELECT embedding, bytes, row_number() OVER (PARTITION BY embedding ORDER BY vectors DESC, bytes)
                        AS position FROM size)
    SELECT vector.id FROM vector JOIN ranked ON ranked.embedding = vector.embedding AND ranked.position = 1
    WHERE length(vector.bytes) <> ranked.bytes";
const VECTORS: &str = "SELECT id, bytes FROM vector WHERE id > $1 AND id <= $2";

const ENTRIES_BROKEN: &str = "
    SELECT count(*) AS entries FROM entry WHERE artifact IS NOT NULL AND NOT EXISTS
        (SELECT 1 FROM artifact WHERE artifact.key = entry.artifact AND artifact.version = $1)";
const VECTORS_MISSING: &str = "
    SELECT count(*) AS vectors FROM entry
    JOIN found ON found.repository = entry.repository AND found.chunking = entry.chunking
    JOIN artifact ON artifact.key = entry.artifact
    JOIN artifact_chunk ON artifact_chunk.artifact = artifact.id
    WHERE NOT EXISTS (SELECT 1 FROM vector WHERE vector.text = artifact_chunk.text
        AND vector.embedding = found.embedding)
        AND NOT EXISTS (SELECT 1 FROM failed_text WHERE failed_text.text = artifact_chunk.text
            AND failed_text.embedding = found.embedding AND NOT failed_text.again)";

pub(super) async fn verify<B: Base>(store: &B, deep: bool) -> Result<Verified, Fault> {
    if deep {
        store.check_pages().await?;
    }
    let counted = store.scan().await?.one(COUNT, &[]).await?;
    let artifacts_damaged = artifacts_of(store, deep).await?;
    let symbols_damaged = if deep { symbols_of(store).await? } else { 0 };
    let vectors_damaged = vectors_of(store, deep).await?;
    if deep {
        let last = store.read().await?.one(LAST_ARTIFACT, &[]).await?.int("last")?;
        for after in (0..last).step_by(STEP as usize) {
            note_lack(store, after).await?;
        }
    }
    let mut conn = store.scan().await?;
    let broken = conn.one(ENTRIES_BROKEN, values![envelope::VERSION]).await?;
    let missing = conn.one(VECTORS_MISSING, &[]).await?;
    Ok(Verified {
        artifacts: count(counted.int("artifacts")?),
        artifacts_damaged,
        symbols_damaged,
        vectors: count(counted.int("vectors")?),
        vectors_damaged,
        vectors_missing: count(missing.int("vectors")?),
        entries_broken: count(broken.int("entries")?),
    })
}

async fn artifacts_of<B: Base>(store: &B, deep: bool) -> Result<u64, Fault> {
    let last = store.read().await?.one(LAST_ARTIFACT, &[]).await?.int("last")?;
    let mut damaged = 0;
    for after in (0..last).step_by(STEP as usize) {
        let mut conn = store.read().await?;
        let mut bad = miscounted(&mut *conn, after).await?;
        if deep {
            bad.extend(unreadable(&mut *conn, after).await?.bad);
        }
        drop(conn);
        damaged += delete(store, B::Connection::DELETE_ARTIFACTS, &bad).await?;
    }
    Ok(damaged)
}

/// Those that are deleted are made anew when they are asked for.
async fn symbols_of<B: Base>(store: &B) -> Result<u64, Fault> {
    let last = store.read().await?.one(LAST_ARTIFACT, &[]).await?.int("last")?;
    let mut damaged = 0;
    for after in (0..last).step_by(STEP as usize) {
        let bad = symbols::unreadable(&mut *store.read().await?, after, after + STEP).await?;
        damaged += delete(store, B::Connection::DELETE_SYMBOLS, &bad).await?;
    }
    Ok(damaged)
}

fn ids<R: super::Row>(found: &[R]) -> sqlx::Result<Vec<i64>> {
    found.iter().map(|row| row.int("id")).collect()
}

/// What a step read.
pub(super) struct Read {
    pub(super) rows: u64,
    /// The ids of those that cannot be used.
    pub(super) bad: Vec<i64>,
}

/// Artifacts with another number of chunks than their row says, of a step behind the id `after`.
pub(super) async fn miscounted<C: Connection>(conn: &mut C, after: i64) -> sqlx::Result<Vec<i64>> {
    ids(&conn.all(MISCOUNTED, values![after, after + STEP]).await?)
}

/// Artifacts that do not read, or whose chunks are not those of the table.
pub(super) async fn unreadable<C: Connection>(conn: &mut C, after: i64) -> sqlx::Result<Read> {
    let stored = conn.all(ENVELOPES, values![after, after + STEP, envelope::VERSION]).await?;
    let mut bad = Vec::new();
    for row in &stored {
        let id = row.int("id")?;
        let chunks = conn.all(CHUNKS, values![id]).await?;
        let texts: Vec<TextKey> = chunks.iter().filter_map(|row| text_key(row.bytes("text").ok()?).ok()).collect();
        let fits = |artifact: Artifact| artifact.chunks.iter().map(|chunk| chunk.key).eq(texts.iter().copied());
        if !envelope::unseal(row.bytes("envelope")?).is_some_and(fits) {
            bad.push(id);
        }
    }
    Ok(Read { rows: stored.len() as u64, bad })
}

async fn vectors_of<B: Base>(store: &B, deep: bool) -> Result<u64, Fault> {
    let misfits = ids(&store.scan().await?.all(MISFITS, &[]).await?)?;
    let mut damaged = delete_vectors(store, &misfits).await?;
    if !deep {
        return Ok(damaged);
    }
    let last = store.read().await?.one(LAST_VECTOR, &[]).await?.int("last")?;
    for after in (0..last).step_by(STEP as usize) {
        let read = not_of_length_one(&mut *store.read().await?, after).await?;
        damaged += delete_vectors(store, &read.bad).await?;
    }
    Ok(damaged)
}

/// Whoever serves them lacks them from then on.
pub(super) async fn delete_vectors<B: Base>(store: &B, ids: &[i64]) -> Result<u64, Fault> {
    if ids.is_empty() {
        return Ok(0);
    }
    let mut tx = store.sweep().await?;
    let artifacts = self::ids(&tx.all(B::Connection::ARTIFACTS_OF_VECTORS, values![ids]).await?)?;
    let deleted = tx.run(B::Connection::DELETE_VECTORS, values![ids]).await?;
    lack::note_artifacts(&mut *tx, &artifacts).await?;
    tx.commit().await?;
    Ok(deleted)
}

/// Notes what artifacts of a step behind the id `after` lack wherever they are served and nothing is noted: it should
/// not happen, and they would stay without vectors for ever.
pub(super) async fn note_lack<B: Base>(store: &B, after: i64) -> Result<(), Fault> {
    let mut tx = store.sweep().await?;
    let noted = tx.run(lack::NOTE_UNNOTED, values![after, after + STEP]).await?;
    tx.commit().await?;
    if noted > 0 {
        tracing::warn!("{noted} served artifacts lacked vectors that no fill would have made; fills make them now");
    }
    Ok(())
}

/// Vectors that are not of length 1, of a step behind the id `after`.
pub(super) async fn not_of_length_one<C: Connection>(conn: &mut C, after: i64) -> sqlx::Result<Read> {
    let stored = conn.all(VECTORS, values![after, after + STEP]).await?;
    let mut bad = Vec::new();
    for row in &stored {
        if !is_unit(row.bytes("bytes")?) {
            bad.push(row.int("id")?);
        }
    }
    Ok(Read { rows: stored.len() as u64, bad })
}

/// Of length 1, or all zeroes, as [`Vector::normalized`] makes them. Rounding to f16 moves the length by less than
/// 1e-3.
fn is_unit(bytes: &[u8]) -> bool {
    let Ok(vector) = Vector::from_bytes(bytes) else { return false };
    let length = vector.to_f32().iter().map(|value| value * value).sum::<f32>().sqrt();
    length == 0.0 || (length - 1.0).abs() < 1e-2
}

pub(super) async fn delete<B: Base>(store: &B, sql: &'static str, ids: &[i64]) -> Result<u64, Fault> {
    if ids.is_empty() {
        return Ok(0);
    }
    let mut tx = store.sweep().await?;
    let deleted = tx.run(sql, &[Value::Ints(Some(ids))]).await?;
    tx.commit().await?;
    Ok(deleted)
}
