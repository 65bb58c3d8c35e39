//! Probes: what is known already.
//!
//! A probe reads beside the writers. Only where it found something marked it asks again in a transaction that
//! unmarks it first: what is not marked now cannot be deleted before a whole `mark_age` has passed.

use std::collections::{BTreeSet, HashMap};

use warmer_content::{ArtifactKey, ChunkingId, EmbeddingId, RulesDigest, SkipReason, TextKey};

use super::rows::{artifact_key, text_key};
use super::{Base, Connection, Fault, List, Row as _, Value, Writing as _, count};
use crate::cache::{BlobKey, Known};
use crate::envelope;

/// An answer, and what of it is marked.
struct Found<T> {
    answer: T,
    artifacts: BTreeSet<ArtifactKey>,
    vectors: BTreeSet<TextKey>,
}

impl<T> Found<T> {
    fn of(answer: T) -> Self {
        Self { answer, artifacts: BTreeSet::new(), vectors: BTreeSet::new() }
    }

    /// Unmarks what was found: vectors first, as whoever stores a batch does.
    async fn unmark<C: Connection>(&self, conn: &mut C, embedding: EmbeddingId) -> sqlx::Result<()> {
        unmark_vectors(conn, embedding, &self.vectors).await?;
        let keys = [List::Keys(self.artifacts.iter().map(|key| key.0).collect())];
        conn.run(C::UNMARK_ARTIFACTS, &[Value::Rows(&keys)]).await.map(drop)
    }

    fn is_safe(&self) -> bool {
        self.artifacts.is_empty() && self.vectors.is_empty()
    }
}

/// Unmarks the vectors of these texts.
pub(crate) async fn unmark_vectors<C: Connection>(
    conn: &mut C,
    embedding: EmbeddingId,
    texts: impl IntoIterator<Item = &TextKey>,
) -> sqlx::Result<()> {
    let keys = [List::Keys(texts.into_iter().map(|key| key.0).collect())];
    conn.run(C::UNMARK_VECTORS, &[Value::from(&embedding.0), Value::Rows(&keys)]).await.map(drop)
}

/// What is asked of the cache; it can be asked again.
enum Question<'a> {
    Blobs { blobs: &'a [BlobKey], chunking: ChunkingId, rules: RulesDigest },
    Artifacts { keys: &'a [ArtifactKey] },
}

impl Question<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Blobs { blobs, .. } => blobs.len(),
            Self::Artifacts { keys } => keys.len(),
        }
    }

    async fn rows<C: Connection>(&self, conn: &mut C) -> sqlx::Result<Vec<C::Row>> {
        match self {
            Self::Blobs { blobs, chunking, rules } => {
                let keys = [
                    List::Texts(blobs.iter().map(|blob| blob.hash_kind).collect()),
                    List::Texts(blobs.iter().map(|blob| &*blob.oid).collect()),
                    List::Texts(blobs.iter().map(|blob| &*blob.language_hint).collect()),
                ];
                let (chunking, rules) = (Value::from(&chunking.0), Value::from(&rules.0));
                conn.all(C::KNOWN, &[chunking, rules, envelope::VERSION.into(), Value::Rows(&keys)]).await
            }
            Self::Artifacts { keys } => {
                let keys = [List::Keys(keys.iter().map(|key| key.0).collect())];
                conn.all(C::KNOWN_ARTIFACTS, &[envelope::VERSION.into(), Value::Rows(&keys)]).await
            }
        }
    }
}

pub(super) async fn known<B: Base>(
    store: &B,
    blobs: &[BlobKey],
    chunking: ChunkingId,
    rules: RulesDigest,
    embedding: EmbeddingId,
) -> Result<Vec<Option<Known>>, Fault> {
    ask(store, &Question::Blobs { blobs, chunking, rules }, embedding).await
}

pub(super) async fn known_artifacts<B: Base>(
    store: &B,
    keys: &[ArtifactKey],
    embedding: EmbeddingId,
) -> Result<Vec<Option<Known>>, Fault> {
    ask(store, &Question::Artifacts { keys }, embedding).await
}

