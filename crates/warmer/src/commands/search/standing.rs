//! What can be said of the repositories that a search looked at: what is not in the answers, and why nothing is.

use std::fmt::Write as _;

use serde_json::{Value, json};
use warmer_content::EmbeddingId;
use warmer_store::{JobFilter, Repository, Store};

use crate::commands::reading::{self, listed, name};
use crate::output::printable;

/// Repositories that are asked about one by one whether something is queued for them; of more than that it is not told.
const ASKED_MAX: usize = 50;

/// What a search can find in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// It is served.
    Served,
    /// Nothing was ever served; a job of it is queued or runs.
    BeingWarmed,
    /// Nothing was ever served; its attempts fail.
    ChecksFail,
    /// Nothing was ever served, and nothing is under way.
    NeverWarmed,
    /// What is served was embedded by another model.
    OtherModel,
}

impl Standing {
    const ALL: [Self; 5] = [Self::Served, Self::BeingWarmed, Self::ChecksFail, Self::NeverWarmed, Self::OtherModel];

    /// As the contract has it.
    fn as_str(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::BeingWarmed => "being_warmed",
            Self::ChecksFail => "checks_fail",
            Self::NeverWarmed => "never_warmed",
            Self::OtherModel => "other_model",
        }
    }

    /// Behind the names of those of which it is true.
    fn sentence(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::BeingWarmed => "being warmed for the first time",
            Self::ChecksFail => "never warmed, because the attempts fail",
            Self::NeverWarmed => "never warmed: `warmer warm` or a `warmer run` does it",
            Self::OtherModel => "embedded by another model: the next warm makes it anew",
        }
    }
}

/// The repositories in the search's scope, each with its standing.
pub(super) struct Scope<'a>(Vec<(&'a Repository, Standing)>);

/// Why a search found nothing, or that it found something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// There are answers.
    Found,
    /// There are texts, but none in a file that the filter lets through.
    NoFileMatches,
    /// Nothing of the scope is served, for the reason that stands first among its repositories.
    Unserved(Standing),
    /// What is served has no text, and its checks fail: there may be some by now.
    ChecksFail,
    /// What is served has no text.
    Nothing,
    /// What is served has texts, and no filter was given, but they lack their vectors.
    NoVectors,
}

impl State {
    /// As the contract has it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::NoFileMatches => "no_file_matches",
            Self::Unserved(standing) => standing.as_str(),
            Self::ChecksFail => Standing::ChecksFail.as_str(),
            Self::Nothing => "nothing",
            Self::NoVectors => "no_vectors",
        }
    }
}

impl<'a> Scope<'a> {
    /// What becomes of a search for vectors of `embedding` in each of these.
    pub(super) async fn of(
        store: &dyn Store,
        repositories: Vec<&'a Repository>,
        embedding: Option<EmbeddingId>,
    ) -> anyhow::Result<Self> {
        let (mut all, mut asked) = (vec![], 0);
        for repository in repositories {
            let standing = match &repository.served {
                Some(served) if Some(served.recipe.embedding) == embedding => Standing::Served,
                Some(_) => Standing::OtherModel,
                None if repository.failing_since.is_some() => Standing::ChecksFail,
                None if asked < ASKED_MAX && has_job(store, repository).await? => Standing::BeingWarmed,
                None => Standing::NeverWarmed,
            };
            asked += usize::from(repository.served.is_none());
            all.push((repository, standing));
        }
        Ok(Self(all))
    }

    /// Whether there may be answers.
    pub(super) fn any_served(&self) -> bool {
        self.0.iter().any(|(_, standing)| *standing == Standing::Served)
    }

