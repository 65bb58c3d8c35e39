//! The Hasher's blocking work on one file: read, judge, hash; then chunk.

use std::sync::Arc;

use warmer_content::{
    Artifact, ArtifactKey, Chunker, ChunkingId, Content, Deadline, LanguageHint, Rules, SkipReason, Symbols,
    artifact_key,
};
use warmer_git::{Blobs, GitError, Oid};

/// A file whose bytes were read.
#[derive(Debug)]
pub(crate) enum Read {
    /// Not indexed.
    Skip(SkipReason),
    /// Text that may have an artifact already.
    Text {
        /// As it is stored and embedded.
        content: Content,
        /// The key that its artifact has or will have.
        key: ArtifactKey,
    },
}

/// Reads a blob, unless its size alone says no; gives its text and the key of its artifact.
pub(crate) fn read(
    blobs: &Blobs,
    oid: &Oid,
    hint: LanguageHint,
    rules: &Rules,
    chunking: ChunkingId,
) -> Result<Read, GitError> {
    if let Err(reason) = rules.judge_size(blobs.size(oid)?) {
        return Ok(Read::Skip(reason));
    }
    Ok(match rules.read(blobs.read(oid)?, hint) {
        Ok(content) => Read::Text { key: artifact_key(chunking, &content), content },
        Err(reason) => Read::Skip(reason),
    })
}

/// What a text becomes.
pub(crate) struct Chunked {
    pub(crate) artifact: Arc<Artifact>,
    /// None where they were not found in time: they are looked for when they are asked for.
    pub(crate) symbols: Option<Arc<Symbols>>,
}

/// Chunks a text, and finds its symbols.
///
/// # Errors
/// The reason to skip the file, when it cannot be chunked or not in time.
pub(crate) fn chunk(content: Content, chunker: &Chunker, deadline: &Deadline) -> Result<Chunked, SkipReason> {
    let digest = chunker.digest(&content.text, content.language, deadline);
    let (chunks, symbols) = digest.map_err(|_| SkipReason::TooSlow)?;
    Ok(Chunked { artifact: Arc::new(Artifact::of(content, chunks)), symbols: symbols.map(Arc::new) })
}
