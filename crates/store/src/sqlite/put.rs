//! Storing a finished batch: one transaction, a handful of statements of constant text.
//!
//! Any number of rows travels as two parameters: all bytes end to end, and a JSON array that says which are whose.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use sqlx::SqliteConnection;
use warmer_content::{Digest, SymbolsId, TextKey, Vector};

use super::Sqlite;
use crate::cache::{Extracted, Put, PutCounts};
use crate::envelope;
use crate::sql::{
    Base as _, Connection as _, Fault, Sealed, Value, Writing as _, blob_rows, note_served, sealed_symbols, values,
};

/// Gives a digest its number, and notes that it is in use.
const FINGERPRINT: &str = "
    INSERT INTO fingerprint (digest, used_at) SELECT $1, now FROM clock WHERE true
    ON CONFLICT (digest) DO UPDATE SET used_at = excluded.used_at";

/// $1: all vectors; $2: [[text, first byte from 1, bytes], …]; $3: the embedding's number.
const VECTORS: &str = "
    INSERT INTO vector (embedding, text, bytes)
    SELECT $3, unhex(value ->> 0), substr($1, value ->> 1, value ->> 2)
    FROM json_each($2) WHERE true
    ON CONFLICT (embedding, text) DO NOTHING";

/// $1: all envelopes; $2: [[key, first byte from 1, bytes, language, text bytes, chunks, size, masked, bucket], …];
/// $3: the chunking.
const ARTIFACTS: &str = "
    INSERT INTO artifact (key, bucket, chunking, version, language, bytes, chunks, size, masked, envelope)
    SELECT unhex(value ->> 0), value ->> 8, (SELECT id FROM fingerprint WHERE digest = $3), $4, value ->> 3,
           value ->> 4,
           value ->> 5, value ->> 6, value ->> 7, substr($1, value ->> 1, value ->> 2)
    FROM json_each($2) WHERE true
    ON CONFLICT (key) DO NOTHING";

/// Those that were there are unmarked, and what differs (damaged, or of another version) is replaced.
const MEND_ARTIFACTS: &str = "
    UPDATE artifact SET marked_at = NULL, version = $3, envelope = substr($1, asked.value ->> 1, asked.value ->> 2),
        chunks = asked.value ->> 5, size = asked.value ->> 6, masked = asked.value ->> 7
    FROM json_each($2) AS asked
    WHERE artifact.key = unhex(asked.value ->> 0)
        AND (marked_at IS NOT NULL OR version <> $3
             OR envelope <> substr($1, asked.value ->> 1, asked.value ->> 2))";

/// $1: [[artifact key, number, text], …].
const CHUNKS: &str = "
    INSERT INTO artifact_chunk (artifact, number, text)
    SELECT artifact.id, value ->> 1, unhex(value ->> 2)
    FROM json_each($1) CROSS JOIN artifact ON artifact.key = unhex(value ->> 0) WHERE true
    ON CONFLICT (artifact, number) DO UPDATE SET text = excluded.text
        WHERE text <> excluded.text";

/// $1: all envelopes; $2: [[artifact key, first byte from 1, bytes], …]; $3: the extractor.
const SYMBOLS: &str = "
    INSERT INTO symbols (artifact, extractor, envelope)
    SELECT artifact.id, $3, substr($1, value ->> 1, value ->> 2)
    FROM json_each($2) CROSS JOIN artifact ON artifact.key = unhex(value ->> 0) WHERE true
    ON CONFLICT (artifact) DO UPDATE SET extractor = excluded.extractor, envelope = excluded.envelope
        WHERE extractor <> excluded.extractor OR envelope <> excluded.envelope";

/// $1: the chunking; $2: the rules; $3: [[hash kind, oid, language_hint, artifact or null, skip or null], …].
const BLOBS: &str = "
    INSERT INTO known_blob (hash_kind, oid, language_hint, chunking, rules, artifact, skip)
    SELECT value ->> 0, value ->> 1, value ->> 2, (SELECT id FROM fingerprint WHERE digest = $1),
           (SELECT id FROM fingerprint WHERE digest = $2), unhex(value ->> 3), value ->> 4
    FROM json_each($3) WHERE true
    ON CONFLICT (oid, language_hint, hash_kind, chunking, rules)
        DO UPDATE SET artifact = excluded.artifact, skip = excluded.skip
        WHERE artifact IS NOT excluded.artifact OR skip IS NOT excluded.skip";

