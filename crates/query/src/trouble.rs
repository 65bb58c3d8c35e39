//! `Trouble`: a repository that somebody should look at, by name.

use serde::Serialize;
use warmer_store::TroubleKind;

use crate::freshness::by_name;
use crate::moment::Moment;

/// A repository that is overdue, dead, in quarantine, stale or refused; it may stand in the list for each of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// What is wrong.
    #[serde(serialize_with = "by_name")]
    pub kind: TroubleKind,
    /// Why, as far as that is known: 300 characters at most.
    pub reason: Option<String>,
    /// The ref that it follows; `None`: the remote's HEAD.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// Its remote: 300 characters at most.
    pub repository: String,
    /// Since when.
    pub since: Moment,
}

impl Trouble {
    pub(crate) fn of(trouble: &warmer_store::Trouble) -> Self {
        Self {
            kind: trouble.kind,
            reason: trouble.reason.clone(),
            reference: trouble.reference.clone(),
            repository: trouble.remote.clone(),
            since: Moment(trouble.since),
        }
    }
}
