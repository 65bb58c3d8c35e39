//! The answers of a search: texts, and where they are served.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde::Serialize;
use warmer_content::{Artifact, ArtifactKey, Chunk};
use warmer_store::{Repository, RepositoryId, RepositoryState, Store};

use crate::error::QueryError;
use crate::freshness::by_name;
use crate::index::{Occurrence, Occurrences};
use crate::moment::Moment;

/// A text that is near to the query. Its fields stand in the order in which they are printed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// The remote of the repository that serves it.
    pub repository: String,
    /// The file, relative to the repository's root.
    pub path: String,
    /// The first line, counted from 1.
    pub start_line: u32,
    /// The last line, inclusive.
    pub end_line: u32,
    /// The qualified name of the enclosing item.
    pub symbol: Option<String>,
    /// The file's language.
    pub language: String,
    /// The cosine to the query.
    pub score: f32,
    /// The lines.
    pub text: String,
    /// The commit that is served.
    pub commit: Option<String>,
    /// When that was last known to be current.
    pub served_at: Option<Moment>,
    /// Whether the repository is checked by itself.
    #[serde(serialize_with = "by_name")]
    pub state: RepositoryState,
    /// Since when the repository's remote or ref is gone.
    pub stale_since: Option<Moment>,
    /// Since when its checks fail.
    pub failing_since: Option<Moment>,
    /// Why the last of them failed.
    pub last_error: Option<String>,
    /// Where else just the same text is served, 49 of these at most.
    pub also_in: Vec<Location>,
    /// In how many more places it is.
    pub more_places: u64,
    /// The repository's row.
    #[serde(skip)]
    pub id: RepositoryId,
}

/// Where a text is served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Location {
    /// The remote of the repository.
    pub repository: String,
    /// The file, relative to the repository's root.
    pub path: String,
    /// The first line, counted from 1.
    pub start_line: u32,
    /// The last line, inclusive.
    pub end_line: u32,
    /// The repository's row.
    #[serde(skip)]
    pub id: RepositoryId,
}

/// Loads what was found, best first. What a warm replaced meanwhile is left out.
pub(super) async fn load(
    store: &dyn Store,
    found: Vec<(f32, Occurrences)>,
    repositories: &HashMap<RepositoryId, &Repository>,
) -> Result<Vec<Answer>, QueryError> {
    let mut answers: Vec<Answer> = Vec::with_capacity(found.len());
    for (score, Occurrences { first, more }) in found {
        // The occurrences of one text share artifacts; those of several seldom do.
        let mut artifacts = HashMap::new();
        let begin = answers.len();
        for occurrence in first {
            let Some(repository) = repositories.get(&occurrence.repository) else { continue };
            let Some((artifact, chunk)) = chunk(store, &mut artifacts, &occurrence).await? else { continue };
            // The key covers the header and the text: in theory two ways to part the same characters.
            let text = artifact.chunk_text(chunk);
            match answers[begin..].iter_mut().find(|answer| answer.text == text) {
                Some(answer) => answer.also_in.push(Location::of(repository, &occurrence, chunk)),
                None => answers.push(Answer::of(repository, &occurrence, artifact, chunk, score)),
            }
        }
        if let Some(answer) = answers.get_mut(begin) {
            answer.more_places = more;
        }
    }
    Ok(answers)
}

async fn chunk<'a>(
    store: &dyn Store,
    artifacts: &'a mut HashMap<ArtifactKey, Option<Artifact>>,
    occurrence: &Occurrence,
) -> Result<Option<(&'a Artifact, &'a Chunk)>, QueryError> {
    let artifact = match artifacts.entry(occurrence.artifact) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(new) => new.insert(store.artifact(occurrence.artifact).await?),
    };
    Ok(artifact.as_ref().and_then(|artifact| Some((artifact, artifact.chunks.get(occurrence.chunk as usize)?))))
}

impl Location {
    fn of(repository: &Repository, occurrence: &Occurrence, chunk: &Chunk) -> Self {
        Self {
            repository: repository.remote.clone(),
            path: occurrence.path.to_string(),
            start_line: chunk.start_line,
            end_line: chunk.end_line,
            id: repository.id,
        }
    }
}

impl Answer {
    fn of(repository: &Repository, occurrence: &Occurrence, artifact: &Artifact, chunk: &Chunk, score: f32) -> Self {
        Self {
            repository: repository.remote.clone(),
            path: occurrence.path.to_string(),
            start_line: chunk.start_line,
            end_line: chunk.end_line,
            symbol: chunk.symbol.clone(),
            language: artifact.language.clone(),
            score,
            text: artifact.chunk_text(chunk).to_owned(),
            commit: repository.served.as_ref().map(|served| served.commit.clone()),
            served_at: repository.served_at.map(Moment),
            state: repository.state,
            stale_since: repository.stale_since.map(Moment),
            failing_since: repository.failing_since.map(Moment),
            last_error: repository.last_error.clone(),
            also_in: Vec::new(),
            more_places: 0,
            id: repository.id,
        }
    }
}
