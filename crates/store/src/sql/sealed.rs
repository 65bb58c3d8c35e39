//! Artifacts and symbols in their stored form, packed before a transaction begins: compressing takes longer than
//! writing.

use std::collections::BTreeMap;
use std::sync::Arc;

use warmer_content::{Artifact, ArtifactKey};

use super::odd;
use crate::cache::Extracted;
use crate::envelope;

/// An artifact as it is stored.
pub(crate) struct Sealed<'a> {
    pub(crate) key: ArtifactKey,
    pub(crate) artifact: &'a Artifact,
    pub(crate) envelope: Vec<u8>,
    /// Of all its chunks.
    pub(crate) size: u64,
}

impl<'a> Sealed<'a> {
    /// Each of them once, by key.
    pub(crate) fn all(artifacts: &'a [(ArtifactKey, Arc<Artifact>)]) -> sqlx::Result<Vec<Self>> {
        let sorted: BTreeMap<_, _> = artifacts.iter().map(|(key, artifact)| (*key, &**artifact)).collect();
        sorted.into_iter().map(|(key, artifact)| Self::of(key, artifact)).collect()
    }

    fn of(key: ArtifactKey, artifact: &'a Artifact) -> sqlx::Result<Self> {
        let envelope = envelope::seal(artifact).map_err(odd)?;
        let size = artifact.chunks.iter().map(|chunk| u64::from(chunk.size)).sum();
        Ok(Self { key, artifact, envelope, size })
    }
}

/// Symbols in their stored form, each once, by key.
pub(crate) fn sealed_symbols(extracted: &Extracted<'_>) -> sqlx::Result<BTreeMap<ArtifactKey, Vec<u8>>> {
    let all = extracted.symbols.iter();
    all.map(|(key, symbols)| Ok((*key, envelope::seal(&**symbols).map_err(odd)?))).collect()
}
