//! The report of a search: its answers, and what they cannot say.

use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use warmer_store::RepositoryId;

use super::answer::Answer;
use super::request::Search;
use super::standing::{Searched, Standings};
use super::state::State;
use crate::text::{counted, printable};

/// What came of a search.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Best first.
    #[serde(serialize_with = "by_keys")]
    pub answers: Vec<Answer>,
    /// What the answers lack, a sentence each.
    pub notes: Vec<String>,
    /// How long the query is; `None` where nothing was searched.
    pub query: Option<QueryLength>,
    /// All that were asked for.
    pub repositories: Vec<Searched>,
    /// Whether something was found, and if not, why.
    pub state: State,
    /// Why nothing was found, in words.
    pub why: Option<String>,
}

/// How long a query is, without special tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct QueryLength {
    /// All of its tokens.
    pub tokens: usize,
    /// Those that the model reads.
    pub tokens_read: usize,
}

impl Report {
    pub(super) fn new(
        search: &Search,
        state: State,
        answers: Vec<Answer>,
        query: Option<QueryLength>,
        standings: Standings,
    ) -> Self {
        let why = standings.sentence(state, &filters(search)).trim_end().to_owned();
        let missing = if state == State::Found { standings.missing() } else { vec![] };
        let notes = query.and_then(QueryLength::cut).into_iter().chain(missing).collect();
        let why = (state != State::Found).then_some(why);
        Self { answers, notes, query, repositories: standings.0, state, why }
    }

    /// The repository of an answer.
    #[must_use]
    pub fn searched(&self, id: RepositoryId) -> Option<&Searched> {
        let index = self.repositories.binary_search_by_key(&id, |one| one.id).ok()?;
        self.repositories.get(index)
    }
}

impl QueryLength {
    fn cut(self) -> Option<String> {
        let Self { tokens, tokens_read } = self;
        let tokens = (tokens_read < tokens).then(|| counted(tokens as u64, "token"))?;
        Some(format!("the query has {tokens}, and the model reads the first {tokens_read}: the rest did not count"))
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
    let all: Vec<_> = path.into_iter().chain(language).collect();
    if all.is_empty() { "what was asked for".to_owned() } else { all.join(" and ") }
}

/// In a report the keys of an answer stand in the order of their names, as all its others do.
fn by_keys<S: Serializer>(answers: &[Answer], to: S) -> Result<S::Ok, S::Error> {
    serde_json::to_value(answers).map_err(S::Error::custom)?.serialize(to)
}
