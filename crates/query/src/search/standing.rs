//! What a search can find in each repository, and why it finds nothing.

use std::fmt::Write as _;

use serde::Serialize;
use warmer_content::EmbeddingId;
use warmer_store::{JobFilter, JobKind, Repository, RepositoryId, RepositoryState, Store};

use super::state::State;
use crate::error::QueryError;
use crate::freshness::{Freshness, by_name};
use crate::moment::Moment;
use crate::names::{NAMES_SHOWN, listed, short_name};

/// Repositories that are asked about one by one whether something is queued for them; of more than that it is not told.
const ASKED_MAX: usize = 50;

/// What a search can find in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
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
    /// Why there are no answers, the first that counts first.
    const UNSERVED: [Self; 4] = [Self::BeingWarmed, Self::ChecksFail, Self::NeverWarmed, Self::OtherModel];

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

    /// What came of a search where nothing is served, and this stands first among the reasons.
    fn as_state(self) -> State {
        match self {
            Self::Served => State::Nothing,
            Self::BeingWarmed => State::BeingWarmed,
            Self::ChecksFail => State::ChecksFail,
            Self::NeverWarmed => State::NeverWarmed,
            Self::OtherModel => State::OtherModel,
        }
    }
}

/// A repository that a search was asked to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Searched {
    /// The commit that is served.
    pub commit: Option<String>,
    /// Since when its checks fail.
    pub failing_since: Option<Moment>,
    /// Why the last of them failed.
    pub last_error: Option<String>,
    /// When what is served was published.
    pub published_at: Option<Moment>,
    /// The ref as it was asked for; `None` follows the remote's HEAD.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// Its remote.
    pub repository: String,
    /// When what is served was last known to be current.
    pub served_at: Option<Moment>,
    /// Since when its remote or ref is gone.
    pub stale_since: Option<Moment>,
    /// What the search can find in it.
    pub standing: Standing,
    /// Whether it is checked by itself.
    #[serde(serialize_with = "by_name")]
    pub state: RepositoryState,
    /// Its row.
    #[serde(skip)]
    pub id: RepositoryId,
}

impl Searched {
    fn of(repository: &Repository, standing: Standing) -> Self {
        Self {
            commit: repository.served.as_ref().map(|served| served.commit.clone()),
            failing_since: repository.failing_since.map(Moment),
            last_error: repository.last_error.clone(),
            published_at: repository.published_at.map(Moment),
            reference: repository.reference.clone(),
            repository: repository.remote.clone(),
            served_at: repository.served_at.map(Moment),
            stale_since: repository.stale_since.map(Moment),
            standing,
            state: repository.state,
            id: repository.id,
        }
    }

    /// What people call it.
    #[must_use]
    pub fn name(&self) -> String {
        short_name(&self.repository, self.reference.as_deref())
    }

    /// How old what it serves is.
    #[must_use]
    pub fn freshness(&self) -> Freshness {
        Freshness {
            name: self.name(),
            commit: self.commit.clone(),
            published_at: self.published_at,
            served_at: self.served_at,
            stale_since: self.stale_since,
            failing_since: self.failing_since,
            last_error: self.last_error.clone(),
            state: self.state,
        }
    }
}

/// All repositories that a search was asked to look at, by row.
pub(super) struct Standings(pub(super) Vec<Searched>);

impl Standings {
    /// What becomes of a search for vectors of `embedding` in each of these.
    pub(super) async fn of(
        store: &dyn Store,
        repositories: &[Repository],
        embedding: Option<EmbeddingId>,
    ) -> Result<Self, QueryError> {
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
            all.push(Searched::of(repository, standing));
        }
        Ok(Self(all))
    }

    fn those(&self, standing: Standing) -> impl Iterator<Item = &Searched> {
        self.0.iter().filter(move |one| one.standing == standing)
    }

    /// Whether there may be answers.
    pub(super) fn any_served(&self) -> bool {
        self.those(Standing::Served).next().is_some()
    }

    /// Why nothing was found, where what is served has no text or was not searched.
    pub(super) fn why_nothing(&self) -> State {
        if self.those(Standing::Served).any(|repository| repository.failing_since.is_some()) {
            return State::ChecksFail;
        }
        let unserved = Standing::UNSERVED.into_iter().find(|standing| self.those(*standing).next().is_some());
        match unserved {
            Some(standing) if !self.any_served() => standing.as_state(),
            _ => State::Nothing,
        }
    }

    /// What of the repositories is not in the answers: a line for each reason.
    pub(super) fn missing(&self) -> Vec<String> {
        let line = |standing: Standing| {
            self.those(standing).next()?;
            Some(format!(
                "not searched: {} ({})",
                listed(self.those(standing).map(Searched::name)),
                standing.sentence()
            ))
        };
        Standing::UNSERVED.into_iter().filter_map(line).collect()
    }

    /// Why nothing was found, in lines. `filters` are those that were given.
    pub(super) fn sentence(&self, state: State, filters: &str) -> String {
        match state {
            State::Found => String::new(),
            State::NoFileMatches => format!("nothing found: no indexed file matches {filters}\n"),
            State::ChecksFail if self.any_served() => {
                let served = self.served();
                format!("nothing found: there was no text in {served} when it was last read\n{}", self.failures())
            }
            State::BeingWarmed | State::ChecksFail | State::NeverWarmed | State::OtherModel => {
                let mut text = String::new();
                for line in self.missing() {
                    let _ = writeln!(text, "nothing found; {line}");
                }
                text + &self.failures()
            }
            State::Nothing => format!("nothing found: there is no text in {}\n", self.served()),
            State::NoVectors => {
                let served = self.served();
                format!(
                    "nothing found: the texts of {served} lack their vectors (`warmer warm` or a `warmer run` makes \
                     them), and none has a word of the question\n"
                )
            }
            State::NothingAsked => {
                "nothing found: no word of the question says what is sought; say what the code does, \
                                    or what it is called\n"
                    .to_owned()
            }
            State::NoWords => format!("nothing found: no text in {} has a word of the question\n", self.served()),
        }
    }

    /// Some names of those that are served.
    fn served(&self) -> String {
        listed(self.those(Standing::Served).map(Searched::name))
    }

    /// A line for each of the first repositories whose checks fail.
    fn failures(&self) -> String {
        let failing = self.0.iter().filter_map(|one| Some((one.name(), one.freshness().failing()?)));
        failing.take(NAMES_SHOWN).map(|(name, how)| format!("{name}: {how}\n")).collect()
    }
}

/// Whether a refresh of it is queued or runs.
async fn has_job(store: &dyn Store, repository: &Repository) -> Result<bool, QueryError> {
    let kind = Some(JobKind::Refresh);
    let filter = JobFilter { kind, repository: Some(repository.id), limit: 1, ..JobFilter::default() };
    Ok(!store.jobs(&filter).await?.is_empty())
}
