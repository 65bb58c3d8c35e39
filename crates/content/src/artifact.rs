//! The artifact: everything an agent needs about one content.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::content::Content;
use crate::key::{ArtifactKey, ChunkingId, KeyBuilder, TextKey, text_key};
use crate::language::Language;

/// Everything about one content read as one language. Stored under its [`crate::ArtifactKey`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// The name in the language table, for example `rust`; `text` for everything else.
    pub language: String,
    /// The name of the encoding that the content was in, where that is not UTF-8.
    #[serde(default)]
    pub encoding: Option<String>,
    /// Secrets of the content that are asterisks in the text.
    #[serde(default)]
    pub masked: u32,
    /// The whole content, in UTF-8.
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
    /// The [`crate::size`] of the embedded text.
    pub size: u32,
    /// The key of the embedded text.
    pub key: TextKey,
}

impl Artifact {
    /// The artifact of a content that was cut into these chunks.
    #[must_use]
    pub fn of(content: Content, chunks: Vec<Chunk>) -> Self {
        let Content { text, language, encoding, masked, .. } = content;
        Self { language: language.name.to_owned(), encoding: encoding.map(Cow::into_owned), masked, text, chunks }
    }

    /// The content that it was made of, to be cut in another way; `None` where this version has no such language.
    #[must_use]
    pub fn into_content(self) -> Option<Content> {
        let Self { language, encoding, masked, text, .. } = self;
        let language = Language::by_name(&language).filter(|found| found.name == language)?;
        Some(Content { encoding: encoding.map(Cow::Owned), masked, ..Content::plain(text, language) })
    }

    /// Whether it is what belongs to this key: the content, and of each chunk the text.
    #[must_use]
    pub fn is_of(&self, chunking: ChunkingId, key: ArtifactKey) -> bool {
        let Self { text, language, encoding, masked, chunks } = self;
        key_of(chunking, (text, language), encoding.as_deref(), *masked) == key
            && chunks.iter().all(|chunk| text_key(&self.embedded_text(chunk)) == chunk.key)
    }

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

/// The key of the artifact of `content`. It is over the text without secrets, so it tells nothing of them.
#[must_use]
pub fn artifact_key(chunking: ChunkingId, content: &Content) -> ArtifactKey {
    let Content { text, language, encoding, masked, .. } = content;
    key_of(chunking, (text, language.name), encoding.as_deref(), *masked)
}

fn key_of(chunking: ChunkingId, (text, language): (&str, &str), encoding: Option<&str>, masked: u32) -> ArtifactKey {
    let key = KeyBuilder::new("warmer artifact v2").field(chunking.0.0).field(text).field(language);
    ArtifactKey(key.field(encoding.unwrap_or_default()).number(u64::from(masked)).finish())
}

/// The header on a line of its own, then the text; the text alone where the header is empty.
#[must_use]
pub fn embedded_text(header: &str, text: &str) -> String {
    if header.is_empty() { text.to_owned() } else { format!("{header}\n{text}") }
}
