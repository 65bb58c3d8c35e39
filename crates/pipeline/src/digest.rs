//! The Hasher's blocking work on one file: read, judge, hash; then chunk.

use std::sync::Arc;

use warmer_content::{
    Artifact, ArtifactKey, ChunkError, Chunker, ChunkingId, Hint, Language, Leash, Rules, SkipReason, TokenSpans,
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
        /// The whole content.
        text: String,
        /// What it is read as.
        language: &'static Language,
        /// The key that its artifact has or will have.
        key: ArtifactKey,
    },
}

/// Reads a blob, unless its size alone says no; gives its text and the key of its artifact.
pub(crate) fn read(
    blobs: &Blobs,
    oid: &Oid,
    hint: Hint,
    rules: &Rules,
    chunking: ChunkingId,
) -> Result<Read, GitError> {
    if let Err(reason) = rules.judge_size(blobs.size(oid)?) {
        return Ok(Read::Skip(reason));
    }
    let bytes = blobs.read(oid)?;
    if let Err(reason) = rules.judge_content(&bytes, hint) {
        return Ok(Read::Skip(reason));
    }
    let Ok(text) = String::from_utf8(bytes) else {
        return Ok(Read::Skip(SkipReason::NotUtf8));
    };
    let language = hint.language(&text);
    let key = artifact_key(chunking, text.as_bytes(), language.name);
    Ok(Read::Text { text, language, key })
}

/// Chunks a text.
///
/// # Errors
/// The reason to skip the file, when it cannot be chunked or not in time.
pub(crate) fn chunk(
    text: String,
    language: &'static Language,
    chunker: &Chunker,
    tokens: &dyn TokenSpans,
    leash: &Leash,
) -> Result<Arc<Artifact>, SkipReason> {
    match chunker.chunk(&text, language, tokens, leash) {
        Ok(chunks) => Ok(Arc::new(Artifact { language: language.name.to_owned(), text, chunks })),
        Err(ChunkError::Tokens(_)) => Err(SkipReason::Panicked),
        Err(_) => Err(SkipReason::TooSlow),
    }
}
