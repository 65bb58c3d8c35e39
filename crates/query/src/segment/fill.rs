//! Makes segments of what a store serves.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use warmer_content::{Artifact, ArtifactKey, Chunk, EmbeddingId, Symbols, TextKey, Vector};
use warmer_store::{Shown, Store};

use super::aside::aside;
use super::writer::{NewChunk, NewFile, SegmentWriter};
use crate::error::QueryError;
use crate::symbols::symbols;

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
        let artifacts = self.store.artifacts(&keys).await?.into_iter();
        let artifacts: Vec<_> = artifacts.map(|(key, artifact)| (key, Arc::new(artifact))).collect();
        let texts = artifacts.iter().flat_map(|(_, artifact)| &artifact.chunks).map(|chunk| chunk.key);
        let vectors = self.store.vectors(self.embedding, &texts.collect::<Vec<_>>()).await?;
        let symbols = symbols(self.store, &artifacts).await?;
        let files = artifacts.into_iter().zip(symbols).map(|((key, artifact), symbols)| (key, (artifact, symbols)));
        let page = Page { shown, files: files.collect(), vectors };
        let writer = std::mem::replace(&mut self.writer, SegmentWriter::new());
        self.writer = aside(move || write(writer, &page)).await?;
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
    files: HashMap<ArtifactKey, (Arc<Artifact>, Arc<Symbols>)>,
    vectors: HashMap<TextKey, Vector>,
}

fn write(mut writer: SegmentWriter, page: &Page) -> SegmentWriter {
    for Shown { path, artifact: key } in &page.shown {
        // One that the store cannot read is looked for again with the next publication.
        let Some((key, (artifact, symbols))) = key.and_then(|key| Some((key, page.files.get(&key)?))) else { continue };
        let chunks = artifact.chunks.iter().map(|chunk| new_chunk(artifact, symbols, chunk, &page.vectors));
        writer.add(&NewFile { path, artifact: key, language: &artifact.language, chunks: chunks.collect() });
    }
    writer
}

fn new_chunk<'a>(
    artifact: &'a Artifact,
    symbols: &'a Symbols,
    chunk: &'a Chunk,
    vectors: &'a HashMap<TextKey, Vector>,
) -> NewChunk<'a> {
    NewChunk {
        text: artifact.chunk_text(chunk),
        header: &chunk.header,
        symbol: chunk.symbol.as_deref(),
        start_line: chunk.start_line,
        end_line: chunk.end_line,
        key: chunk.key,
        vector: vectors.get(&chunk.key),
        defines: symbols.defines(chunk.start..chunk.end),
    }
}
