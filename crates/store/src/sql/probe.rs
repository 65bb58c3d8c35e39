//! Probes: what is known already.
//!
//! A probe reads beside the writers. Only where it found something marked it asks again in a transaction that
//! unmarks it first: what is not marked now cannot be deleted before a whole `mark_age` has passed.

use std::collections::BTreeSet;

use warmer_content::{ArtifactKey, ChunkingId, EmbeddingId, RulesDigest, SkipReason, TextKey};

use super::rows::{artifact_key, text_key};
use super::{Base, Connection, Fault, List, Row as _, Statements, Value, Writing as _, count};
use crate::cache::{BlobKey, Known};
use crate::envelope;

/// An answer, and what of it is marked.
struct Found<T, K> {
    answer: T,
    marked: BTreeSet<K>,
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
) -> Result<Vec<Option<Known>>, Fault> {
    ask(store, &Question::Blobs { blobs, chunking, rules }).await
}

pub(super) async fn known_artifacts<B: Base>(store: &B, keys: &[ArtifactKey]) -> Result<Vec<Option<Known>>, Fault> {
    ask(store, &Question::Artifacts { keys }).await
}

async fn ask<B: Base>(store: &B, question: &Question<'_>) -> Result<Vec<Option<Known>>, Fault> {
    let found = look(&mut *store.read().await?, question).await?;
    // A reader cannot unmark; what it shows it does not rely on later.
    if found.marked.is_empty() || store.is_reader() {
        return Ok(found.answer);
    }
    let mut tx = store.rely().await?;
    let keys = [List::Keys(found.marked.iter().map(|key| key.0).collect())];
    tx.run(<B::Connection as Statements>::UNMARK_ARTIFACTS, &[Value::Rows(&keys)]).await?;
    let found = look(&mut *tx, question).await?;
    tx.commit().await?;
    Ok(found.answer)
}

async fn look<C: Connection>(
    conn: &mut C,
    question: &Question<'_>,
) -> sqlx::Result<Found<Vec<Option<Known>>, ArtifactKey>> {
    let mut found = Found { answer: vec![None; question.len()], marked: BTreeSet::new() };
    for row in question.rows(conn).await? {
        let number = usize::try_from(row.int("number")?).unwrap_or(usize::MAX);
        let Some(answer) = found.answer.get_mut(number) else { continue };
        if let Some(skip) = row.maybe_text("skip")? {
            // A reason of a newer version: look at the content.
            *answer = skip.parse::<SkipReason>().ok().map(Known::Skip);
        } else if let Some(key) = row.maybe_bytes("key")? {
            let key = artifact_key(key)?;
            if row.maybe_int("marked_at")?.is_some() {
                found.marked.insert(key);
            }
            let (chunks, size) = (row.small("chunks")?, count(row.int("size")?));
            *answer = Some(Known::Artifact { key, chunks, size });
        }
    }
    Ok(found)
}

pub(super) async fn missing_vectors<B: Base>(
    store: &B,
    embedding: EmbeddingId,
    texts: &[TextKey],
) -> Result<Vec<TextKey>, Fault> {
    let found = absent(&mut *store.read().await?, embedding, texts).await?;
    if found.marked.is_empty() || store.is_reader() {
        return Ok(found.answer);
    }
    let mut tx = store.rely().await?;
    unmark_vectors(&mut *tx, embedding, &found.marked).await?;
    let found = absent(&mut *tx, embedding, texts).await?;
    tx.commit().await?;
    Ok(found.answer)
}

async fn absent<C: Connection>(
    conn: &mut C,
    embedding: EmbeddingId,
    texts: &[TextKey],
) -> sqlx::Result<Found<Vec<TextKey>, TextKey>> {
    let mut wanted: BTreeSet<TextKey> = texts.iter().copied().collect();
    let keys = [List::Keys(wanted.iter().map(|key| key.0).collect())];
    let mut marked = BTreeSet::new();
    for row in conn.all(C::VECTORS_OF, &[Value::from(&embedding.0), Value::Rows(&keys)]).await? {
        let text = text_key(row.bytes("text")?)?;
        wanted.remove(&text);
        if row.flag("marked")? {
            marked.insert(text);
        }
    }
    Ok(Found { answer: wanted.into_iter().collect(), marked })
}
