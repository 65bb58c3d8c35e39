//! The hits of a search: files with the ranges that answer, and where else just the same is served.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use serde::Serialize;
use warmer_content::{Artifact, Symbols};
use warmer_store::{Repository, RepositoryId, RepositoryState, Store};

use super::found::{FoundHit, Twin};
use super::quotation::{HITS_READ, Quotation};
use super::ranges::{Span, spans};
use super::request::Search;
use crate::error::QueryError;
use crate::file::entry;
use crate::freshness::by_name;
use crate::moment::Moment;
use crate::rank::Reason;
use crate::symbols::symbols;

/// A file that answers, with the ranges of it that do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hit {
    /// Where else just the text of its best chunk is served, 49 of these at most.
    pub also_in: Vec<Location>,
    /// The commit that is served.
    pub commit: Option<String>,
    /// Since when the repository's checks fail.
    pub failing_since: Option<Moment>,
    /// The file's language.
    pub language: String,
    /// Why the last check failed.
    pub last_error: Option<String>,
    /// In how many more places that text is.
    pub more_places: u64,
    /// The file, relative to the repository's root.
    pub path: String,
    /// In the order of the file; none touches another.
    pub ranges: Vec<Range>,
    /// The remote of the repository that serves it.
    pub repository: String,
    /// Puts the hits of one answer in order; it says nothing beside those of another.
    pub score: f32,
    /// When what is served was last known to be current.
    pub served_at: Option<Moment>,
    /// The cosine of its best chunk to the query; `None` where one of them has no vector.
    pub similarity: Option<f32>,
    /// Since when the repository's remote or ref is gone.
    pub stale_since: Option<Moment>,
    /// Whether the repository is checked by itself.
    #[serde(serialize_with = "by_name")]
    pub state: RepositoryState,
    /// What speaks for its best chunk.
    pub why: Vec<Reason>,
    /// The repository's row.
    #[serde(skip)]
    pub id: RepositoryId,
}

/// Lines of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Range {
    /// Plain names of what is defined there.
    pub defines: Vec<String>,
    /// The last line, inclusive.
    pub end_line: u32,
    /// The first line, counted from 1.
    pub start_line: u32,
    /// The qualified name of the item that its best chunk belongs to.
    pub symbol: Option<String>,
    /// The lines.
    pub text: String,
}

/// Where a text is served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Location {
    /// The last line, inclusive.
    pub end_line: u32,
    /// The file, relative to the repository's root.
    pub path: String,
    /// The remote of the repository.
    pub repository: String,
    /// The first line, counted from 1.
    pub start_line: u32,
    /// The repository's row.
    #[serde(skip)]
    pub id: RepositoryId,
}

/// Loads what was found, best first. What a publication replaced or removed meanwhile is left out: `before` are the
/// repositories as they were before anything was looked for.
pub(super) async fn load(
    store: &dyn Store,
    mut found: Vec<FoundHit>,
    before: &[Repository],
    search: &Search,
) -> Result<Vec<Hit>, QueryError> {
    let before: HashMap<_, _> = before.iter().map(|row| (row.id, row)).collect();
    let keys: Vec<_> = found.iter().map(|hit| hit.artifact).collect();
    let artifacts = store.artifacts(&keys).await?.into_iter();
    let artifacts: Vec<_> = artifacts.map(|(key, artifact)| (key, Arc::new(artifact))).collect();
    let symbols = symbols(store, &artifacts).await?;
    let files: HashMap<_, _> =
        artifacts.iter().zip(&symbols).map(|((key, file), symbols)| (*key, (file, symbols))).collect();
    if let Some(quotation) = Quotation::of(&search.query) {
        for hit in found.iter_mut().take(HITS_READ) {
            if let Some((artifact, _)) = files.get(&hit.artifact) {
                quotation.credit(hit, artifact, search.all_chunks);
            }
        }
        found.sort_by(|one, other| other.score.total_cmp(&one.score));
        found.truncate(search.limit);
    }
    // Read after the texts: if nothing was published in between, they are those of the commit that is told.
    let mut now: HashMap<RepositoryId, Option<Repository>> = HashMap::new();
    for hit in &found {
        if let Entry::Vacant(new) = now.entry(hit.repository) {
            new.insert(store.repository(hit.repository).await?);
        }
    }
    let mut hits = Vec::with_capacity(found.len());
    for hit in found {
        let file = files.get(&hit.artifact);
        let (Some((artifact, symbols)), Some(Some(repository))) = (file, now.get(&hit.repository)) else { continue };
        let is_same = before.get(&hit.repository).is_some_and(|before| shows_the_same(before, repository));
        if is_same || stands(store, &hit).await? {
            hits.extend(Hit::new(&hit, (artifact, symbols), repository, &before, search.context));
        }
    }
    Ok(hits)
}

