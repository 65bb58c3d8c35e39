//! The trait, and what is served.

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use warmer_content::{Artifact, ArtifactKey, ChunkingId, EmbeddingId, RulesDigest, TextKey};

use super::fault::Fault;
use super::{Sqlite, collect, probe, publish, put, rows, search, verify};
use crate::cache::{BlobKey, Cache, Entry, Known, Put, PutCounts, SearchFilter, SearchPage, StagedEntry, Totals};
use crate::envelope;
use crate::error::StoreError;
use crate::job::ClaimId;
use crate::publication::{Publication, Published};
use crate::repository::RepositoryId;
use crate::upkeep::{Collect, Collected, Verified};

const ENTRIES: &str = "
    SELECT path, oid, hint, artifact, skip FROM entry
    WHERE repository = ?1 AND path > ?2 ORDER BY path LIMIT ?3";
const TOTALS: &str = "SELECT totals FROM repository WHERE id = ?";

#[async_trait]
impl Cache for Sqlite {
    async fn known(
        &self,
        blobs: &[BlobKey],
        chunking: ChunkingId,
        rules: RulesDigest,
        embedding: EmbeddingId,
    ) -> Result<Vec<Option<Known>>, StoreError> {
        self.door(probe::known(self, blobs, chunking, rules, embedding).await)
    }

    async fn known_artifacts(
        &self,
        keys: &[ArtifactKey],
        embedding: EmbeddingId,
    ) -> Result<Vec<Option<Known>>, StoreError> {
        self.door(probe::known_artifacts(self, keys, embedding).await)
    }

    async fn artifact(&self, key: ArtifactKey) -> Result<Option<Artifact>, StoreError> {
        let envelope: Option<Vec<u8>> = self.door(envelope_of(self, key).await)?;
        let artifact = envelope.as_deref().map(envelope::unseal);
        if artifact == Some(None) {
            self.unreadable_artifacts.fetch_add(1, Ordering::Relaxed);
        }
        Ok(artifact.flatten())
    }

    async fn missing_vectors(&self, embedding: EmbeddingId, texts: &[TextKey]) -> Result<Vec<TextKey>, StoreError> {
        self.door(probe::missing_vectors(self, embedding, texts).await)
    }

    async fn put(&self, put: Put<'_>) -> Result<PutCounts, StoreError> {
        self.door(put::put(self, put).await)
    }

    async fn stage(&self, claim: ClaimId, entries: &[StagedEntry]) -> Result<bool, StoreError> {
        self.door(publish::stage(self, claim, entries).await)
    }

    async fn publish(&self, publication: &Publication) -> Result<Published, StoreError> {
        self.door(publish::publish(self, publication).await)
    }

    async fn entries_page(
        &self,
        repository: RepositoryId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Entry>, StoreError> {
        self.door(entries(self, repository, after, limit).await)
    }

    async fn totals(&self, repository: RepositoryId) -> Result<Totals, StoreError> {
        self.door(totals(self, repository).await)
    }

    async fn search_rows(
        &self,
        embedding: EmbeddingId,
        filter: &SearchFilter,
        each: SearchPage<'_>,
    ) -> Result<(), StoreError> {
        self.door(search::rows(self, embedding, filter, each).await)
    }

    async fn collect(&self, how: &Collect) -> Result<Collected, StoreError> {
        self.door(collect::collect(self, how).await)
    }

    async fn verify(&self, deep: bool) -> Result<Verified, StoreError> {
        self.door(verify::verify(self, deep).await)
    }
}

async fn envelope_of(store: &Sqlite, key: ArtifactKey) -> Result<Option<Vec<u8>>, Fault> {
    let mut conn = store.read().await?;
    let query = sqlx::query_scalar("SELECT envelope FROM artifact WHERE key = ?").bind(key.0.0.as_slice());
    Ok(query.fetch_optional(&mut *conn).await?)
}

async fn entries(
    store: &Sqlite,
    repository: RepositoryId,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<Entry>, Fault> {
    let mut conn = store.read().await?;
    let query = sqlx::query(ENTRIES).bind(repository.0).bind(after.unwrap_or_default()).bind(limit);
    Ok(query.fetch_all(&mut *conn).await?.iter().map(entry).collect::<sqlx::Result<_>>()?)
}

fn entry(row: &SqliteRow) -> sqlx::Result<Entry> {
    Ok(Entry {
        path: row.try_get("path")?,
        oid: row.try_get("oid")?,
        hint: row.try_get("hint")?,
        artifact: row.try_get::<Option<&[u8]>, _>("artifact")?.map(rows::artifact_key).transpose()?,
        skip: row.try_get::<Option<&str>, _>("skip")?.map(rows::skip_reason).transpose()?,
    })
}

async fn totals(store: &Sqlite, repository: RepositoryId) -> Result<Totals, Fault> {
    let mut conn = store.read().await?;
    let totals: Option<Option<String>> =
        sqlx::query_scalar(TOTALS).bind(repository.0).fetch_optional(&mut *conn).await?;
    totals.flatten().map_or_else(|| Ok(Totals::default()), |totals| Ok(publish::totals(&totals)?))
}
