//! How old what a repository serves is, and whether that is for a reason.

use std::fmt;

use serde::{Serialize, Serializer};
use warmer_store::RepositoryState;

use crate::moment::Moment;
use crate::names::short_name;
use crate::text::{ago, printable_line};

/// The digits of a commit that are told.
const COMMIT_SHOWN: usize = 12;

/// What can be said of a repository's answers in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// The short name of the repository.
    pub name: String,
    /// The commit whose files are served; `None` before the first publication.
    pub commit: Option<String>,
    /// When they were published.
    pub published_at: Option<Moment>,
    /// When that was last known to be current.
    pub served_at: Option<Moment>,
    /// Since when its remote or ref is gone.
    pub stale_since: Option<Moment>,
    /// Since when its checks fail.
    pub failing_since: Option<Moment>,
    /// Why the last of them failed.
    pub last_error: Option<String>,
    /// Whether it is checked by itself.
    pub state: RepositoryState,
}

impl Freshness {
    /// Of a row of the store.
    #[must_use]
    pub fn of(repository: &warmer_store::Repository) -> Self {
        Self {
            name: short_name(&repository.remote, repository.reference.as_deref()),
            commit: repository.served.as_ref().map(|served| served.commit.clone()),
            published_at: repository.published_at.map(Moment),
            served_at: repository.served_at.map(Moment),
            stale_since: repository.stale_since.map(Moment),
            failing_since: repository.failing_since.map(Moment),
            last_error: repository.last_error.clone(),
            state: repository.state,
        }
    }

    /// Since when its checks fail, and why; `None` where the last one ended well.
    #[must_use]
    pub fn failing(&self) -> Option<String> {
        let since = self.failing_since?;
        let why = self.last_error.as_deref().unwrap_or("why is not known");
        Some(format!("its checks have failed since {since} ({}): {}", ago(since), printable_line(why)))
    }
}

impl fmt::Display for Freshness {
    /// `tokio @ 1a2b3c4d5e6f, served 3h ago, checked 40s ago`, and what more there is to say.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(commit), Some(published), Some(checked)) = (&self.commit, self.published_at, self.served_at) else {
            return write!(f, "{}, never served", self.name);
        };
        let commit = commit.get(..COMMIT_SHOWN).unwrap_or(commit);
        write!(f, "{} @ {commit}, served {}, checked {}", self.name, ago(published), ago(checked))?;
        if let Some(since) = self.stale_since {
            write!(f, ", stale: its remote has been gone since {since}")?;
        } else if let Some(how) = self.failing() {
            write!(f, ", {how}")?;
        }
        if self.state == RepositoryState::Paused {
            f.write_str(", paused: it is not checked")?;
        }
        Ok(())
    }
}

/// For fields whose type is shown by its name.
pub(crate) fn by_name<T: fmt::Display, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

/// For fields of text that is borrowed or owned alike.
pub(crate) fn by_names<T: fmt::Display, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
    value.as_ref().map(ToString::to_string).serialize(to)
}
