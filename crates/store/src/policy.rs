//! A policy: how a repository is kept warm, as a configuration or a person says.

use std::time::Duration;

use crate::calendar::Cron;

/// How often a repository is checked by itself. Each job in a row that failed for good doubles the time until the next
/// check, up to 8 hours, or what was asked for where that is more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// So long after the last time it was tried.
    Every(Duration),
    /// Half the time that the served commit was old when it was last tried, from 45 seconds to 8 hours.
    Adaptive,
    /// At the moments of a cron expression; one that was missed is made up for once. After a job that failed for good
    /// also 30 minutes later, then an hour, two, four, eight, where the next moment does not come first.
    Cron(Cron),
}

/// How a repository is kept warm. That of a repository nobody has said anything about is the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// How often it is checked by itself; `None`: only when asked.
    pub refresh: Option<Refresh>,
    /// How long after its last check it is overdue, if not before it is due. `None`: when it should have been checked
    /// twice: after two intervals, or at the second of the moments that followed.
    pub staleness_budget: Option<Duration>,
    /// Of the jobs that it gets by itself; as [`crate::Enqueue::rank`].
    pub rank: i32,
    /// Globs of the paths that are indexed; empty for all.
    pub include: Vec<String>,
    /// Globs of the paths that are not.
    pub exclude: Vec<String>,
    /// A configuration file names it.
    pub configured: bool,
}
