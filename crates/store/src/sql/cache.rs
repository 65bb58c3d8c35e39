//! The trait, and what is served.

use std::collections::HashMap;

use async_trait::async_trait;
use warmer_content::{
    Artifact, ArtifactKey, ChunkingId, EmbeddingId, RulesDigest, Symbols, SymbolsId, TextKey, Vector,
};

use super::rows::{artifact_key, skip_reason};
use super::transient::retrying;
use super::{Base, Connection as _, Fault, Row, collect, probe, publish, shown, symbols, totals, values, verify};
use crate::cache::{BlobKey, Cache, Entry, Extracted, Known, Put, PutCounts, Shown, StagedEntry, Totals};
use crate::envelope;
use crate::error::StoreError;
use crate::job::ClaimId;
use crate::publication::{Publication, Published};
use crate::repository::RepositoryId;
use crate::upkeep::{Collect, Collected, Verified};

const ENTRIES: &str = "
    SELECT path, oid, language_hint, artifact, skip FROM entry
    WHERE repository = $1 AND path > $2
        AND chunking = (SELECT repository_served.chunking FROM repository_served WHERE repository_served.id = $1)
    ORDER BY path LIMIT $3";
/// $1: the repository; $2: the chunking; $3: behind which path; $4: the most.
const ENTRIES_UNDER: &str = "
    SELECT path, oid, language_hint, artifact, skip FROM entry
    WHERE repository = $1 AND chunking = (SELECT id FROM fingerprint WHERE digest = $2) AND path > $3
    ORDER BY path LIMIT $4";
const ENVELOPE: &str = "SELECT envelope FROM artifact WHERE key = $1";

#[async_trait]
impl<B: Base> Cache for B {
    async fn known(
        &self,
        blobs: &[BlobKey],
        chunking: ChunkingId,
        rules: RulesDigest,
    ) -> Result<Vec<Option<Known>>, StoreError> {
        retrying!(self, probe::known(self, blobs, chunking, rules))
    }

    async fn known_artifacts(&self, keys: &[ArtifactKey]) -> Result<Vec<Option<Known>>, StoreError> {
        retrying!(self, probe::known_artifacts(self, keys))
    }

    async fn artifact(&self, key: ArtifactKey) -> Result<Option<Artifact>, StoreError> {
        let envelope: Option<Vec<u8>> = retrying!(self, envelope_of(self, key))?;
        let artifact = envelope.as_deref().map(envelope::unseal);
        if artifact == Some(None) {
            self.atomic_counters().unreadable_artifact();
        }
        Ok(artifact.flatten())
    }

    async fn artifacts(&self, keys: &[ArtifactKey]) -> Result<HashMap<ArtifactKey, Artifact>, StoreError> {
        let artifacts = retrying!(self, shown::artifacts(self, keys))?;
        let unreadable = artifacts.values().filter(|artifact| artifact.is_none()).count();
        (0..unreadable).for_each(|_| self.atomic_counters().unreadable_artifact());
        Ok(artifacts.into_iter().filter_map(|(key, artifact)| Some((key, artifact?))).collect())
    }

    async fn vectors(&self, embedding: EmbeddingId, texts: &[TextKey]) -> Result<HashMap<TextKey, Vector>, StoreError> {
        retrying!(self, shown::vectors(self, embedding, texts))
    }

    async fn symbols(&self, keys: &[ArtifactKey], by: SymbolsId) -> Result<Vec<Option<Symbols>>, StoreError> {
        retrying!(self, symbols::symbols(self, keys, by))
    }

    async fn put_symbols(&self, symbols: Extracted<'_>) -> Result<(), StoreError> {
        if self.is_reader() || symbols.symbols.is_empty() {
            return Ok(());
        }
        retrying!(self, Base::put_symbols(self, symbols))
    }

    async fn missing_vectors(&self, embedding: EmbeddingId, texts: &[TextKey]) -> Result<Vec<TextKey>, StoreError> {
        retrying!(self, probe::missing_vectors(self, embedding, texts))
    }

    async fn put(&self, put: Put<'_>) -> Result<PutCounts, StoreError> {
        retrying!(self, Base::put(self, put))
    }

    async fn stage(&self, claim: ClaimId, entries: &[StagedEntry]) -> Result<bool, StoreError> {
        retrying!(self, publish::stage(self, claim, entries))
    }

    async fn publish(&self, publication: &Publication) -> Result<Published, StoreError> {
        let mut counted = None;
        retrying!(self, publish::publish(self, publication, &mut counted))
    }

    async fn entries_page(
        &self,
        repository: RepositoryId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Entry>, StoreError> {
        retrying!(self, entries(self, repository, after, limit))
    }

    async fn entries_under(
        &self,
        repository: RepositoryId,
        chunking: ChunkingId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Entry>, StoreError> {
        retrying!(self, entries_under(self, (repository, chunking), after, limit))
    }

    async fn shown_page(
        &self,
        repository: RepositoryId,
        chunking: ChunkingId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Shown>, StoreError> {
        retrying!(self, shown::page(self, (repository, chunking), after, limit))
    }

    async fn shown_since(
        &self,
        repository: RepositoryId,
        chunking: ChunkingId,
        since: u64,
        limit: u32,
    ) -> Result<Vec<Shown>, StoreError> {
        retrying!(self, shown::since(self, (repository, chunking), since, limit))
    }

    async fn totals(&self, repository: RepositoryId) -> Result<Totals, StoreError> {
        retrying!(self, totals::totals(self, repository))
    }

    async fn collect(&self, how: &Collect) -> Result<Collected, StoreError> {
        self.door(collect::collect(self, how).await)
    }

    async fn verify(&self, deep: bool) -> Result<Verified, StoreError> {
        self.door(verify::verify(self, deep).await)
    }
}

async fn envelope_of<B: Base>(store: &B, key: ArtifactKey) -> Result<Option<Vec<u8>>, Fault> {
    let row = store.read().await?.maybe(ENVELOPE, values![&key.0]).await?;
    Ok(row.map(|row| row.bytes("envelope").map(<[u8]>::to_vec)).transpose()?)
}

async fn entries<B: Base>(
    store: &B,
    repository: RepositoryId,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<Entry>, Fault> {
    let found = store.read().await?.all(ENTRIES, values![repository.0, after.unwrap_or_default(), limit]).await?;
    Ok(found.iter().map(entry).collect::<sqlx::Result<_>>()?)
}

async fn entries_under<B: Base>(
    store: &B,
    (repository, chunking): (RepositoryId, ChunkingId),
    after: &str,
    limit: u32,
) -> Result<Vec<Entry>, Fault> {
    let found = store.read().await?.all(ENTRIES_UNDER, values![repository.0, &chunking.0, after, limit]).await?;
    Ok(found.iter().map(entry).collect::<sqlx::Result<_>>()?)
}

fn entry(row: &impl Row) -> sqlx::Result<Entry> {
    Ok(Entry {
        path: row.text("path")?.to_owned(),
        oid: row.text("oid")?.to_owned(),
        language_hint: row.text("language_hint")?.to_owned(),
        artifact: row.maybe_bytes("artifact")?.map(artifact_key).transpose()?,
        skip: row.maybe_text("skip")?.map(skip_reason).transpose()?,
    })
}
