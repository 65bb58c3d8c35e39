//! Storing a finished batch: one transaction, an array for each column (126,000 rows a second in batches of 1,000,
//! 34 times as many as one by one).
//!
//! Whoever stores goes through the tables in the same order (vectors, artifacts, chunks, symbols, blobs) and through
//! each by its key: of two batches that share rows one waits for the other, and never both. What is there already is
//! left out beforehand, so that no ids are used up and no row is locked for nothing.

use std::collections::BTreeMap;

use warmer_content::{ArtifactKey, SymbolsId, TextKey, Vector};

use super::Postgres;
use super::connection::ServerConnection;
use crate::cache::{Extracted, Put, PutCounts};
use crate::envelope;
use crate::sql::{
    Base as _, Connection as _, Fault, List, Row as _, Sealed, Value, Writing as _, blob_rows, note_served,
    sealed_symbols,
};

/// All of them known, and noted as in use within the last minute.
const FINGERPRINTS_FRESH: &str = "
    SELECT count(*) = 2 AS fresh FROM unnest($1) AS asked (digest) JOIN fingerprint ON fingerprint.digest = asked.digest
    WHERE fingerprint.used_at > (SELECT now FROM clock) - 60000000";
/// Gives digests their numbers, and notes that they are in use: a statement of its own, as all of the cluster share
/// these rows.
const FINGERPRINTS: &str = "
    INSERT INTO fingerprint (digest, used_at)
    SELECT DISTINCT asked.digest, now FROM unnest($1) AS asked (digest), clock ORDER BY asked.digest
    ON CONFLICT (digest) DO UPDATE SET used_at = excluded.used_at";

/// $1: the embedding's number; then texts and vectors.
const VECTORS: &str = "
    INSERT INTO vector (embedding, text, bytes)
    SELECT $1, asked.text, asked.bytes FROM unnest($2, $3) AS asked (text, bytes)
    WHERE NOT EXISTS (SELECT 1 FROM vector WHERE vector.embedding = $1 AND vector.text = asked.text)
    ORDER BY asked.text
    ON CONFLICT (embedding, text) DO NOTHING";

/// $1: the chunking; $2: the version; then keys, languages, bytes of text, chunks, size, masked, envelopes. Those
/// that were there are unmarked, and what differs (damaged, or of another version) is replaced. Gives how many were
/// not.
const ARTIFACTS: &str = "
    WITH asked AS MATERIALIZED (
        SELECT * FROM unnest($3, $4, $5, $6, $7, $8, $9)
            AS asked (key, language, bytes, chunks, size, masked, envelope)),
    held AS (
        SELECT artifact.id, asked.* FROM artifact JOIN asked ON asked.key = artifact.key
        WHERE artifact.marked_at IS NOT NULL OR artifact.version <> $2 OR artifact.envelope <> asked.envelope
        ORDER BY asked.key FOR UPDATE OF artifact),
    mended AS (
        UPDATE artifact SET marked_at = NULL, version = $2, envelope = held.envelope, chunks = held.chunks,
            size = held.size, masked = held.masked
        FROM held WHERE artifact.id = held.id),
    stored AS (
        INSERT INTO artifact (key, bucket, chunking, version, language, bytes, chunks, size, masked, envelope)
        SELECT asked.key, get_byte(asked.key, 0), (SELECT id FROM fingerprint WHERE digest = $1), $2, asked.language,
               asked.bytes,
               asked.chunks, asked.size, asked.masked, asked.envelope
        FROM asked WHERE NOT EXISTS (SELECT 1 FROM artifact WHERE artifact.key = asked.key)
        ORDER BY asked.key
        ON CONFLICT (key) DO NOTHING RETURNING 1)
    SELECT count(*) AS stored FROM stored";

/// Artifact keys, numbers, texts.
const CHUNKS: &str = "
    INSERT INTO artifact_chunk (artifact, number, text)
    SELECT artifact.id, asked.number, asked.text
    FROM unnest($1, $2, $3) AS asked (key, number, text) JOIN artifact ON artifact.key = asked.key
    WHERE NOT EXISTS (SELECT 1 FROM artifact_chunk AS there WHERE there.artifact = artifact.id
                      AND there.number = asked.number AND there.text = asked.text)
    ORDER BY asked.key, asked.number
    ON CONFLICT (artifact, number) DO UPDATE SET text = excluded.text";

/// $1: the extractor; then artifact keys and envelopes.
const SYMBOLS: &str = "
    INSERT INTO symbols (artifact, extractor, envelope)
    SELECT artifact.id, $1, asked.envelope FROM unnest($2, $3) AS asked (key, envelope)
    JOIN artifact ON artifact.key = asked.key
    WHERE NOT EXISTS (SELECT 1 FROM symbols AS there WHERE there.artifact = artifact.id AND there.extractor = $1
                      AND there.envelope = asked.envelope)
    ORDER BY asked.key
    ON CONFLICT (artifact) DO UPDATE SET extractor = excluded.extractor, envelope = excluded.envelope";

