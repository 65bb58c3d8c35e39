//! Every chunk that is served, with its vector, for an exact scan.

use std::sync::Arc;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use warmer_content::{EmbeddingId, Vector};

use super::Sqlite;
use super::fault::{Fault, odd};
use super::rows::{artifact_key, json};
use crate::cache::{SearchFilter, SearchPage, SearchRow};
use crate::repository::RepositoryId;

/// ?2: [repository, …] or NULL; ?3: a language or NULL. The CROSS JOINs keep the order of the entries.
const ROWS: &str = "
    SELECT entry.repository, entry.path, artifact.key, artifact_chunk.number, vector.bytes
    FROM entry
    CROSS JOIN artifact ON artifact.key = entry.artifact
    CROSS JOIN artifact_chunk ON artifact_chunk.artifact = artifact.id
    CROSS JOIN vector ON vector.text = artifact_chunk.text
        AND vector.embedding = (SELECT id FROM fingerprint WHERE digest = ?1)
    WHERE entry.artifact IS NOT NULL
        AND (?2 IS NULL OR entry.repository IN (SELECT value FROM json_each(?2)))
        AND (?3 IS NULL OR artifact.language = ?3)
    ORDER BY entry.repository, entry.path, artifact_chunk.number";

/// Some 1.6 MB with 384 dimensions.
const PAGE_ROWS: usize = 2048;

pub(super) async fn rows(
    store: &Sqlite,
    embedding: EmbeddingId,
    filter: &SearchFilter,
    each: SearchPage<'_>,
) -> Result<(), Fault> {
    use futures::TryStreamExt as _;
    let ids = filter.repositories.as_ref().map(|ids| json(&ids.iter().map(|id| id.0).collect::<Vec<_>>()));
    let mut conn = store.read().await?;
    let query = sqlx::query(ROWS).bind(embedding.0.0.as_slice()).bind(ids).bind(filter.language.as_deref());
    let mut found = query.fetch(&mut *conn);
    let mut page: Vec<SearchRow> = Vec::with_capacity(PAGE_ROWS);
    let mut path: Arc<str> = Arc::from("");
    while let Some(row) = found.try_next().await? {
        let row = search_row(&row, &mut path)?;
        page.push(row);
        if page.len() == PAGE_ROWS {
            each(std::mem::replace(&mut page, Vec::with_capacity(PAGE_ROWS)));
        }
    }
    if !page.is_empty() {
        each(page);
    }
    Ok(())
}

/// `path` is the row's before; the chunks of one file share it.
fn search_row(row: &SqliteRow, path: &mut Arc<str>) -> sqlx::Result<SearchRow> {
    let this: &str = row.try_get(1)?;
    if **path != *this {
        *path = Arc::from(this);
    }
    Ok(SearchRow {
        repository: RepositoryId(row.try_get(0)?),
        path: Arc::clone(path),
        artifact: artifact_key(row.try_get(2)?)?,
        chunk: row.try_get(3)?,
        vector: Vector::from_bytes(row.try_get::<&[u8], _>(4)?).map_err(odd)?,
    })
}
