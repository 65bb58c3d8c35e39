//! The artifact: everything an agent needs about one content.

use serde::{Deserialize, Serialize};

use crate::key::{ArtifactKey, ChunkingId, TextKey, artifact_key};
use crate::language::Language;

/// Everything about one content read as one language. Stored under its [`crate::ArtifactKey`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// The name in the language table, for example `rust`; `text` for everything else.
    pub language: String,
    /// The whole content.
    pub text: String,
    /// In the order of the text; together they cover it without gap or overlap.
    pub chunks: Vec<Chunk>,
}

/// A range of the text that is embedded as one text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// First byte.
    pub start: u32,
    /// Behind the last byte.
    pub end: u32,
    /// First line, counted from 1.
    pub start_line: u32,
    /// Last line, inclusive.
    pub end_line: u32,
    /// The enclosing item's qualified name, for example `Queue::claim`; a section's heading in Markdown.
    pub symbol: Option<String>,
    /// What precedes the range in the embedded text: language and enclosing symbols, never the path. May be empty.
    pub header: String,
    /// Tokens of the embedded text by the model's own tokenizer, without special tokens.
    pub tokens: u32,
    /// The key of the embedded text.
    pub key: TextKey,
}

impl Artifact {
    /// The chunk's own lines.
    #[must_use]
    pub fn chunk_text(&self, chunk: &Chunk) -> &str {
        self.text.get(chunk.start as usize..chunk.end as usize).unwrap_or_default()
    }

    /// What the model reads: the header on a line of its own, then the range.
    #[must_use]
    pub fn embedded_text(&self, chunk: &Chunk) -> String {
        embedded_text(&chunk.header, self.chunk_text(chunk))
    }
}

/// The header on a line of its own, then the text; the text alone where the header is empty.
#[must_use]
pub fn embedded_text(header: &str, text: &str) -> String {
    if header.is_empty() { text.to_owned() } else { format!("{header}\n{text}") }
}

/// The artifact of a text read as `language`, and its key.
#[must_use]
pub fn artifact(chunking: ChunkingId, text: &str, language: &Language, chunks: Vec<Chunk>) -> (ArtifactKey, Artifact) {
    let key = artifact_key(chunking, text.as_bytes(), language.name);
    (key, Artifact { language: language.name.to_owned(), text: text.to_owned(), chunks })
}
