//! Probes: what is known already.
//!
//! A probe reads beside the writer. Only where it found something condemned it asks again in a transaction that
//! lifts the sentence first: what is not condemned now cannot be deleted before a whole `condemn_age` has passed.

use std::collections::{BTreeSet, HashMap};

use sqlx::{Row as _, SqliteConnection};
use warmer_content::{ArtifactKey, ChunkingId, Digest, EmbeddingId, RulesDigest, SkipReason, TextKey};

use super::fault::Fault;
use super::{Sqlite, rows};
use crate::cache::{BlobKey, Known};
use crate::envelope;

/// ?1: [[hash kind, oid, hint], …]. The CROSS JOINs keep the order of the loops: few keys, many rows.
const KNOWN: &str = "
    SELECT asked.key AS number, known_blob.skip, artifact.id, artifact.key, artifact.chunks, artifact.tokens,
           artifact.condemned_at
    FROM json_each(?1) AS asked
    CROSS JOIN known_blob
        ON known_blob.oid = asked.value ->> 1 AND known_blob.hint = asked.value ->> 2
        AND known_blob.hash_kind = asked.value ->> 0
        AND known_blob.chunking = (SELECT id FROM fingerprint WHERE digest = ?2)
        AND known_blob.rules = (SELECT id FROM fingerprint WHERE digest = ?3)
    LEFT JOIN artifact ON artifact.key = known_blob.artifact AND artifact.version = ?4";

/// ?1: [artifact key, …].
const KNOWN_ARTIFACTS: &str = "
    SELECT asked.key AS number, NULL AS skip, artifact.id, artifact.key, artifact.chunks, artifact.tokens,
           artifact.condemned_at
    FROM json_each(?1) AS asked CROSS JOIN artifact ON artifact.key = unhex(asked.value) AND artifact.version = ?2";

/// ?1: [artifact id, …]. Texts without a vector, and those whose vector is condemned.
const CHUNKS: &str = "
    SELECT DISTINCT artifact_chunk.artifact, artifact_chunk.text, vector.id IS NULL
    FROM json_each(?1) AS asked CROSS JOIN artifact_chunk ON artifact_chunk.artifact = asked.value
    LEFT JOIN vector ON vector.text = artifact_chunk.text
        AND vector.embedding = (SELECT id FROM fingerprint WHERE digest = ?2)
    WHERE vector.id IS NULL OR vector.condemned_at IS NOT NULL";

/// ?1: [text key, …]. Those with a vector.
const VECTORS: &str = "
    SELECT vector.text, vector.condemned_at IS NOT NULL
    FROM json_each(?1) AS asked CROSS JOIN vector ON vector.text = unhex(asked.value)
        AND vector.embedding = (SELECT id FROM fingerprint WHERE digest = ?2)";

const LIFT_ARTIFACTS: &str = "
    UPDATE artifact SET condemned_at = NULL
    WHERE condemned_at IS NOT NULL AND key IN (SELECT unhex(value) FROM json_each(?))";
pub(super) const LIFT_VECTORS: &str = "
    UPDATE vector SET condemned_at = NULL
    WHERE condemned_at IS NOT NULL AND text IN (SELECT unhex(value) FROM json_each(?1))
        AND embedding = (SELECT id FROM fingerprint WHERE digest = ?2)";

/// An answer, and what of it is condemned.
struct Found<T> {
    answer: T,
    artifacts: BTreeSet<ArtifactKey>,
    vectors: BTreeSet<TextKey>,
}

impl<T> Found<T> {
    /// Lifts the sentence from what was found.
    async fn lift(&self, conn: &mut SqliteConnection, embedding: EmbeddingId) -> sqlx::Result<()> {
        let artifacts = hex(self.artifacts.iter().map(|key| key.0));
        sqlx::query(LIFT_ARTIFACTS).bind(artifacts).execute(&mut *conn).await?;
        let vectors = hex(self.vectors.iter().map(|key| key.0));
        sqlx::query(LIFT_VECTORS).bind(vectors).bind(embedding.0.0.as_slice()).execute(conn).await.map(drop)
    }

    fn is_safe(&self) -> bool {
        self.artifacts.is_empty() && self.vectors.is_empty()
    }
}

/// Keys as a JSON array of hexadecimal texts.
pub(super) fn hex(keys: impl Iterator<Item = Digest>) -> String {
    rows::json(&keys.map(|key| key.to_string()).collect::<Vec<_>>())
}

/// What is asked of the cache; it can be asked again.
#[derive(Clone)]
enum Question {
    Blobs { keys: String, chunking: ChunkingId, rules: RulesDigest },
    Artifacts { keys: String },
}

pub(super) async fn known(
    store: &Sqlite,
    blobs: &[BlobKey],
    chunking: ChunkingId,
    rules: RulesDigest,
    embedding: EmbeddingId,
) -> Result<Vec<Option<Known>>, Fault> {
    let keys: Vec<_> = blobs.iter().map(|blob| (blob.hash_kind, &blob.oid, &blob.hint)).collect();
    let question = Question::Blobs { keys: rows::json(&keys), chunking, rules };
    ask(store, &question, blobs.len(), embedding).await
}

pub(super) async fn known_artifacts(
    store: &Sqlite,
    keys: &[ArtifactKey],
    embedding: EmbeddingId,
) -> Result<Vec<Option<Known>>, Fault> {
    let question = Question::Artifacts { keys: hex(keys.iter().map(|key| key.0)) };
    ask(store, &question, keys.len(), embedding).await
}

