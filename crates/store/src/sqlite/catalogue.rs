//! The catalogue's rows.

use async_trait::async_trait;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use warmer_content::{ChunkingId, EmbeddingId, Recipe};

use super::fault::{Fault, odd};
use super::{Sqlite, rows};
use crate::catalogue::Catalogue;
use crate::error::StoreError;
use crate::repository::{Repository, RepositoryId, RepositoryState};

const ADD: &str = concat!(
    "INSERT INTO repository (remote, reference, created_at) SELECT ?1, ?2, now FROM clock WHERE true
     ON CONFLICT (remote, reference) DO UPDATE SET remote = excluded.remote RETURNING ",
    rows::repository_columns!()
);
const ALL: &str = concat!("SELECT ", rows::repository_columns!(), " FROM repository ORDER BY remote, reference");
const ONE: &str = concat!("SELECT ", rows::repository_columns!(), " FROM repository WHERE id = ?");
const REMOVE: &str = "DELETE FROM repository WHERE id = ?";
const SET_STATE: &str = "UPDATE repository SET state = ?2 WHERE id = ?1";
const MARK_STALE: &str = "
    UPDATE repository SET stale_since = coalesce(stale_since, (SELECT now FROM clock)), last_error = ?2 WHERE id = ?1";
const SET_RECIPE: &str = "
    INSERT INTO setting (name, value) VALUES ('active_embedding', ?1), ('active_chunking', ?2)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value";
const RECIPE: &str = "
    SELECT embedding.value, chunking.value FROM setting AS embedding, setting AS chunking
    WHERE embedding.name = 'active_embedding' AND chunking.name = 'active_chunking'";

/// A statement of its own.
type Query<'q> = sqlx::query::Query<'q, sqlx::Sqlite, SqliteArguments>;

impl Sqlite {
    /// One writing statement; the number of rows it changed.
    pub(super) async fn execute(&self, query: Query<'_>) -> Result<u64, StoreError> {
        let run = async {
            let mut tx = self.write().await?;
            let rows = query.execute(&mut *tx).await?.rows_affected();
            tx.commit().await?;
            Ok(rows)
        };
        self.door(run.await)
    }

    async fn select(&self, query: Query<'_>) -> Result<Vec<Repository>, Fault> {
        let mut conn = self.read().await?;
        Ok(query.fetch_all(&mut *conn).await?.iter().map(rows::repository).collect::<sqlx::Result<_>>()?)
    }
}

#[async_trait]
impl Catalogue for Sqlite {
    async fn add_repository(&self, remote: &str, reference: Option<&str>) -> Result<Repository, StoreError> {
        let run = async {
            let mut tx = self.write().await?;
            let query = sqlx::query(ADD).bind(remote).bind(reference.unwrap_or_default());
            let row: SqliteRow = query.fetch_one(&mut *tx).await?;
            tx.commit().await?;
            Ok(rows::repository(&row)?)
        };
        self.door(run.await)
    }

    async fn repositories(&self) -> Result<Vec<Repository>, StoreError> {
        self.door(self.select(sqlx::query(ALL)).await)
    }

    async fn repository(&self, id: RepositoryId) -> Result<Option<Repository>, StoreError> {
        self.door(self.select(sqlx::query(ONE).bind(id.0)).await).map(|mut found| found.pop())
    }

    async fn find_repository(&self, text: &str, reference: Option<&str>) -> Result<Vec<Repository>, StoreError> {
        let mut found = self.repositories().await?;
        found.retain(|repository| reference.is_none() || repository.reference.as_deref() == reference);
        if found.iter().any(|repository| repository.remote == text) {
            found.retain(|repository| repository.remote == text);
        } else {
            found.retain(|repository| ends_with(&repository.remote, text));
        }
        Ok(found)
    }

    async fn remove_repository(&self, id: RepositoryId) -> Result<bool, StoreError> {
        self.execute(sqlx::query(REMOVE).bind(id.0)).await.map(|rows| rows > 0)
    }

    async fn set_state(&self, id: RepositoryId, state: RepositoryState) -> Result<bool, StoreError> {
        self.execute(sqlx::query(SET_STATE).bind(id.0).bind(state.as_str())).await.map(|rows| rows > 0)
    }

    async fn mark_stale(&self, id: RepositoryId, why: &str) -> Result<bool, StoreError> {
        self.execute(sqlx::query(MARK_STALE).bind(id.0).bind(why)).await.map(|rows| rows > 0)
    }

    async fn set_active_recipe(&self, recipe: Recipe) -> Result<(), StoreError> {
        let query = sqlx::query(SET_RECIPE).bind(recipe.embedding.to_string()).bind(recipe.chunking.to_string());
        self.execute(query).await.map(drop)
    }

    async fn active_recipe(&self) -> Result<Option<Recipe>, StoreError> {
        let run = async {
            let mut conn = self.read().await?;
            let row: Option<(String, String)> = sqlx::query_as(RECIPE).fetch_optional(&mut *conn).await?;
            let Some((embedding, chunking)) = row else { return Ok(None) };
            let digest = |text: String| text.parse().map_err(odd);
            Ok(Some(Recipe { embedding: EmbeddingId(digest(embedding)?), chunking: ChunkingId(digest(chunking)?) }))
        };
        self.door(run.await)
    }
}

/// Whether `text` is the end of `remote` from a `/` (or the `:` of an scp-like address) on.
fn ends_with(remote: &str, text: &str) -> bool {
    let bare = |text: &str| {
        let text = text.trim_end_matches('/');
        text.strip_suffix(".git").unwrap_or(text).trim_end_matches('/').to_owned()
    };
    let (remote, text) = (bare(remote), bare(text));
    let Some(front) = remote.strip_suffix(&text) else { return false };
    !text.is_empty() && (front.is_empty() || text.starts_with('/') || front.ends_with(['/', ':']))
}

#[cfg(test)]
mod tests {
    use super::ends_with;

    #[test]
    fn a_repository_is_found_by_the_end_of_its_remote() {
        let remote = "https://host/team/app.git";
        for text in ["app", "app.git", "team/app", "host/team/app", "/app", "app/"] {
            assert!(ends_with(remote, text), "{text}");
        }
        for text in ["pp", "eam/app", "team", "", "/", ".git"] {
            assert!(!ends_with(remote, text), "{text}");
        }
        assert!(ends_with("git@host:app.git", "app"));
        assert!(ends_with("/home/me/app/", "me/app"));
        assert!(ends_with("/home/me/app/.git", "app"));
    }
}
