//! Repositories that somebody should look at, by name.

use serde::{Deserialize, Serialize};
use std::time::SystemTime;

use crate::text_enum::text_enum;

/// Of each kind so many are named.
pub const TROUBLES_MAX: u32 = 5;

text_enum! {
    /// What is wrong with a repository. One may have several.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    TroubleKind {
        /// It was not checked for longer than its budget of staleness allows.
        Overdue => "overdue",
        /// Its attempts failed, or no live instance can warm it.
        Dead => "dead",
        /// It is left alone until a person or a push asks for it.
        Quarantined => "quarantined",
        /// Its remote or ref is gone.
        Stale => "stale",
        /// A live instance leaves it to others.
        Refused => "refused",
    }
}

/// A repository that somebody should look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// What is wrong.
    pub kind: TroubleKind,
    /// Its remote, 300 characters at most.
    pub remote: String,
    /// The ref that it follows; `None`: the remote's HEAD.
    pub reference: Option<String>,
    /// Since when.
    pub since: SystemTime,
    /// Why, as far as that is known, in 300 characters at most.
    pub reason: Option<String>,
}