/// $1: the chunking; $2: the rules; then hash kinds, oids, language hints, artifacts or none, skips or none.
const BLOBS: &str = "
    WITH used AS (SELECT chunking.id AS chunking, rules.id AS rules FROM fingerprint AS chunking, fingerprint AS rules
                  WHERE chunking.digest = $1 AND rules.digest = $2)
    INSERT INTO known_blob (hash_kind, oid, language_hint, chunking, rules, artifact, skip)
    SELECT asked.hash_kind, asked.oid, asked.language_hint, used.chunking, used.rules, asked.artifact, asked.skip
    FROM used, unnest($3, $4, $5, $6, $7) AS asked (hash_kind, oid, language_hint, artifact, skip)
    WHERE NOT EXISTS (SELECT 1 FROM known_blob AS there
        WHERE there.oid = asked.oid AND there.language_hint = asked.language_hint AND there.hash_kind = asked.hash_kind
            AND there.chunking = used.chunking AND there.rules = used.rules
            AND there.artifact IS NOT DISTINCT FROM asked.artifact AND there.skip IS NOT DISTINCT FROM asked.skip)
    ORDER BY asked.oid, asked.language_hint, asked.hash_kind
    ON CONFLICT (oid, language_hint, hash_kind, chunking, rules) DO UPDATE
        SET artifact = excluded.artifact, skip = excluded.skip";

pub(super) async fn put(store: &Postgres, put: Put<'_>) -> Result<PutCounts, Fault> {
    let artifacts = Sealed::all(put.artifacts)?;
    let symbols = sealed_symbols(&put.symbols)?;
    let digests = [List::Keys(vec![put.chunking.0, put.rules.0])];
    if !store.read().await?.one(FINGERPRINTS_FRESH, &[Value::Rows(&digests)]).await?.flag("fresh")? {
        store.once(FINGERPRINTS, &[Value::Rows(&digests)]).await?;
    }
    let mut tx = store.rely().await?;
    let artifacts_new = store_artifacts(&mut tx, &put, &artifacts).await?;
    store_symbols(&mut tx, put.symbols.by, &symbols).await?;
    blobs(&mut tx, &put).await?;
    tx.commit().await?;
    Ok(PutCounts { artifacts_new })
}

pub(super) async fn vectors(
    tx: &mut ServerConnection,
    embedding: i64,
    vectors: &BTreeMap<TextKey, &Vector>,
) -> sqlx::Result<u64> {
    let columns = [
        List::Keys(vectors.keys().map(|key| key.0).collect()),
        List::Bytes(vectors.values().map(|vector| vector.as_bytes()).collect()),
    ];
    tx.run(VECTORS, &[embedding.into(), Value::Rows(&columns)]).await
}

async fn store_artifacts(tx: &mut ServerConnection, put: &Put<'_>, artifacts: &[Sealed<'_>]) -> sqlx::Result<u64> {
    if artifacts.is_empty() {
        return Ok(0);
    }
    let all = || artifacts.iter();
    let columns = [
        List::Keys(all().map(|one| one.key.0).collect()),
        List::Texts(all().map(|one| &*one.artifact.language).collect()),
        List::Ints(all().map(|one| one.artifact.text.len() as i64).collect()),
        List::Ints(all().map(|one| one.artifact.chunks.len() as i64).collect()),
        List::Ints(all().map(|one| one.size as i64).collect()),
        List::Ints(all().map(|one| one.artifact.masked.into()).collect()),
        List::Bytes(all().map(|one| &*one.envelope).collect()),
    ];
    let values = [Value::from(&put.chunking.0), envelope::VERSION.into(), Value::Rows(&columns)];
    let new = tx.one(ARTIFACTS, &values).await?.int("stored")?;
    let chunks =
        || all().flat_map(|one| one.artifact.chunks.iter().zip(0..).map(move |(chunk, at)| (one.key, at, chunk)));
    let columns = [
        List::Keys(chunks().map(|(key, ..)| key.0).collect()),
        List::Ints(chunks().map(|(_, number, _)| number).collect()),
        List::Keys(chunks().map(|(.., chunk)| chunk.key.0).collect()),
    ];
    tx.run(CHUNKS, &[Value::Rows(&columns)]).await?;
    note_served(tx, artifacts).await?;
    Ok(crate::sql::count(new))
}

pub(super) async fn put_symbols(store: &Postgres, symbols: Extracted<'_>) -> Result<(), Fault> {
    let sealed = sealed_symbols(&symbols)?;
    let mut tx = store.rely().await?;
    store_symbols(&mut tx, symbols.by, &sealed).await?;
    Ok(tx.commit().await?)
}

async fn store_symbols(
    tx: &mut ServerConnection,
    by: SymbolsId,
    sealed: &BTreeMap<ArtifactKey, Vec<u8>>,
) -> sqlx::Result<()> {
    if sealed.is_empty() {
        return Ok(());
    }
    let columns =
        [List::Keys(sealed.keys().map(|key| key.0).collect()), List::Bytes(sealed.values().map(|of| &**of).collect())];
    tx.run(SYMBOLS, &[Value::from(&by.0), Value::Rows(&columns)]).await.map(drop)
}

async fn blobs(tx: &mut ServerConnection, put: &Put<'_>) -> sqlx::Result<()> {
    let sorted: BTreeMap<_, _> = put.blobs.iter().map(|(blob, outcome)| (blob, outcome)).collect();
    if sorted.is_empty() {
        return Ok(());
    }
    let known = blob_rows(&sorted);
    tx.run(BLOBS, &[Value::from(&put.chunking.0), Value::from(&put.rules.0), Value::Rows(&known)]).await.map(drop)
}
