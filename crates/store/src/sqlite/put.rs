//! Storing a finished batch: one transaction, a handful of statements of constant text.
//!
//! Any number of rows travels as two parameters: all bytes end to end, and a JSON array that says which are whose.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sqlx::SqliteConnection;
use warmer_content::{Artifact, ArtifactKey, Digest};

use super::fault::{Fault, odd};
use super::{Sqlite, probe, rows};
use crate::cache::{Put, PutCounts};
use crate::envelope;

/// Gives a digest its number, and notes that it is in use.
const FINGERPRINT: &str = "
    INSERT INTO fingerprint (digest, used_at) SELECT ?1, now FROM clock WHERE true
    ON CONFLICT (digest) DO UPDATE SET used_at = excluded.used_at";

/// ?1: all vectors; ?2: [[text, first byte from 1, bytes], …]; ?3: the embedding.
const VECTORS: &str = "
    INSERT INTO vector (embedding, text, bytes)
    SELECT (SELECT id FROM fingerprint WHERE digest = ?3), unhex(value ->> 0), substr(?1, value ->> 1, value ->> 2)
    FROM json_each(?2) WHERE true
    ON CONFLICT (embedding, text) DO NOTHING";

/// ?1: all envelopes; ?2: [[key, first byte from 1, bytes, language, text bytes, chunks, tokens], …]; ?3: the chunking.
const ARTIFACTS: &str = "
    INSERT INTO artifact (key, chunking, version, language, bytes, chunks, tokens, envelope)
    SELECT unhex(value ->> 0), (SELECT id FROM fingerprint WHERE digest = ?3), ?4, value ->> 3, value ->> 4,
           value ->> 5, value ->> 6, substr(?1, value ->> 1, value ->> 2)
    FROM json_each(?2) WHERE true
    ON CONFLICT (key) DO NOTHING";

/// Those that were there: the sentence is lifted, and what differs (damaged, or of another version) is replaced.
const MEND_ARTIFACTS: &str = "
    UPDATE artifact SET condemned_at = NULL, version = ?3, envelope = substr(?1, asked.value ->> 1, asked.value ->> 2),
        chunks = asked.value ->> 5, tokens = asked.value ->> 6
    FROM json_each(?2) AS asked
    WHERE artifact.key = unhex(asked.value ->> 0)
        AND (condemned_at IS NOT NULL OR version <> ?3
             OR envelope <> substr(?1, asked.value ->> 1, asked.value ->> 2))";

/// ?1: [[artifact key, number, text, tokens], …].
const CHUNKS: &str = "
    INSERT INTO artifact_chunk (artifact, number, text, tokens)
    SELECT artifact.id, value ->> 1, unhex(value ->> 2), value ->> 3
    FROM json_each(?1) CROSS JOIN artifact ON artifact.key = unhex(value ->> 0) WHERE true
    ON CONFLICT (artifact, number) DO UPDATE SET text = excluded.text, tokens = excluded.tokens
        WHERE text <> excluded.text";

/// ?1: [[hash kind, oid, hint, artifact or null, skip or null], …].
const BLOBS: &str = "
    INSERT INTO known_blob (hash_kind, oid, hint, chunking, rules, artifact, skip)
    SELECT value ->> 0, value ->> 1, value ->> 2, (SELECT id FROM fingerprint WHERE digest = ?2),
           (SELECT id FROM fingerprint WHERE digest = ?3), unhex(value ->> 3), value ->> 4
    FROM json_each(?1) WHERE true
    ON CONFLICT (oid, hint, hash_kind, chunking, rules) DO UPDATE SET artifact = excluded.artifact, skip = excluded.skip
        WHERE artifact IS NOT excluded.artifact OR skip IS NOT excluded.skip";

pub(super) async fn put(store: &Sqlite, put: Put<'_>) -> Result<PutCounts, Fault> {
    let artifacts: BTreeMap<_, _> = put.artifacts.iter().map(|(key, artifact)| (*key, &**artifact)).collect();
    let envelopes = sealed(&artifacts)?;
    let mut tx = store.write().await?;
    for digest in [put.embedding.0, put.chunking.0, put.rules.0] {
        sqlx::query(FINGERPRINT).bind(digest.0.as_slice()).execute(&mut *tx).await?;
    }
    let vectors_new = vectors(&mut tx, &put).await?;
    let artifacts_new = store_artifacts(&mut tx, &envelopes, &artifacts, put.chunking.0).await?;
    blobs(&mut tx, &put).await?;
    tx.commit().await?;
    Ok(PutCounts { vectors_new, artifacts_new })
}

