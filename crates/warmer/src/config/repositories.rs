//! `[[repositories]]`: what `warmer run` keeps warm. Each table is read alone, so that every mistake is found with its
//! origin.

use std::collections::HashMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use warmer_content::bad_globs;
use warmer_git::{Remote, RemoteError};
use warmer_settings::Pause;
use warmer_store::{Cron, Policy};

use super::problem::{Origin, Problem, TOLD_MOST};
use super::value::Entry;

/// The name of the list.
const LIST: &str = "repositories";

/// More often than this, checks would be most of what a remote has to do.
const REFRESH_LEAST: Duration = Duration::from_secs(10);

/// What a priority may be; higher is earlier.
pub(crate) const PRIORITIES: RangeInclusive<i64> = -100..=100;

/// One `[[repositories]]`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table with url and what else is known of a repository")]
pub(crate) struct Repository {
    /// URL or path; without a secret once it is read.
    pub(crate) url: String,
    #[serde(rename = "ref", default)]
    reference: Option<String>,
    #[serde(default)]
    refs: Option<Vec<String>>,
    /// How often it is checked by itself.
    #[serde(default)]
    pub(crate) refresh: Refresh,
    /// How long after its last check it is overdue.
    #[serde(default, deserialize_with = "budget")]
    #[schemars(with = "Option<Pause>")]
    staleness_budget: Option<Duration>,
    #[serde(default)]
    priority: Priority,
    /// Globs beside those of `[content]`.
    #[serde(default)]
    pub(crate) include: Vec<String>,
    /// Globs beside those of `[content]`.
    #[serde(default)]
    pub(crate) exclude: Vec<String>,
    /// What was found there when the configuration was read.
    #[serde(skip)]
    found: Option<Remote>,
    /// Where the table begins.
    #[serde(skip)]
    pub(crate) origin: Origin,
}

fn budget<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    Pause::deserialize(from).map(Some)
}

/// How often a repository is checked by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub(crate) enum Refresh {
    /// By the age of its last commit.
    #[default]
    Adaptive,
    /// Each time after so long.
    Every(Duration),
    /// By the calendar.
    Cron(Cron),
    /// Only when asked.
    Never,
}

impl FromStr for Refresh {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(cron) = text.strip_prefix("cron:") {
            return cron.parse().map(Self::Cron);
        }
        let every = humantime::parse_duration(text).ok().filter(|every| *every >= REFRESH_LEAST);
        match text {
            "adaptive" => Ok(Self::Adaptive),
            "never" => Ok(Self::Never),
            _ => every.map(Self::Every).ok_or_else(|| {
                "expected a duration of at least 10 s such as \"15m\", or \"cron:0 6 * * MON-FRI Europe/Berlin\", or \
                 \"adaptive\", or \"never\""
                    .to_owned()
            }),
        }
    }
}

impl Refresh {
    /// As the queue has it.
    pub(crate) fn of_policy(&self) -> Option<warmer_store::Refresh> {
        match self {
            Self::Adaptive => Some(warmer_store::Refresh::Adaptive),
            Self::Every(every) => Some(warmer_store::Refresh::Every(*every)),
            Self::Cron(cron) => Some(warmer_store::Refresh::Cron(cron.clone())),
            Self::Never => None,
        }
    }
}

impl TryFrom<String> for Refresh {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for Refresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Adaptive => f.write_str("adaptive"),
            Self::Every(every) => humantime::format_duration(*every).fmt(f),
            Self::Cron(cron) => write!(f, "cron:{cron}"),
            Self::Never => f.write_str("never"),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(try_from = "i64")]
struct Priority(i32);

impl TryFrom<i64> for Priority {
    type Error = String;

    fn try_from(priority: i64) -> Result<Self, String> {
        let within = i32::try_from(priority).ok().filter(|_| PRIORITIES.contains(&priority));
        within.map(Self).ok_or_else(|| "expected a whole number from -100 to 100".to_owned())
    }
}

