//! Every chunk that is served, with its vector, for an exact scan.

use std::sync::Arc;

use futures::TryStreamExt as _;
use warmer_content::{EmbeddingId, Vector};

use super::rows::{artifact_key, text_key};
use super::{Base, Connection as _, Fault, Row, Value, odd};
use crate::cache::{SearchFilter, SearchPage, SearchRow};
use crate::repository::RepositoryId;

/// Some 1.6 MB with 384 dimensions.
const PAGE_ROWS: usize = 2048;

pub(super) async fn rows<B: Base>(
    store: &B,
    embedding: EmbeddingId,
    filter: &SearchFilter,
    each: SearchPage<'_>,
) -> Result<(), Fault> {
    let ids: Option<Vec<i64>> = filter.repositories.as_ref().map(|ids| ids.iter().map(|id| id.0).collect());
    let values = [Value::Bytes(&embedding.0.0), Value::Text(filter.language.as_deref()), Value::Ints(ids.as_deref())];
    let mut conn = store.scan().await?;
    let mut found = conn.stream(<B::Connection as super::Statements>::SEARCH, &values);
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
fn search_row(row: &impl Row, path: &mut Arc<str>) -> sqlx::Result<SearchRow> {
    let this = row.text("path")?;
    if **path != *this {
        *path = Arc::from(this);
    }
    Ok(SearchRow {
        repository: RepositoryId(row.int("repository")?),
        path: Arc::clone(path),
        artifact: artifact_key(row.bytes("key")?)?,
        chunk: row.small("number")?,
        text: text_key(row.bytes("text")?)?,
        vector: Vector::from_bytes(row.bytes("bytes")?).map_err(odd)?,
    })
}