/// Bytes end to end, and the rows that say which are whose.
#[derive(Default)]
struct Packed {
    bytes: Vec<u8>,
    rows: Vec<Value>,
}

impl Packed {
    fn push(&mut self, key: Digest, bytes: &[u8], further: impl IntoIterator<Item = Value>) {
        let mut row = vec![json!(key.to_string()), json!(self.bytes.len() + 1), json!(bytes.len())];
        row.extend(further);
        self.rows.push(row.into());
        self.bytes.extend_from_slice(bytes);
    }
}

/// Packs outside the transaction: compressing takes longer than writing.
fn sealed(artifacts: &BTreeMap<ArtifactKey, &Artifact>) -> sqlx::Result<Packed> {
    let mut packed = Packed::default();
    for (key, artifact) in artifacts {
        let envelope = envelope::seal(artifact).map_err(odd)?;
        let tokens: u64 = artifact.chunks.iter().map(|chunk| u64::from(chunk.tokens)).sum();
        let facts = [json!(artifact.language), json!(artifact.text.len()), json!(artifact.chunks.len()), json!(tokens)];
        packed.push(key.0, &envelope, facts);
    }
    Ok(packed)
}

async fn vectors(tx: &mut SqliteConnection, put: &Put<'_>) -> sqlx::Result<u64> {
    let sorted: BTreeMap<_, _> = put.vectors.iter().map(|(key, vector)| (*key, vector)).collect();
    if sorted.is_empty() {
        return Ok(0);
    }
    let mut packed = Packed::default();
    for (key, vector) in &sorted {
        packed.push(key.0, vector.as_bytes(), []);
    }
    let embedding = put.embedding.0.0.as_slice();
    let insert = sqlx::query(VECTORS).bind(packed.bytes).bind(rows::json(&packed.rows)).bind(embedding);
    let new = insert.execute(&mut *tx).await?.rows_affected();
    let keys = probe::hex(sorted.keys().map(|key| key.0));
    sqlx::query(probe::LIFT_VECTORS).bind(keys).bind(embedding).execute(tx).await?;
    Ok(new)
}

async fn store_artifacts(
    tx: &mut SqliteConnection,
    packed: &Packed,
    artifacts: &BTreeMap<ArtifactKey, &Artifact>,
    chunking: Digest,
) -> sqlx::Result<u64> {
    if artifacts.is_empty() {
        return Ok(0);
    }
    let facts = rows::json(&packed.rows);
    let envelopes = packed.bytes.as_slice();
    let mend = sqlx::query(MEND_ARTIFACTS).bind(envelopes).bind(&facts).bind(envelope::VERSION);
    mend.execute(&mut *tx).await?;
    let insert = sqlx::query(ARTIFACTS).bind(envelopes).bind(&facts).bind(chunking.0.as_slice());
    let new = insert.bind(envelope::VERSION).execute(&mut *tx).await?.rows_affected();
    let chunks = artifacts.iter().flat_map(|(key, artifact)| {
        let key = key.to_string();
        let numbered = artifact.chunks.iter().enumerate();
        numbered.map(move |(number, chunk)| (key.clone(), number, chunk.key.to_string(), chunk.tokens))
    });
    sqlx::query(CHUNKS).bind(rows::json(&chunks.collect::<Vec<_>>())).execute(tx).await?;
    Ok(new)
}

async fn blobs(tx: &mut SqliteConnection, put: &Put<'_>) -> sqlx::Result<()> {
    let sorted: BTreeMap<_, _> = put.blobs.iter().map(|(blob, outcome)| (blob, outcome)).collect();
    if sorted.is_empty() {
        return Ok(());
    }
    let known = sorted.iter().map(|(blob, outcome)| {
        let artifact = outcome.as_ref().ok().map(ToString::to_string);
        let skip = outcome.as_ref().err().map(|reason| reason.as_str());
        (blob.hash_kind, &blob.oid, &blob.hint, artifact, skip)
    });
    sqlx::query(BLOBS)
        .bind(rows::json(&known.collect::<Vec<_>>()))
        .bind(put.chunking.0.0.as_slice())
        .bind(put.rules.0.0.as_slice())
        .execute(tx)
        .await
        .map(drop)
}