/// Whether nothing was published in between, or only what cuts the same files anew: their lines are where they were.
fn shows_the_same(before: &Repository, now: &Repository) -> bool {
    let cut_anew = match (&before.served, &now.served) {
        (Some(before), Some(now)) => {
            before.recipe.chunking != now.recipe.chunking && before.commit == now.commit && before.rules == now.rules
        }
        _ => false,
    };
    before.publication == now.publication || cut_anew
}

/// Whether the file is still served as it was found.
async fn stands(store: &dyn Store, hit: &FoundHit) -> Result<bool, QueryError> {
    let entry = entry(store, hit.repository, &hit.path).await?;
    Ok(entry.is_some_and(|entry| entry.artifact == Some(hit.artifact)))
}

impl Hit {
    /// `None` where the artifact has none of the chunks.
    fn new(
        hit: &FoundHit,
        (artifact, symbols): (&Artifact, &Symbols),
        repository: &Repository,
        all: &HashMap<RepositoryId, &Repository>,
        context: u32,
    ) -> Option<Self> {
        let spans = spans(artifact, &hit.chunks, context);
        let ranges: Vec<_> = spans.iter().map(|span| Range::of(artifact, symbols, span, &hit.chunks)).collect();
        let location = |twin: &Twin| Some(Location::of(twin, all.get(&twin.repository)?));
        (!ranges.is_empty()).then(|| Self {
            also_in: hit.copies.iter().filter_map(location).collect(),
            commit: repository.served.as_ref().map(|served| served.commit.clone()),
            failing_since: repository.failing_since.map(Moment),
            language: artifact.language.clone(),
            last_error: repository.last_error.clone(),
            more_places: hit.more_places,
            path: hit.path.clone(),
            ranges,
            repository: repository.remote.clone(),
            score: hit.score,
            served_at: repository.served_at.map(Moment),
            similarity: hit.similarity,
            stale_since: repository.stale_since.map(Moment),
            state: repository.state,
            why: hit.reasons.clone(),
            id: hit.repository,
        })
    }
}

impl Range {
    /// `best` are the hit's chunks, the best first.
    fn of(artifact: &Artifact, symbols: &Symbols, span: &Span, best: &[u32]) -> Self {
        let chunk = |number: &u32| artifact.chunks.get(*number as usize);
        // A text of 4 GiB has no chunks.
        let small = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let symbol = best.iter().find(|number| span.chunks.contains(number)).and_then(chunk);
        Self {
            defines: symbols.defines(small(span.start)..small(span.end)).into_iter().map(str::to_owned).collect(),
            end_line: span.end_line,
            start_line: span.start_line,
            symbol: symbol.and_then(|chunk| chunk.symbol.clone()),
            text: artifact.text.get(span.start..span.end).unwrap_or_default().to_owned(),
        }
    }
}

impl Location {
    fn of(twin: &Twin, repository: &Repository) -> Self {
        Self {
            end_line: twin.end_line,
            path: twin.path.clone(),
            repository: repository.remote.clone(),
            start_line: twin.start_line,
            id: twin.repository,
        }
    }
}