async fn ask<B: Base>(store: &B, question: &Question<'_>, embedding: EmbeddingId) -> Result<Vec<Option<Known>>, Fault> {
    let found = look(&mut *store.read().await?, question, embedding).await?;
    // A reader cannot unmark; what it shows it does not rely on later.
    if found.is_safe() || store.is_reader() {
        return Ok(found.answer);
    }
    let mut tx = store.rely().await?;
    found.unmark(&mut *tx, embedding).await?;
    let found = look(&mut *tx, question, embedding).await?;
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

async fn look<C: Connection>(
    conn: &mut C,
    question: &Question<'_>,
    embedding: EmbeddingId,
) -> sqlx::Result<Found<Vec<Option<Known>>>> {
    let mut found = Found::of(vec![None; question.len()]);
    let mut hits = Vec::new();
    for row in question.rows(conn).await? {
        let number = usize::try_from(row.int("number")?).unwrap_or(usize::MAX);
        let Some(answer) = found.answer.get_mut(number) else { continue };
        if let Some(skip) = row.maybe_text("skip")? {
            // A reason of a newer version: look at the content.
            *answer = skip.parse::<SkipReason>().ok().map(Known::Skip);
        } else if let Some(id) = row.maybe_int("id")? {
            let key = artifact_key(row.bytes("key")?)?;
            if row.maybe_int("marked_at")?.is_some() {
                found.artifacts.insert(key);
            }
            hits.push(Hit { number, id, key, chunks: row.small("chunks")?, tokens: count(row.int("tokens")?) });
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

async fn missing_of<C: Connection>(
    conn: &mut C,
    hits: &[Hit],
    embedding: EmbeddingId,
    marked: &mut BTreeSet<TextKey>,
) -> sqlx::Result<HashMap<i64, BTreeSet<TextKey>>> {
    let ids: BTreeSet<i64> = hits.iter().map(|hit| hit.id).collect();
    let ids: Vec<i64> = ids.into_iter().collect();
    let mut missing: HashMap<i64, BTreeSet<TextKey>> = HashMap::new();
    if ids.is_empty() {
        return Ok(missing);
    }
    for row in conn.all(C::CHUNKS_WITHOUT, &[Value::from(&embedding.0), Value::Ints(Some(&ids))]).await? {
        let text = text_key(row.bytes("text")?)?;
        if row.flag("missing")? {
            missing.entry(row.int("artifact")?).or_default().insert(text);
        } else {
            marked.insert(text);
        }
    }
    Ok(missing)
}

pub(super) async fn missing_vectors<B: Base>(
    store: &B,
    embedding: EmbeddingId,
    texts: &[TextKey],
) -> Result<Vec<TextKey>, Fault> {
    let found = absent(&mut *store.read().await?, embedding, texts).await?;
    if found.is_safe() || store.is_reader() {
        return Ok(found.answer);
    }
    let mut tx = store.rely().await?;
    found.unmark(&mut *tx, embedding).await?;
    let found = absent(&mut *tx, embedding, texts).await?;
    tx.commit().await?;
    Ok(found.answer)
}

async fn absent<C: Connection>(
    conn: &mut C,
    embedding: EmbeddingId,
    texts: &[TextKey],
) -> sqlx::Result<Found<Vec<TextKey>>> {
    let mut wanted: BTreeSet<TextKey> = texts.iter().copied().collect();
    let keys = [List::Keys(wanted.iter().map(|key| key.0).collect())];
    let mut found = Found::of(Vec::new());
    for row in conn.all(C::VECTORS_OF, &[Value::from(&embedding.0), Value::Rows(&keys)]).await? {
        let text = text_key(row.bytes("text")?)?;
        wanted.remove(&text);
        if row.flag("marked")? {
            found.vectors.insert(text);
        }
    }
    found.answer = wanted.into_iter().collect();
    Ok(found)
}
