//! `File`: one file of a repository, how it was cut into chunks, and what it defines.

use std::sync::Arc;

use serde::Serialize;
use warmer_content::{Artifact, SkipReason, Symbols};
use warmer_store::{Entry, RepositoryId, Store};

use crate::error::QueryError;
use crate::names;
use crate::scope::Scope;
use crate::symbols::{Definition, Reference, symbols};

/// Rows that are read to find one path: the first behind its predecessor is nearly always it.
const PAGE: u32 = 16;

/// The encoding of a content whose own is not told.
const UTF_8: &str = "UTF-8";

/// A file that is served. What a skipped one does not have is `None`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct File {
    /// The key of its artifact, in hexadecimal.
    pub artifact: Option<String>,
    /// In the order of the text.
    pub chunks: Option<Vec<Chunk>>,
    /// What its text defines, in its order, an outer definition before those inside it.
    pub definitions: Option<Vec<Definition>>,
    /// What its content was in; the text is in UTF-8.
    pub encoding: Option<String>,
    /// What its language is.
    pub language: Option<String>,
    /// What path and attributes say of it.
    pub language_hint: String,
    /// Secrets that are asterisks in its text.
    pub masked: Option<u32>,
    /// The blob's id, in hexadecimal.
    pub oid: String,
    /// Relative to the repository's root.
    pub path: String,
    /// What its text uses, by name; empty where no grammar tells it.
    pub references: Option<Vec<Reference>>,
    /// The repository's remote.
    pub repository: String,
    /// Why it is skipped.
    #[serde(serialize_with = "crate::freshness::by_names")]
    pub skip: Option<SkipReason>,
    /// Bytes of its text.
    #[serde(skip)]
    pub bytes: u64,
    /// Its text.
    #[serde(skip)]
    pub text: Option<String>,
}

/// A range of the text that was embedded as one text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Chunk {
    /// Behind the last byte.
    pub end_byte: u32,
    /// The last line, counted from 1.
    pub end_line: u32,
    /// What precedes the range in the embedded text.
    pub header: String,
    /// The key of the embedded text, in hexadecimal.
    pub key: String,
    /// The size of the embedded text.
    pub size: u32,
    /// The first byte, counted from 0.
    pub start_byte: u32,
    /// The first line, counted from 1.
    pub start_line: u32,
    /// The qualified name of the enclosing item.
    pub symbol: Option<String>,
}

impl File {
    /// The file of this path.
    ///
    /// # Errors
    /// When the scope does not have the repository, the repository not the path, or its artifact cannot be read.
    pub async fn of(store: &dyn Store, scope: &Scope, id: RepositoryId, path: &str) -> Result<Self, QueryError> {
        let repository = names::followed_by_id(store, scope, id).await?;
        let Some(entry) = entry(store, id, path).await? else {
            let repository = names::label(&repository.remote, repository.reference.as_deref());
            return Err(QueryError::NoPath { path: path.to_owned(), repository });
        };
        let Some(key) = entry.artifact else { return Ok(Self::new(repository.remote, entry, None)) };
        let read = store.artifact(key).await?;
        let artifact = Arc::new(read.ok_or_else(|| QueryError::Unreadable { path: path.to_owned() })?);
        let symbols = symbols(store, &[(key, artifact.clone())]).await?.pop().unwrap_or_default();
        Ok(Self::new(repository.remote, entry, Some((&artifact, &symbols))))
    }

    fn new(repository: String, entry: Entry, read: Option<(&Artifact, &Symbols)>) -> Self {
        let (of, symbols) = read.unzip();
        Self {
            artifact: entry.artifact.map(|key| key.to_string()),
            chunks: of.map(|artifact| artifact.chunks.iter().map(Chunk::of).collect()),
            definitions: symbols.map(Definition::all),
            encoding: of.map(|artifact| artifact.encoding.clone().unwrap_or_else(|| UTF_8.to_owned())),
            language: of.map(|artifact| artifact.language.clone()),
            language_hint: entry.language_hint,
            masked: of.map(|artifact| artifact.masked),
            oid: entry.oid,
            path: entry.path,
            references: symbols.map(Reference::all),
            repository,
            skip: entry.skip,
            bytes: of.map_or(0, |artifact| artifact.text.len() as u64),
            text: of.map(|artifact| artifact.text.clone()),
        }
    }
}

impl Chunk {
    fn of(chunk: &warmer_content::Chunk) -> Self {
        Self {
            end_byte: chunk.end,
            end_line: chunk.end_line,
            header: chunk.header.clone(),
            key: chunk.key.to_string(),
            size: chunk.size,
            start_byte: chunk.start,
            start_line: chunk.start_line,
            symbol: chunk.symbol.clone(),
        }
    }
}

/// The entry of a path. Pages begin behind a path, so the search begins at the path without its last character.
pub(crate) async fn entry(
    store: &dyn Store,
    repository: RepositoryId,
    path: &str,
) -> Result<Option<Entry>, QueryError> {
    let mut before = path.chars();
    before.next_back();
    let mut after = before.as_str().to_owned();
    loop {
        let page = store.entries_page(repository, Some(&after), PAGE).await?;
        let Some(last) = page.last() else { return Ok(None) };
        after.clone_from(&last.path);
        let passed = after.as_str() >= path;
        if let Some(entry) = page.into_iter().find(|entry| entry.path == path) {
            return Ok(Some(entry));
        }
        if passed {
            return Ok(None);
        }
    }
}
