//! Makes segments of what a store serves.

use std::collections::{BTreeSet, HashMap};

use warmer_content::{Artifact, ArtifactKey, Chunk, EmbeddingId, TextKey, Vector};
use warmer_store::{Shown, Store};

use super::aside::aside;
use super::writer::{NewChunk, NewFile, SegmentWriter};
use crate::error::QueryError;

/// Files that are read at once: some 10 MB of texts at most, as few are larger than 100 KB.
pub(super) const PAGE_FILES: u32 = 64;
/// A segment with as many chunks is finished and the next one begun: 50 MB with 384 dimensions, so that memory does not
/// grow with the repository.
pub(super) const CHUNKS_MAX: u32 = 1 << 15;

/// Makes segments, one after the other.
pub(super) struct Filler<'a> {
    store: &'a dyn Store,
    embedding: EmbeddingId,
    writer: SegmentWriter,
}

impl<'a> Filler<'a> {
    pub(super) fn new(store: &'a dyn Store, embedding: EmbeddingId) -> Self {
        Self { store, embedding, writer: SegmentWriter::new() }
    }

    /// Adds a page of files, which are behind all before by their paths. Gives a segment that is full with them.
    pub(super) async fn add(&mut self, shown: Vec<Shown>) -> Result<Option<SegmentWriter>, QueryError> {
        let keys: Vec<_> = shown.iter().filter_map(|shown| shown.artifact).collect();
        let artifacts = self.store.artifacts(&keys).await?;
        let texts: Vec<_> = artifacts.values().flat_map(|artifact| &artifact.chunks).map(|chunk| chunk.key).collect();
        let vectors = self.store.vectors(self.embedding, &texts).await?;
        let writer = std::mem::replace(&mut self.writer, SegmentWriter::new());
        self.writer = aside(move || write(writer, &Page { shown, artifacts, vectors })).await?;
        let is_full = self.writer.chunk_count() >= CHUNKS_MAX;
        Ok(is_full.then(|| std::mem::replace(&mut self.writer, SegmentWriter::new())))
    }

    /// The last segment, which says as well what is gone; by path.
    pub(super) fn last(mut self, gone: &BTreeSet<String>) -> SegmentWriter {
        gone.iter().for_each(|path| self.writer.drop_path(path));
        self.writer
    }
}

struct Page {
    shown: Vec<Shown>,
    artifacts: HashMap<ArtifactKey, Artifact>,
    vectors: HashMap<TextKey, Vector>,
}

fn write(mut writer: SegmentWriter, page: &Page) -> SegmentWriter {
    for Shown { path, artifact: key } in &page.shown {
        // One that the store cannot read is looked for again with the next publication.
        let Some((key, artifact)) = key.and_then(|key| Some((key, page.artifacts.get(&key)?))) else { continue };
        writer.add(&new_file(path, key, artifact, &page.vectors));
    }
    writer
}

fn new_file<'a>(
    path: &'a str,
    key: ArtifactKey,
    artifact: &'a Artifact,
    vectors: &'a HashMap<TextKey, Vector>,
) -> NewFile<'a> {
    let mut before = None;
    let chunks = artifact.chunks.iter().map(|chunk| {
        let begins = chunk.symbol != before;
        before.clone_from(&chunk.symbol);
        new_chunk(artifact, chunk, begins, vectors.get(&chunk.key))
    });
    NewFile { path, artifact: key, language: &artifact.language, chunks: chunks.collect() }
}

/// `begins`: the chunk before belongs to another item.
fn new_chunk<'a>(artifact: &'a Artifact, chunk: &'a Chunk, begins: bool, vector: Option<&'a Vector>) -> NewChunk<'a> {
    let text = artifact.chunk_text(chunk);
    let symbol = chunk.symbol.as_deref();
    let name = symbol.and_then(|symbol| symbol.rsplit(['.', ':', '#']).next());
    let defines = name.filter(|name| begins && !name.is_empty() && text.contains(name));
    NewChunk {
        text,
        header: &chunk.header,
        symbol,
        start_line: chunk.start_line,
        end_line: chunk.end_line,
        key: chunk.key,
        vector,
        defines: defines.into_iter().collect(),
    }
}
