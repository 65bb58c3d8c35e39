//! What texts define and refer to: as it is stored, else made from the stored text and stored for the next who asks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::task::spawn_blocking;
use warmer_content::{Artifact, ArtifactKey, Deadline, Language, Symbols, symbols_id};
use warmer_store::{Extracted, RepositoryId, Store};

use crate::error::QueryError;
use crate::names;
use crate::scope::Scope;

/// A text whose symbols take longer has none; a parse is bounded in steps long before.
const DEADLINE: Duration = Duration::from_secs(20);

/// Entries that are looked at together when a name is looked for.
const PAGE: u32 = 256;

/// A name that a text defines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Definition {
    /// Behind the last byte.
    pub end_byte: u32,
    /// The last line, counted from 1.
    pub end_line: u32,
    /// What it is: `function`, `struct`, `section`, …
    pub kind: &'static str,
    /// Alone.
    pub name: String,
    /// The definition that it is inside of, as an index of the list.
    pub parent: Option<u32>,
    /// With what it is inside of.
    pub qualified: String,
    /// The line that has the name.
    pub signature: String,
    /// The first byte, counted from 0.
    pub start_byte: u32,
    /// The first line, counted from 1.
    pub start_line: u32,
}

/// A name that a text uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reference {
    /// How: `call`, `import` or `type`.
    pub kind: &'static str,
    /// Counted from 1, ascending; of many the first.
    pub lines: Vec<u32>,
    /// Alone.
    pub name: String,
}

/// A definition, and the file that has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Defined {
    /// What it is.
    pub definition: Definition,
    /// Relative to the repository's root.
    pub path: String,
}

impl Definition {
    /// The views of what a text defines, in its order.
    pub(crate) fn all(symbols: &Symbols) -> Vec<Self> {
        symbols.definitions.iter().map(Self::of).collect()
    }

    fn of(of: &warmer_content::Definition) -> Self {
        Self {
            end_byte: of.end,
            end_line: of.end_line,
            kind: of.kind.as_str(),
            name: of.name.clone(),
            parent: of.parent,
            qualified: of.qualified.clone(),
            signature: of.signature.clone(),
            start_byte: of.start,
            start_line: of.start_line,
        }
    }
}

impl Reference {
    /// The views of what a text uses, by name.
    pub(crate) fn all(symbols: &Symbols) -> Vec<Self> {
        let all = symbols.references.iter();
        all.map(|of| Self { kind: of.kind.as_str(), lines: of.lines.clone(), name: of.name.clone() }).collect()
    }
}

/// The symbols of these artifacts, in their order. What is not stored, or was made by another extractor, is made from
/// the artifact's text, and stored where the store may be written.
///
/// # Errors
/// When the store fails, or the extractor panics.
pub async fn symbols(
    store: &dyn Store,
    artifacts: &[(ArtifactKey, Arc<Artifact>)],
) -> Result<Vec<Arc<Symbols>>, QueryError> {
    let keys: Vec<ArtifactKey> = artifacts.iter().map(|(key, _)| *key).collect();
    let stored = store.symbols(&keys, symbols_id()).await?;
    let missing = stored.iter().zip(artifacts).filter(|(stored, _)| stored.is_none());
    let missing: Vec<_> = missing.map(|(_, artifact)| artifact.clone()).collect();
    let made = if missing.is_empty() { vec![] } else { made_beside(missing).await? };
    let kept: Vec<_> = made.iter().filter_map(|(key, symbols)| Some((*key, symbols.clone()?))).collect();
    if let Err(error) = store.put_symbols(Extracted::of(&kept)).await {
        tracing::debug!(%error, "symbols that were made for an answer are not kept");
    }
    let mut made = made.into_iter().map(|(_, symbols)| symbols.unwrap_or_default());
    let all = stored.into_iter().map(|stored| stored.map(Arc::new).or_else(|| made.next()).unwrap_or_default());
    Ok(all.collect())
}

/// A text takes some milliseconds: too long for a thread that others wait for.
#[expect(clippy::disallowed_methods, reason = "each text has a deadline, and parsing is bounded in steps long before")]
async fn made_beside(
    artifacts: Vec<(ArtifactKey, Arc<Artifact>)>,
) -> Result<Vec<(ArtifactKey, Option<Arc<Symbols>>)>, QueryError> {
    spawn_blocking(move || made(&artifacts)).await.map_err(|error| QueryError::Panicked(error.to_string()))
}

/// None where it takes too long.
fn made(artifacts: &[(ArtifactKey, Arc<Artifact>)]) -> Vec<(ArtifactKey, Option<Arc<Symbols>>)> {
    let of = |artifact: &Artifact| {
        let language = Language::by_name(&artifact.language).unwrap_or_else(Language::text);
        let deadline = Deadline { until: Instant::now() + DEADLINE, cancelled: Arc::default() };
        Symbols::of(&artifact.text, language, &deadline).ok().map(Arc::new)
    };
    artifacts.iter().map(|(key, artifact)| (*key, of(artifact))).collect()
}

/// Where a repository defines a name, alone or qualified (`claim`, `Queue::claim`, `queue.claim`): by path, in each
/// file those in the very same case first.
///
/// # Errors
/// When the scope does not have the repository, or the store fails.
pub async fn definitions_of(
    store: &dyn Store,
    scope: &Scope,
    repository: RepositoryId,
    name: &str,
) -> Result<Vec<Defined>, QueryError> {
    names::followed_by_id(store, scope, repository).await?;
    let (mut found, mut after) = (vec![], None::<String>);
    loop {
        let page = store.entries_page(repository, after.as_deref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(found) };
        after = Some(last.path.clone());
        let files: Vec<_> = page.into_iter().filter_map(|entry| Some((entry.path, entry.artifact?))).collect();
        for ((path, _), symbols) in files.iter().zip(stored_or_made(store, &files).await?) {
            let all = symbols.named(name).into_iter();
            found.extend(all.map(|of| Defined { definition: Definition::of(of), path: path.clone() }));
        }
    }
}

/// The symbols of these files; only those artifacts are read whose symbols are not stored.
async fn stored_or_made(store: &dyn Store, files: &[(String, ArtifactKey)]) -> Result<Vec<Arc<Symbols>>, QueryError> {
    let keys: Vec<ArtifactKey> = files.iter().map(|(_, key)| *key).collect();
    let mut all = vec![];
    for (key, stored) in keys.iter().zip(store.symbols(&keys, symbols_id()).await?) {
        all.push(match stored {
            Some(stored) => Arc::new(stored),
            // One that cannot be read defines nothing; `warm --full` repairs it.
            None => match store.artifact(*key).await? {
                Some(artifact) => symbols(store, &[(*key, Arc::new(artifact))]).await?.pop().unwrap_or_default(),
                None => Arc::default(),
            },
        });
    }
    Ok(all)
}