    /// Why nothing was found, with or without a filter over files.
    pub(super) async fn why_nothing(&self, store: &dyn Store, filtered: bool) -> anyhow::Result<State> {
        let of = |wanted: Standing| self.0.iter().filter(move |(_, standing)| *standing == wanted).map(|(one, _)| *one);
        for repository in of(Standing::Served) {
            if store.totals(repository.id).await?.chunks > 0 {
                return Ok(if filtered { State::NoFileMatches } else { State::NoVectors });
            }
        }
        if of(Standing::Served).any(|repository| repository.failing_since.is_some()) {
            return Ok(State::ChecksFail);
        }
        let unserved = Standing::ALL.into_iter().skip(1).find(|standing| of(*standing).next().is_some());
        Ok(match unserved {
            Some(standing) if of(Standing::Served).next().is_none() => State::Unserved(standing),
            _ => State::Nothing,
        })
    }

    /// What of the scope is not in the answers, for people: a line for each reason.
    pub(super) fn missing(&self) -> Vec<String> {
        let line = |standing: Standing| {
            let of = || self.0.iter().filter(|(_, own)| *own == standing).map(|(one, _)| *one);
            of().next().map(|_| format!("not searched: {} ({})", listed(of(), name), standing.sentence()))
        };
        Standing::ALL.into_iter().skip(1).filter_map(line).collect()
    }

    /// Why nothing was found, for people. `filters` are those that were given.
    pub(super) fn sentence(&self, state: State, filters: &str) -> String {
        match state {
            State::Found => String::new(),
            State::NoFileMatches => format!("nothing found: no indexed file matches {filters}\n"),
            State::Unserved(_) => {
                let mut text = String::new();
                for line in self.missing() {
                    let _ = writeln!(text, "nothing found; {line}");
                }
                text + &self.failures()
            }
            State::ChecksFail => {
                let served = self.served();
                format!("nothing found: there was no text in {served} when it was last read\n{}", self.failures())
            }
            State::Nothing => format!("nothing found: there is no text in {}\n", self.served()),
            State::NoVectors => {
                format!(
                    "nothing found: the texts of {} lack their vectors; `warmer warm --full` makes them\n",
                    self.served()
                )
            }
        }
    }

    /// Some names of those that are served.
    fn served(&self) -> String {
        let served = self.0.iter().filter(|(_, standing)| *standing == Standing::Served);
        listed(served.map(|(one, _)| *one), name)
    }

    /// A line for each of the first repositories whose checks fail.
    fn failures(&self) -> String {
        let failing = self.0.iter().filter_map(|(one, _)| Some((name(one), reading::failing(one)?)));
        failing.take(reading::NAMES_SHOWN).map(|(name, how)| format!("{name}: {how}\n")).collect()
    }

    /// For machines.
    pub(super) fn json(&self) -> Value {
        let one = |(repository, standing): &(&Repository, Standing)| {
            json!({
                "repository": repository.remote,
                "ref": repository.reference,
                "standing": standing.as_str(),
                "state": repository.state.as_str(),
                "commit": repository.served.as_ref().map(|served| &served.commit),
                "served_at": reading::timestamp(repository.served_at),
                "stale_since": reading::timestamp(repository.stale_since),
                "failing_since": reading::timestamp(repository.failing_since),
                "last_error": repository.last_error,
            })
        };
        self.0.iter().map(one).collect()
    }
}

/// Whether something is queued for it or runs.
async fn has_job(store: &dyn Store, repository: &Repository) -> anyhow::Result<bool> {
    let filter = JobFilter { repository: Some(repository.id), limit: 1, ..JobFilter::default() };
    Ok(!store.jobs(&filter).await?.is_empty())
}

/// The filters that were given, as they were given; a directory's name alone matches no file in it.
pub(super) fn filters(path: Option<&str>, language: Option<&str>) -> String {
    let path = path.map(|path| {
        let directory = path.trim_end_matches('/');
        let hint = match path.contains(['*', '?', '[', '{']) {
            true => String::new(),
            false => format!(" (a directory's files are '{}/**')", printable(directory)),
        };
        format!("--path {}{hint}", printable(path))
    });
    let language = language.map(|language| format!("--language {}", printable(language)));
    let all: Vec<_> = path.into_iter().chain(language).collect();
    if all.is_empty() { "what was asked for".to_owned() } else { all.join(" and ") }
}
