//! A search: which code means what is asked, out of what, and why nothing was found.

mod answer;
mod report;
mod request;
mod standing;
mod state;

use std::collections::HashMap;
use std::time::Instant;

use warmer_content::{EmbeddingId, Language};
use warmer_store::{SearchFilter, Store};

use crate::error::QueryError;
use crate::index::{Best, Occurrences};
use crate::names;
use crate::scope::Scope;
use crate::session::Embed;
pub use answer::{Answer, Location};
pub use report::{QueryLength, Report};
pub use request::{FilterNames, Search};
use standing::Standings;
pub use standing::{Searched, Standing};
pub use state::State;

/// Searches what is served under the active embedding. The model is asked only where something is.
///
/// # Errors
/// When a filter is wrong, the query cannot be embedded, or the store fails. That nothing is found is no error.
pub async fn search(
    store: &dyn Store,
    scope: &Scope,
    session: &dyn Embed,
    search: &Search,
) -> Result<Report, QueryError> {
    let language = search.language.as_deref().map(language).transpose()?;
    let wanted = scope.among(search.repositories.as_deref());
    let active = store.active_recipe().await?.map(|recipe| recipe.embedding);
    let mut rows = names::followed(store, scope).await?;
    rows.retain(|row| wanted.as_ref().is_none_or(|wanted| wanted.contains(&row.id)));
    rows.sort_by_key(|row| row.id);
    let standings = Standings::of(store, &rows, active).await?;
    let filter = SearchFilter { repositories: wanted, language };
    let found = match active {
        Some(embedding) if standings.any_served() => Some(scan(store, session, search, &filter, embedding).await?),
        _ => None,
    };
    let (found, query) = found.unzip();
    let rows: HashMap<_, _> = rows.iter().map(|row| (row.id, row)).collect();
    let answers = answer::load(store, found.unwrap_or_default(), &rows).await?;
    let filtered = search.path.is_some() || search.language.is_some();
    let state = match answers.is_empty() {
        true => standings.why_nothing(store, filtered).await?,
        false => State::Found,
    };
    Ok(Report::new(search, state, answers, query, standings))
}

async fn scan(
    store: &dyn Store,
    session: &dyn Embed,
    search: &Search,
    filter: &SearchFilter,
    embedding: EmbeddingId,
) -> Result<(Vec<(f32, Occurrences)>, QueryLength), QueryError> {
    let query = session.embed(&search.query, embedding).await?;
    let started = Instant::now();
    let mut best = Best::new(&query.vector, search.path.as_deref(), search.limit);
    store.search_rows(embedding, filter, &mut |rows| best.take(rows)).await?;
    tracing::debug!(chunks = best.scanned(), ms = started.elapsed().as_millis(), "scanned");
    let bad = |error| QueryError::BadPattern { name: search.names.path.to_owned(), error };
    Ok((best.answers().map_err(bad)?, QueryLength { tokens: query.length.tokens, tokens_read: query.length.read }))
}

fn language(name: &str) -> Result<String, QueryError> {
    let Some(language) = Language::by_name(name) else {
        let known: Vec<_> = Language::all().iter().map(|language| language.name).collect();
        return Err(QueryError::NoLanguage { name: name.to_owned(), known: known.join(", ") });
    };
    Ok(language.name.to_owned())
}