impl Repository {
    /// The refs to follow; `None` is the remote's HEAD.
    pub(crate) fn references(&self) -> Vec<Option<&str>> {
        match &self.refs {
            Some(refs) => refs.iter().map(|reference| Some(reference.as_str())).collect(),
            None => vec![self.reference.as_deref()],
        }
    }

    /// How it is kept warm, as the queue has it.
    pub(crate) fn policy(&self) -> Policy {
        Policy {
            refresh: self.refresh.of_policy(),
            staleness_budget: self.staleness_budget,
            rank: -self.priority.0,
            include: self.include.clone(),
            exclude: self.exclude.clone(),
            configured: true,
        }
    }

    /// Where it is. A path counts from the folder of the file that names it.
    ///
    /// # Errors
    /// When there is no repository (any more), for paths; the rest was refused when the configuration was read.
    pub(crate) fn remote(&self) -> Result<Remote, RemoteError> {
        let folder = match &self.origin {
            Origin::File { path, .. } => {
                std::path::absolute(path).ok().and_then(|path| Some(path.parent()?.to_owned()))
            }
            _ => None,
        };
        Remote::parse(&self.url, &folder.unwrap_or_else(|| PathBuf::from("/")))
    }
}

/// The repository of a table, or what is wrong with it.
fn repository(entry: &Entry<'_>) -> Result<Repository, Vec<Problem>> {
    let mut repository: Repository = entry.read(LIST, &["url"])?;
    repository.origin = entry.origin.clone();
    // Once: a file system that hangs is waited for.
    let found = repository.remote();
    repository.found = found.as_ref().ok().cloned();
    let problems: Vec<_> = mistakes(&repository, found)
        .map(|(key, message)| entry.problem(LIST, Some(key), entry.origin_of(key), message))
        .collect();
    if problems.is_empty() { Ok(repository) } else { Err(problems) }
}

/// What is wrong although each value suits its key.
fn mistakes(
    repository: &Repository,
    found: Result<Remote, RemoteError>,
) -> impl Iterator<Item = (&'static str, String)> {
    let url = match found {
        // What a path holds may change while we run.
        Ok(_)
        | Err(
            RemoteError::Missing(_)
            | RemoteError::NotARepository(_)
            | RemoteError::Unreadable(_)
            | RemoteError::Silent(_),
        ) => None,
        Err(error) => Some(("url", error.to_string())),
    };
    let refs = match (&repository.reference, &repository.refs) {
        (Some(_), Some(_)) => Some("expected either ref or refs"),
        (None, Some(refs)) if refs.is_empty() => Some("expected at least one"),
        _ => None,
    };
    let globs = |key: &'static str, globs: &[String]| bad_globs(key, globs).map(|message| (key, message));
    let (include, exclude) = (globs("include", &repository.include), globs("exclude", &repository.exclude));
    [url, refs.map(|message| ("refs", message.to_owned())), include, exclude].into_iter().flatten()
}

/// The repositories of the tables, and everything that is wrong with them.
pub(super) fn read(entries: &[Entry<'_>]) -> (Vec<Repository>, Vec<Problem>) {
    let (mut repositories, mut problems) = (Vec::new(), Vec::new());
    for entry in entries {
        if problems.len() > TOLD_MOST {
            break;
        }
        match repository(entry) {
            Ok(repository) => repositories.push(repository),
            Err(found) => problems.extend(found),
        }
    }
    problems.extend(named_twice(&repositories));
    (repositories, problems)
}

/// A remote and ref belong to one table: two could say different things about it.
fn named_twice(repositories: &[Repository]) -> Vec<Problem> {
    let (mut seen, mut problems) = (HashMap::new(), Vec::new());
    for repository in repositories {
        let found = repository.found.as_ref();
        let location = found.map_or_else(|| repository.url.clone(), |remote| remote.location().to_string());
        let remote = found.map_or(repository.url.as_str(), Remote::url);
        for reference in repository.references() {
            let Some(before) = seen.insert((location.clone(), reference), &repository.origin) else { continue };
            let message = format!("{remote} {} is named at {before} already: keep one", reference.unwrap_or("HEAD"));
            problems.push(Problem { origin: repository.origin.clone(), key: LIST.to_owned(), message });
        }
    }
    problems
}
