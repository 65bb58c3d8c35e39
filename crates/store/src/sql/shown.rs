//! What an index of a repository is made of: the served paths, their artifacts, the vectors of their texts.

use std::collections::HashMap;

use warmer_content::{Artifact, ArtifactKey, ChunkingId, EmbeddingId, TextKey, Vector};

use super::rows::{artifact_key, text_key};
use super::{Base, Connection, Fault, List, Row, Statements, Value, odd, values};
use crate::cache::Shown;
use crate::envelope;
use crate::repository::RepositoryId;

/// $1: the repository; $2: the chunking; $3: behind which path; $4: the most.
const PAGE: &str = "
    SELECT path, artifact FROM entry
    WHERE repository = $1 AND chunking = (SELECT id FROM fingerprint WHERE digest = $2)
        AND path > $3 AND artifact IS NOT NULL
    ORDER BY path LIMIT $4";
/// The same; $3: behind which publication. In the order of the index.
const SINCE: &str = "
    SELECT path, artifact FROM entry
    WHERE repository = $1 AND chunking = (SELECT id FROM fingerprint WHERE digest = $2) AND publication > $3
    ORDER BY publication, path LIMIT $4";

pub(super) async fn page<B: Base>(
    store: &B,
    (repository, chunking): (RepositoryId, ChunkingId),
    after: &str,
    limit: u32,
) -> Result<Vec<Shown>, Fault> {
    let found = store.read().await?.all(PAGE, values![repository.0, &chunking.0, after, limit]).await?;
    Ok(found.iter().map(shown).collect::<sqlx::Result<_>>()?)
}

pub(super) async fn since<B: Base>(
    store: &B,
    (repository, chunking): (RepositoryId, ChunkingId),
    since: u64,
    limit: u32,
) -> Result<Vec<Shown>, Fault> {
    let since = i64::try_from(since).unwrap_or(i64::MAX);
    let found = store.read().await?.all(SINCE, values![repository.0, &chunking.0, since, limit]).await?;
    Ok(found.iter().map(shown).collect::<sqlx::Result<_>>()?)
}

fn shown(row: &impl Row) -> sqlx::Result<Shown> {
    let artifact = row.maybe_bytes("artifact")?.map(artifact_key).transpose()?;
    Ok(Shown { path: row.text("path")?.to_owned(), artifact })
}

/// Those that are stored; `None` where one does not read.
pub(super) async fn artifacts<B: Base>(
    store: &B,
    keys: &[ArtifactKey],
) -> Result<HashMap<ArtifactKey, Option<Artifact>>, Fault> {
    let keys = [List::Keys(keys.iter().map(|key| key.0).collect())];
    let found = store.read().await?.all(<B::Connection as Statements>::ARTIFACTS, &[Value::Rows(&keys)]).await?;
    let artifact = |row: &<B::Connection as Connection>::Row| {
        Ok((artifact_key(row.bytes("key")?)?, envelope::unseal(row.bytes("envelope")?)))
    };
    Ok(found.iter().map(artifact).collect::<sqlx::Result<_>>()?)
}

pub(super) async fn vectors<B: Base>(
    store: &B,
    embedding: EmbeddingId,
    texts: &[TextKey],
) -> Result<HashMap<TextKey, Vector>, Fault> {
    let keys = [List::Keys(texts.iter().map(|text| text.0).collect())];
    let asked = [Value::from(&embedding.0), Value::Rows(&keys)];
    let found = store.read().await?.all(<B::Connection as Statements>::VECTORS, &asked).await?;
    let vector = |row: &<B::Connection as Connection>::Row| {
        Ok((text_key(row.bytes("text")?)?, Vector::from_bytes(row.bytes("bytes")?).map_err(odd)?))
    };
    Ok(found.iter().map(vector).collect::<sqlx::Result<_>>()?)
}
