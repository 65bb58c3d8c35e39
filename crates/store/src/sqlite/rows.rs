//! From rows to values and back.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;
use warmer_content::{
    ArtifactKey, BadDigest, ChunkingId, Digest, EmbeddingId, Recipe, RulesDigest, SkipReason, TextKey,
};

use super::fault::odd;
use crate::repository::{Repository, RepositoryId, RepositoryState, Served};

/// The columns that [`repository`] reads.
macro_rules! repository_columns {
    () => {
        "id, remote, reference, state, stale_since, last_error, served_reference, served_ref_oid, served_commit, \
         served_embedding, served_chunking, served_rules, served_at"
    };
}
pub(super) use repository_columns;

pub(super) fn repository(row: &SqliteRow) -> sqlx::Result<Repository> {
    let reference: String = row.try_get("reference")?;
    Ok(Repository {
        id: RepositoryId(row.try_get("id")?),
        remote: row.try_get("remote")?,
        reference: optional(reference),
        state: named(row, "state", RepositoryState::from_name)?,
        served: served(row)?,
        served_at: row.try_get::<Option<i64>, _>("served_at")?.map(moment),
        stale_since: row.try_get::<Option<i64>, _>("stale_since")?.map(moment),
        last_error: row.try_get("last_error")?,
    })
}

pub(super) fn served(row: &SqliteRow) -> sqlx::Result<Option<Served>> {
    let Some(commit) = row.try_get("served_commit")? else { return Ok(None) };
    let digest = |column: &str| row.try_get::<&[u8], _>(column).and_then(digest);
    Ok(Some(Served {
        reference: row.try_get("served_reference")?,
        ref_oid: row.try_get("served_ref_oid")?,
        commit,
        recipe: Recipe {
            embedding: EmbeddingId(digest("served_embedding")?),
            chunking: ChunkingId(digest("served_chunking")?),
        },
        rules: RulesDigest(digest("served_rules")?),
    }))
}

/// A ref as it was asked for: stored as an empty text where it is HEAD.
pub(super) fn optional(reference: String) -> Option<String> {
    (!reference.is_empty()).then_some(reference)
}

/// The value of an enum that is stored by its name.
pub(super) fn named<T>(row: &SqliteRow, column: &str, from_name: fn(&str) -> Option<T>) -> sqlx::Result<T> {
    let name: &str = row.try_get(column)?;
    from_name(name).ok_or_else(|| odd(format!("{column} {name:?} is of no kind that this version knows")))
}

pub(super) fn digest(bytes: &[u8]) -> sqlx::Result<Digest> {
    Digest::try_from(bytes).map_err(|bad: BadDigest| odd(bad))
}

pub(super) fn artifact_key(bytes: &[u8]) -> sqlx::Result<ArtifactKey> {
    digest(bytes).map(ArtifactKey)
}

pub(super) fn text_key(bytes: &[u8]) -> sqlx::Result<TextKey> {
    digest(bytes).map(TextKey)
}

pub(super) fn skip_reason(name: &str) -> sqlx::Result<SkipReason> {
    name.parse().map_err(odd)
}

pub(super) fn uuid(bytes: &[u8]) -> sqlx::Result<Uuid> {
    Uuid::from_slice(bytes).map_err(odd)
}

/// A number that is never negative.
pub(super) fn count(number: i64) -> u64 {
    number.max(0).unsigned_abs()
}

/// A number of the database's clock.
pub(super) fn moment(micros: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(count(micros))
}

/// A duration in microseconds, at most some 300 years.
pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 2).min(i64::MAX / 2)
}

/// Values as one JSON array: a statement of constant text then takes any number of them.
pub(super) fn json<T: serde::Serialize + ?Sized>(values: &T) -> String {
    serde_json::to_string(values).expect("plain numbers and texts have a JSON form")
}
