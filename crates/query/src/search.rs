//! A search: which code answers what is asked, out of what, and why nothing was found.

mod filter;
mod found;
mod hit;
mod quotation;
mod ranges;
mod report;
mod request;
mod standing;
mod state;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use tokio::task::spawn_blocking;
use warmer_content::{EmbeddingId, Language};
use warmer_store::{Generation, GenerationState, Store};

use crate::error::QueryError;
use crate::rank::tells;
use crate::scope::Scope;
use crate::segment::{Snapshot, Snapshots};
use crate::session::{Embed, QueryVector};
use crate::text::counted;
use filter::Filter;
use found::Found;
pub use hit::{Hit, Location, Range};
use quotation::{HITS_READ, Quotation};
pub use report::{QueryLength, Report};
pub use request::{FilterNames, Search};
use standing::Standings;
pub use standing::{Searched, Standing};
pub use state::State;

/// Searches what is served under the active embedding, in the snapshots of it. The model is asked only where something
/// is; where it cannot be used, texts are found by their words alone, and a note says so.
///
/// # Errors
/// When a filter is wrong or the store fails. That nothing is found is no error.
pub async fn search(
    store: &dyn Store,
    scope: &Scope,
    snapshots: &Snapshots,
    session: &dyn Embed,
    search: &Search,
) -> Result<Report, QueryError> {
    let language = search.language.as_deref().map(language).transpose()?;
    let wanted = scope.among(search.repositories.as_deref());
    // Read once and used throughout: a switch comes before an answer or after it.
    let (active, mut rows) = store.found().await?;
    rows.retain(|row| scope.contains(row.id) && wanted.as_ref().is_none_or(|wanted| wanted.contains(&row.id)));
    rows.sort_by_key(|row| row.id);
    let standings = Standings::of(store, &rows, active).await?;
    let (Some(embedding), true) = (active, standings.any_served()) else {
        return Ok(Report::new(search, standings.why_nothing(), vec![], None, vec![], standings));
    };
    let all = snapshots.of(store, &rows, embedding).await?;
    // What is nearest to a question that says nothing is no answer.
    let asked =
        if tells(&search.query) { Some(asked((store, scope, session), search, embedding).await?) } else { None };
    let found = find(all, search, language, asked.as_ref().and_then(|asked| asked.as_ref().ok())).await?;
    let (any_file, without_vector) = (found.any_file, found.without_vector);
    let hits = hit::load(store, found.hits, &rows, search).await?;
    let state = match hits.is_empty() {
        false => State::Found,
        true if !any_file && !search.is_filtered() => standings.why_nothing(),
        true if !any_file => State::NoFileMatches,
        true => match &asked {
            None => State::NothingAsked,
            Some(Ok(_)) => State::NoVectors,
            Some(Err(_)) => State::NoWords,
        },
    };
    let without_vector = if state == State::Found { without_vector } else { 0 };
    let lacking = asked.as_ref().map_or_else(Vec::new, |asked| lacking(asked, without_vector));
    let query = asked.and_then(Result::ok).map(|asked| QueryLength { tokens: asked.tokens });
    Ok(Report::new(search, state, hits, query, lacking, standings))
}

/// The query as the model read it, or why it did not.
async fn asked(
    (store, scope, session): (&dyn Store, &Scope, &dyn Embed),
    search: &Search,
    embedding: EmbeddingId,
) -> Result<Result<QueryVector, QueryError>, QueryError> {
    match session.embed(&search.query, embedding).await {
        Err(QueryError::Store(error)) => Err(error.into()),
        Err(QueryError::OtherModel { directory, embedding }) => {
            Ok(Err(other(store, scope, directory, embedding).await?))
        }
        asked => Ok(asked),
    }
}

/// Why a model is not asked whose vectors are not searched: they may be on their way.
async fn other(
    store: &dyn Store,
    scope: &Scope,
    directory: PathBuf,
    embedding: EmbeddingId,
) -> Result<QueryError, QueryError> {
    let generations = store.generations().await?;
    let building = |one: &Generation| one.state == GenerationState::Building && one.recipe.embedding == embedding;
    if !generations.iter().any(building) {
        return Ok(QueryError::OtherModel { directory, embedding });
    }
    let status = store.status_of(scope.among(None).as_deref()).await?;
    let made = status.texts_building.saturating_sub(status.texts_building_missing);
    // What it does not cover yet has none.
    let percent = made * 100 / status.texts.max(status.texts_building).max(1);
    Ok(QueryError::BuildingModel { directory, percent })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one search that its caller waits for; this crate stands beside supervision"
)]
async fn find(
    all: Vec<Arc<Snapshot>>,
    search: &Search,
    language: Option<String>,
    asked: Option<&QueryVector>,
) -> Result<Found, QueryError> {
    let bad = |error| QueryError::BadPattern { name: search.names.path.to_owned(), error };
    let filter = Filter::of(search, language, &all).map_err(bad)?;
    let (mut search, vector) = (search.clone(), asked.map(|asked| asked.vector.clone()));
    if Quotation::of(&search.query).is_some() {
        search.limit = search.limit.max(HITS_READ);
    }
    let find = move || {
        let started = Instant::now();
        let found = found::find(&all, &search, vector.as_ref(), &filter);
        let chunks: u64 = all.iter().map(|snapshot| snapshot.live_chunks()).sum();
        tracing::debug!(chunks, ms = started.elapsed().as_millis(), "searched");
        found
    };
    spawn_blocking(find).await.map_err(|error| QueryError::Panicked(error.to_string()))
}

/// What the hits were found without.
fn lacking(asked: &Result<QueryVector, QueryError>, without_vector: u64) -> Vec<String> {
    match asked {
        Err(error) => vec![format!("texts were found by their words alone: {error}")],
        Ok(_) if without_vector > 0 => {
            let texts = counted(without_vector, "text");
            vec![format!(
                "found by words alone, without a vector: {texts}; `warmer warm` or a `warmer run` makes them, but for \
                 those that cannot be embedded, or are of a repository that is paused or still cut as before: \
                 `warmer repos list` says which"
            )]
        }
        Ok(_) => vec![],
    }
}

fn language(name: &str) -> Result<String, QueryError> {
    let Some(language) = Language::by_name(name) else {
        let known: Vec<_> = Language::all().iter().map(|language| language.name).collect();
        return Err(QueryError::NoLanguage { name: name.to_owned(), known: known.join(", ") });
    };
    Ok(language.name.to_owned())
}
