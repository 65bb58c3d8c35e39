//! The report of a search: its answers, and what they cannot say.

use serde::Serialize;
use warmer_store::RepositoryId;

use super::hit::Hit;
use super::request::Search;
use super::standing::{Searched, Standings};
use super::state::State;
use crate::text::printable;

/// Counted up when a key of it changes its meaning or goes.
const SCHEMA_VERSION: u32 = 1;

/// What came of a search.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// All repositories that were asked, by row, and how old what they serve is.
    #[serde(rename = "freshness")]
    pub repositories: Vec<Searched>,
    /// Best first.
    pub hits: Vec<Hit>,
    /// What the hits lack, a sentence each.
    pub notes: Vec<String>,
    /// How long the query is; `None` where the model did not read it.
    pub query: Option<QueryLength>,
    /// Of this type: 1.
    pub schema_version: u32,
    /// Whether something was found, and if not, why.
    pub state: State,
    /// Why nothing was found, in words.
    pub why: Option<String>,
}

/// How long a query is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct QueryLength {
    /// In tokens of the model, without special ones.
    pub tokens: u64,
}

impl Report {
    /// `lacking`: what is to be known of the texts that were searched.
    pub(super) fn new(
        search: &Search,
        state: State,
        hits: Vec<Hit>,
        query: Option<QueryLength>,
        lacking: Vec<String>,
        standings: Standings,
    ) -> Self {
        let why = standings.sentence(state, &filters(search)).trim_end().to_owned();
        let missing = if state == State::Found { standings.missing() } else { vec![] };
        let notes = lacking.into_iter().chain(missing).collect();
        let why = (state != State::Found).then_some(why);
        Self { repositories: standings.0, hits, notes, query, schema_version: SCHEMA_VERSION, state, why }
    }

    /// The repository of a hit.
    #[must_use]
    pub fn searched(&self, id: RepositoryId) -> Option<&Searched> {
        let index = self.repositories.binary_search_by_key(&id, |one| one.id).ok()?;
        self.repositories.get(index)
    }
}

/// The filters that were given, as they were given; a directory's name alone matches no file in it.
fn filters(search: &Search) -> String {
    let path = search.path.as_deref().map(|path| {
        let directory = path.trim_end_matches('/');
        let hint = match path.contains(['*', '?', '[', '{']) {
            true => String::new(),
            false => format!(" (a directory's files are '{}/**')", printable(directory)),
        };
        format!("{} {}{hint}", search.names.path, printable(path))
    });
    let language = search.language.as_deref();
    let language = language.map(|language| format!("{} {}", search.names.language, printable(language)));
    let asked = [search.sides.code, search.sides.docs, search.sides.tests];
    let sides = search.names.sides.iter().zip(asked).filter(|(_, is_asked)| *is_asked);
    let sides = sides.map(|(name, _)| (*name).to_owned());
    let all: Vec<_> = path.into_iter().chain(language).chain(sides).collect();
    if all.is_empty() { "what was asked for".to_owned() } else { all.join(" and ") }
}
