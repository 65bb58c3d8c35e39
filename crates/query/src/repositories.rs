//! `Repositories`: which are followed, how each is kept warm, and how old what it serves is.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;
use warmer_store::{RepositoryId, RepositoryState, Schedule, Store};

use crate::error::QueryError;
use crate::freshness::by_name;
use crate::moment::Moment;
use crate::names;
use crate::refresh::Refresh;
use crate::scope::Scope;

/// The order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// By remote and ref.
    #[default]
    Name,
    /// By state: quarantined, dead, paused, active.
    State,
    /// What was served longest ago first, what never was before that.
    Age,
    /// What has been overdue for longest first; the others by name.
    Overdue,
    /// What is checked next first; at the end what is being checked, or only when asked.
    Next,
}

/// Which of them are listed, and in which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RepositoriesRequest {
    /// Only those in this state.
    pub state: Option<RepositoryState>,
    /// Only those that have used up their budget of staleness, and are not being checked.
    pub overdue: bool,
    /// The order.
    pub sort: Sort,
}

/// A repository that is followed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Repository {
    /// The commit whose files are served.
    pub commit: Option<String>,
    /// The time of that commit, as it says itself.
    pub committed_at: Option<Moment>,
    /// A configuration names it.
    pub configured: bool,
    /// What of its chunks has a vector; `None` before the first publication.
    pub coverage: Option<Coverage>,
    /// Globs of paths that are not indexed.
    pub exclude: Vec<String>,
    /// Since when its attempts fail.
    pub failing_since: Option<Moment>,
    /// Jobs in a row that failed for good.
    pub failures: u32,
    /// Globs of the paths that are; empty for all.
    pub include: Vec<String>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// How long the last attempt took.
    pub last_seconds: Option<f64>,
    /// When its next check may begin; `None`: it is being checked, or only when asked.
    pub next_check_at: Option<Moment>,
    /// Higher is earlier.
    pub priority: i32,
    /// When what it serves was published.
    pub published_at: Option<Moment>,
    /// The ref as it was asked for; `None` follows the remote's HEAD.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// How often it is checked by itself.
    pub refresh: Refresh,
    /// Its remote.
    pub repository: String,
    /// When what it serves was last known to be current.
    pub served_at: Option<Moment>,
    /// The full name of the ref that is served.
    pub served_ref: Option<String>,
    /// Since when its remote or ref is gone.
    pub stale_since: Option<Moment>,
    /// How long after its last check it is overdue, if not before it is due; `None`: never.
    pub staleness_budget_seconds: Option<f64>,
    /// Whether it is checked by itself.
    #[serde(serialize_with = "by_name")]
    pub state: RepositoryState,
    /// For how long it has been overdue.
    #[serde(skip)]
    pub overdue: Option<Duration>,
    #[serde(skip)]
    id: RepositoryId,
}

/// What of a repository's chunks has a vector, by the model that searches use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Chunks of its files.
    pub chunks: u64,
    /// Whether every text has a vector, or cannot have one.
    pub complete: bool,
    /// Texts that cannot have one.
    pub failed: u64,
    /// Until when who said so makes no vectors, though others may.
    pub hold_until: Option<Moment>,
    /// Why the last fill got no further.
    pub last_error: Option<String>,
    /// Nobody makes those that are missing: it is cut in a way that was left. Its next refresh cuts it anew.
    pub left: bool,
    /// Texts that have none yet.
    pub missing: u64,
}

impl From<warmer_store::Coverage> for Coverage {
    fn from(coverage: warmer_store::Coverage) -> Self {
        let complete = coverage.complete();
        let warmer_store::Coverage { chunks, missing, failed, last_error, hold_until, left, .. } = coverage;
        Self { chunks, complete, failed, hold_until: hold_until.map(Moment), last_error, left, missing }
    }
}

/// The repositories that are followed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Repositories(pub Vec<Repository>);

impl Repositories {
    /// Those that are asked for.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(store: &dyn Store, scope: &Scope, request: RepositoriesRequest) -> Result<Self, QueryError> {
        let RepositoriesRequest { state, overdue, sort } = request;
        let schedules = store.schedules().await?.into_iter();
        let mut schedules: HashMap<_, _> = schedules.map(|schedule| (schedule.repository, schedule)).collect();
        let mut coverage = store.coverage(scope.among(None).as_deref()).await?;
        let rows = names::followed(store, scope).await?.into_iter();
        let rows = rows.filter(|row| state.is_none_or(|state| row.state == state));
        let mut all: Vec<_> = rows
            .filter_map(|row| Some((schedules.remove(&row.id)?, coverage.remove(&row.id), row)))
            .map(Repository::of)
            .collect();
        all.retain(|one| !overdue || one.overdue.is_some());
        // Stable: what is alike stays in the order of remote and ref.
        match sort {
            Sort::Name => {}
            Sort::State => all.sort_by_key(|one| Reverse(one.state)),
            Sort::Age => all.sort_by_key(|one| one.served_at),
            Sort::Overdue => all.sort_by_key(|one| Reverse(one.overdue)),
            Sort::Next => all.sort_by_key(|one| (one.next_check_at.is_none(), one.next_check_at)),
        }
        Ok(Self(all))
    }
}

impl Repository {
    fn of((schedule, coverage, row): (Schedule, Option<warmer_store::Coverage>, warmer_store::Repository)) -> Self {
        let (commit, served_ref) = row.served.map(|served| (served.commit, served.reference)).unzip();
        Self {
            commit,
            committed_at: row.committed_at.map(Moment),
            configured: row.policy.configured,
            coverage: coverage.map(Coverage::from),
            exclude: row.policy.exclude,
            failing_since: row.failing_since.map(Moment),
            failures: row.failures,
            include: row.policy.include,
            last_error: row.last_error,
            last_seconds: schedule.last.map(|took| took.as_secs_f64()),
            next_check_at: schedule.next.map(Moment),
            priority: -row.policy.rank,
            published_at: row.published_at.map(Moment),
            reference: row.reference,
            refresh: Refresh(row.policy.refresh),
            repository: row.remote,
            served_at: row.served_at.map(Moment),
            served_ref,
            stale_since: row.stale_since.map(Moment),
            staleness_budget_seconds: schedule.budget.map(|budget| budget.as_secs_f64()),
            state: row.state,
            overdue: schedule.overdue,
            id: row.id,
        }
    }

    /// Its row.
    #[must_use]
    pub fn id(&self) -> RepositoryId {
        self.id
    }
}