async fn ask(
    store: &Sqlite,
    question: &Question,
    number: usize,
    embedding: EmbeddingId,
) -> Result<Vec<Option<Known>>, Fault> {
    let found = look(&mut *store.read().await?, question, number, embedding).await?;
    // A reader cannot lift; what it shows it does not rely on later.
    if found.is_safe() || store.turn.is_none() {
        return Ok(found.answer);
    }
    let mut tx = store.write().await?;
    found.lift(&mut tx, embedding).await?;
    let found = look(&mut tx, question, number, embedding).await?;
    tx.commit().await?;
    Ok(found.answer)
}

/// An artifact that was found, and whose answer it is.
struct Hit {
    number: usize,
    id: i64,
    key: ArtifactKey,
    chunks: u32,
    tokens: u64,
}

async fn look(
    conn: &mut SqliteConnection,
    question: &Question,
    number: usize,
    embedding: EmbeddingId,
) -> sqlx::Result<Found<Vec<Option<Known>>>> {
    let query = match question {
        Question::Blobs { keys, chunking, rules } => {
            sqlx::query(KNOWN).bind(keys).bind(chunking.0.0.as_slice()).bind(rules.0.0.as_slice())
        }
        Question::Artifacts { keys } => sqlx::query(KNOWN_ARTIFACTS).bind(keys),
    };
    let mut found = Found { answer: vec![None; number], artifacts: BTreeSet::new(), vectors: BTreeSet::new() };
    let mut hits = Vec::new();
    for row in query.bind(envelope::VERSION).fetch_all(&mut *conn).await? {
        let number = usize::try_from(row.try_get::<i64, _>("number")?).unwrap_or(usize::MAX);
        let Some(answer) = found.answer.get_mut(number) else { continue };
        if let Some(skip) = row.try_get::<Option<&str>, _>("skip")? {
            // A reason of a newer version: look at the content.
            *answer = skip.parse::<SkipReason>().ok().map(Known::Skip);
        } else if let Some(id) = row.try_get::<Option<i64>, _>("id")? {
            let key = rows::artifact_key(row.try_get("key")?)?;
            if row.try_get::<Option<i64>, _>("condemned_at")?.is_some() {
                found.artifacts.insert(key);
            }
            let tokens = rows::count(row.try_get("tokens")?);
            hits.push(Hit { number, id, key, chunks: row.try_get("chunks")?, tokens });
        }
    }
    let mut missing = missing_of(conn, &hits, embedding, &mut found.vectors).await?;
    for Hit { number, id, key, chunks, tokens } in hits {
        // The same artifact may answer for several blobs.
        let missing = missing.entry(id).or_default().iter().copied().collect();
        found.answer[number] = Some(Known::Artifact { key, chunks, tokens, missing });
    }
    Ok(found)
}

async fn missing_of(
    conn: &mut SqliteConnection,
    hits: &[Hit],
    embedding: EmbeddingId,
    condemned: &mut BTreeSet<TextKey>,
) -> sqlx::Result<HashMap<i64, BTreeSet<TextKey>>> {
    let ids: BTreeSet<i64> = hits.iter().map(|hit| hit.id).collect();
    let ids = rows::json(&ids.into_iter().collect::<Vec<_>>());
    let chunks: Vec<(i64, Vec<u8>, bool)> =
        sqlx::query_as(CHUNKS).bind(ids).bind(embedding.0.0.as_slice()).fetch_all(conn).await?;
    let mut missing: HashMap<i64, BTreeSet<TextKey>> = HashMap::new();
    for (artifact, text, is_missing) in chunks {
        let text = rows::text_key(&text)?;
        if is_missing {
            missing.entry(artifact).or_default().insert(text);
        } else {
            condemned.insert(text);
        }
    }
    Ok(missing)
}

pub(super) async fn missing_vectors(
    store: &Sqlite,
    embedding: EmbeddingId,
    texts: &[TextKey],
) -> Result<Vec<TextKey>, Fault> {
    let found = absent(&mut *store.read().await?, embedding, texts).await?;
    if found.is_safe() || store.turn.is_none() {
        return Ok(found.answer);
    }
    let mut tx = store.write().await?;
    found.lift(&mut tx, embedding).await?;
    let found = absent(&mut tx, embedding, texts).await?;
    tx.commit().await?;
    Ok(found.answer)
}

async fn absent(
    conn: &mut SqliteConnection,
    embedding: EmbeddingId,
    texts: &[TextKey],
) -> sqlx::Result<Found<Vec<TextKey>>> {
    let mut wanted: BTreeSet<TextKey> = texts.iter().copied().collect();
    let stored: Vec<(Vec<u8>, bool)> = sqlx::query_as(VECTORS)
        .bind(hex(wanted.iter().map(|key| key.0)))
        .bind(embedding.0.0.as_slice())
        .fetch_all(conn)
        .await?;
    let mut vectors = BTreeSet::new();
    for (text, is_condemned) in stored {
        let text = rows::text_key(&text)?;
        wanted.remove(&text);
        if is_condemned {
            vectors.insert(text);
        }
    }
    Ok(Found { answer: wanted.into_iter().collect(), artifacts: BTreeSet::new(), vectors })
}
