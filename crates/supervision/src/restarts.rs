//! How often something died and was to be started again, since the process began. There is one count, because a process
//! has one tree, and a count that went with what died would say nothing.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What died.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// One worker of a pool.
    Worker,
    /// A child of a supervisor: an actor, or a pool as a whole.
    Actor,
}

impl Level {
    /// As metrics spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Worker => "worker",
            Self::Actor => "actor",
        }
    }
}

static RESTARTS: Mutex<BTreeMap<(&'static str, Level), u64>> = Mutex::new(BTreeMap::new());

/// How often each part died so far, by name: of a worker its pool's. A part that was started is in it, with 0.
#[must_use]
pub fn restarts() -> BTreeMap<(&'static str, Level), u64> {
    RESTARTS.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// From now on it may die.
pub(crate) fn started(name: &'static str, level: Level) {
    RESTARTS.lock().unwrap_or_else(PoisonError::into_inner).entry((name, level)).or_default();
}

/// One more.
pub(crate) fn restarted(name: &'static str, level: Level) {
    *RESTARTS.lock().unwrap_or_else(PoisonError::into_inner).entry((name, level)).or_default() += 1;
}
