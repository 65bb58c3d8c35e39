//! The arguments of `warmer repos`.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::values::{priority, time};
use crate::config::Refresh;

/// `repos`
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Repos {
    /// List the followed repositories: state, refresh, and how old what they serve is
    List(ReposList),
    /// Follow a repository; of one that is followed already all options are set anew
    Add(Add),
    /// Stop following a repository; what only it needed goes with `warmer gc`
    Remove(Named),
    /// Stop refreshing a repository by itself; what is cached is served on
    Pause(Named),
    /// Refresh it by itself again, also one that is dead or in quarantine
    Resume(Named),
}

/// `repos list`
#[derive(Clone, Debug, Args)]
pub(crate) struct ReposList {
    /// Only those in this state
    #[arg(long, value_enum)]
    pub(crate) state: Option<ReposState>,
    /// Only those whose last check is longer ago than their budget of staleness, and that are not being checked
    #[arg(long)]
    pub(crate) overdue: bool,
    /// The order: by remote and ref, by state (the worst first), by how old what is served is, by how long a check is
    /// overdue, or by when the next one is
    #[arg(long, value_enum, value_name = "KEY", default_value = "name")]
    pub(crate) sort: ReposSort,
    /// The same as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A state of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReposState {
    Active,
    Paused,
    Dead,
    Quarantined,
}

/// An order of repositories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReposSort {
    Name,
    State,
    Age,
    Overdue,
    Next,
}

/// `repos add`
#[derive(Clone, Debug, Args)]
pub(crate) struct Add {
    /// Its URL or path; `-` reads a list from stdin: one URL a line, with a ref behind it where it is not to be the
    /// remote's HEAD, and comments behind `#`
    #[arg(value_name = "URL|PATH|-")]
    pub(crate) repository: String,
    /// The branch, tag or full ref to follow instead of the remote's HEAD
    #[arg(long = "ref", value_name = "REF")]
    pub(crate) reference: Option<String>,
    /// How often it is checked by itself: a duration of at least 10 s, at the times of a cron expression such as
    /// "cron:0 6 * * MON-FRI Europe/Berlin", by the age of its last commit, or only when asked
    #[arg(long, value_name = "15m|cron:...|adaptive|never", default_value = "adaptive")]
    pub(crate) refresh: Refresh,
    /// How long after its last check it is overdue, if not before it is due; without it, when it should have been
    /// checked twice
    #[arg(long, value_name = "DURATION", value_parser = time)]
    pub(crate) staleness_budget: Option<Duration>,
    /// Higher is earlier; each step counts like five minutes of waiting in the queue
    #[arg(long, value_name = "P", default_value_t = 0, value_parser = priority())]
    pub(crate) priority: i32,
    /// Only paths that match, as in .gitignore; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub(crate) include: Vec<String>,
    /// No path that matches, as in .gitignore; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub(crate) exclude: Vec<String>,
    /// Ask the remote for the ref first, for half a minute at most, and follow it only if it answers
    #[arg(long)]
    pub(crate) check: bool,
}

/// One repository that is followed.
#[derive(Clone, Debug, Args)]
pub(crate) struct Named {
    /// The repository: its name, URL or path
    #[arg(value_name = "NAME|URL|PATH")]
    pub(crate) repository: String,
    /// Which of its followed refs is meant, as it was written when it was added
    #[arg(long = "ref", value_name = "REF")]
    pub(crate) reference: Option<String>,
}