pub(super) async fn put(store: &Sqlite, put: Put<'_>) -> Result<PutCounts, Fault> {
    let artifacts = Sealed::all(put.artifacts)?;
    let symbols = packed_symbols(&put.symbols)?;
    let mut tx = store.write().await?;
    for digest in [put.chunking.0, put.rules.0] {
        tx.run(FINGERPRINT, values![&digest]).await?;
    }
    let artifacts_new = store_artifacts(&mut tx, &artifacts, &put.chunking.0).await?;
    store_symbols(&mut tx, put.symbols.by, symbols).await?;
    blobs(&mut tx, &put).await?;
    tx.commit().await?;
    Ok(PutCounts { artifacts_new })
}

/// Bytes end to end, and the rows that say which are whose.
#[derive(Default)]
struct Packed {
    bytes: Vec<u8>,
    rows: Vec<Json>,
}

impl Packed {
    fn push(&mut self, key: Digest, bytes: &[u8], further: impl IntoIterator<Item = Json>) {
        let mut row = vec![json!(key.to_string()), json!(self.bytes.len() + 1), json!(bytes.len())];
        row.extend(further);
        self.rows.push(row.into());
        self.bytes.extend_from_slice(bytes);
    }

    fn facts(self) -> (Vec<u8>, String) {
        (self.bytes, Json::Array(self.rows).to_string())
    }
}

pub(super) async fn vectors(
    tx: &mut SqliteConnection,
    embedding: i64,
    vectors: &BTreeMap<TextKey, &Vector>,
) -> sqlx::Result<u64> {
    let mut packed = Packed::default();
    for (key, vector) in vectors {
        packed.push(key.0, vector.as_bytes(), []);
    }
    let (bytes, facts) = packed.facts();
    tx.run(VECTORS, &[Value::Bytes(Some(&bytes)), Value::from(&facts), embedding.into()]).await
}

async fn store_artifacts(tx: &mut SqliteConnection, artifacts: &[Sealed<'_>], chunking: &Digest) -> sqlx::Result<u64> {
    if artifacts.is_empty() {
        return Ok(0);
    }
    let mut packed = Packed::default();
    for Sealed { key, artifact, envelope, size } in artifacts {
        let (language, bytes) = (json!(artifact.language), json!(artifact.text.len()));
        let bucket = json!(key.0.0[0]);
        let counts = [json!(artifact.chunks.len()), json!(size), json!(artifact.masked), bucket];
        packed.push(key.0, envelope, [language, bytes].into_iter().chain(counts));
    }
    let (envelopes, facts) = packed.facts();
    let (envelopes, version) = (Value::Bytes(Some(&envelopes)), Value::from(envelope::VERSION));
    tx.run(MEND_ARTIFACTS, &[envelopes, Value::from(&facts), version]).await?;
    let new = tx.run(ARTIFACTS, &[envelopes, Value::from(&facts), Value::from(chunking), version]).await?;
    let chunks = artifacts.iter().flat_map(|Sealed { key, artifact, .. }| {
        let key = key.to_string();
        let numbered = artifact.chunks.iter().enumerate();
        numbered.map(move |(number, chunk)| json!([key, number, chunk.key.to_string()]))
    });
    tx.run(CHUNKS, values![&chunks.collect::<Json>().to_string()]).await?;
    note_served(tx, artifacts).await?;
    Ok(new)
}

pub(super) async fn put_symbols(store: &Sqlite, symbols: Extracted<'_>) -> Result<(), Fault> {
    let packed = packed_symbols(&symbols)?;
    let mut tx = store.write().await?;
    store_symbols(&mut tx, symbols.by, packed).await?;
    Ok(tx.commit().await?)
}

fn packed_symbols(symbols: &Extracted<'_>) -> sqlx::Result<Packed> {
    let mut packed = Packed::default();
    for (key, envelope) in sealed_symbols(symbols)? {
        packed.push(key.0, &envelope, []);
    }
    Ok(packed)
}

async fn store_symbols(tx: &mut SqliteConnection, by: SymbolsId, packed: Packed) -> sqlx::Result<()> {
    if packed.rows.is_empty() {
        return Ok(());
    }
    let (envelopes, facts) = packed.facts();
    tx.run(SYMBOLS, &[Value::Bytes(Some(&envelopes)), Value::from(&facts), Value::from(&by.0)]).await.map(drop)
}

async fn blobs(tx: &mut SqliteConnection, put: &Put<'_>) -> sqlx::Result<()> {
    let sorted: BTreeMap<_, _> = put.blobs.iter().map(|(blob, outcome)| (blob, outcome)).collect();
    if sorted.is_empty() {
        return Ok(());
    }
    let known = blob_rows(&sorted);
    tx.run(BLOBS, &[Value::from(&put.chunking.0), Value::from(&put.rules.0), Value::Rows(&known)]).await.map(drop)
}
