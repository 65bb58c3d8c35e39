//! The repositories that may be answered from: what each is called here, and how fresh it is.

use std::collections::HashMap;
use std::time::Duration;

use warmer_query::text::{duration, printable, printable_line};
use warmer_query::{Coverage, Freshness, Moment, Repositories, RepositoriesRequest, Repository, Scope};
use warmer_store::{JobFilter, JobKind, JobState, RepositoryId, RepositoryState, Store};

use super::refused::Refused;
use super::tokens::tokens;

/// Digits of a commit that are told.
pub(super) const COMMIT_SHOWN: usize = 12;

/// Characters of an error that are told with a repository.
const ERROR_SHOWN: usize = 160;

/// What an age counts as: none that is shown has more tokens.
const AGE_WIDEST: &str = "9999d 23h";

/// A repository by the name that it has among all others.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// The shortest end of its remote that no other has, and `#ref` where it follows one by name.
    pub(super) name: String,
    /// The view of it.
    pub(super) row: Repository,
}

/// All of a scope, by name.
pub(super) async fn known(store: &dyn Store, scope: &Scope) -> Result<Vec<Known>, Refused> {
    let Repositories(rows) = Repositories::list(store, scope, RepositoriesRequest::default()).await?;
    let names = names(rows.iter().map(|row| (row.repository.as_str(), row.reference.as_deref())));
    let mut known: Vec<_> = names.into_iter().zip(rows).map(|(name, row)| Known { name, row }).collect();
    known.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(known)
}

/// The parts of a remote from its host on, without what every remote has.
pub(super) fn parts(remote: &str) -> Vec<&str> {
    let path = remote.split_once("://").map_or(remote, |(_, rest)| rest).trim_end_matches('/');
    let path = path.strip_suffix("/.git").unwrap_or(path);
    let path = path.strip_suffix(".git").unwrap_or(path);
    path.split(['/', ':']).filter(|part| !part.is_empty()).collect()
}

/// For each remote and ref the name of as few parts as tell it from all others.
fn names<'a>(all: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> Vec<String> {
    let all: Vec<_> = all.map(|(remote, reference)| (parts(remote), reference)).collect();
    let mut counts: HashMap<String, usize> = HashMap::new();
    let name = |parts: &[&str], reference: Option<&str>, count: usize| {
        let end = parts[parts.len().saturating_sub(count)..].join("/");
        reference.map_or(end.clone(), |reference| format!("{end}#{reference}"))
    };
    let longest = all.iter().map(|(parts, _)| parts.len()).max().unwrap_or(0);
    for (parts, reference) in &all {
        for count in 1..=parts.len() {
            *counts.entry(name(parts, *reference, count)).or_default() += 1;
        }
    }
    let shortest = |(parts, reference): &(Vec<&str>, Option<&str>)| {
        let mut tried = (1..=longest.max(1)).map(|count| name(parts, *reference, count));
        tried.find(|name| counts.get(name) == Some(&1)).unwrap_or_else(|| name(parts, *reference, longest))
    };
    all.iter().map(shortest).collect()
}

impl Known {
    /// Its row.
    pub(super) fn id(&self) -> RepositoryId {
        self.row.id()
    }

    /// Its name, as it is printed.
    pub(super) fn shown(&self) -> String {
        printable(&self.name).into_owned()
    }

    /// `name@commit (ref) · committed 2d ago · served 4m ago · checked 40s ago · current`, as one line, and the tokens
    /// that it counts as whatever its ages are. `work` is what is under way for it.
    pub(super) fn line(&self, work: Option<Work>) -> (String, usize) {
        let widest = self.with_ages(work, &|_| AGE_WIDEST.to_owned());
        (self.with_ages(work, &duration), tokens(&widest))
    }

    /// The same with how many of its texts are found by meaning, unless all are.
    pub(super) fn line_with_vectors(&self, work: Option<Work>) -> (String, usize) {
        let (line, count) = self.line(work);
        let words = |coverage| without_vectors(coverage, self.row.state == RepositoryState::Paused);
        let Some(words) = self.row.coverage.as_ref().and_then(words) else { return (line, count) };
        (format!("{} · {words}\n", line.trim_end()), count + tokens(&words) + 1)
    }

    fn with_ages(&self, work: Option<Work>, show: &dyn Fn(Duration) -> String) -> String {
        let row = &self.row;
        let (Some(commit), Some(published), Some(checked)) = (&row.commit, row.published_at, row.served_at) else {
            return format!("{} · never served{}\n", self.shown(), self.unserved(work));
        };
        let commit = commit.get(..COMMIT_SHOWN).unwrap_or(commit);
        let mut line = format!("{}@{commit}", self.shown());
        if let Some(reference) = &row.served_ref {
            line += &format!(" ({})", printable(short(reference)));
        }
        if let Some(at) = row.committed_at {
            line += &format!(" · committed {} ago", show(at.age()));
        }
        for (what, at) in [("served", published), ("checked", checked)] {
            line += &format!(" · {what} {} ago", show(at.age()));
        }
        line += &format!(" · {}\n", self.standing(work, show));
        line
    }

    /// Whether what is served is what its remote has, as far as that is known.
    fn standing(&self, work: Option<Work>, show: &dyn Fn(Duration) -> String) -> String {
        let row = &self.row;
        let mut standing = if let Some(since) = row.stale_since {
            format!("stale since {since}: its remote or ref is gone")
        } else if let Some(since) = row.failing_since {
            format!("may be behind: checks fail since {since}{}", self.why())
        } else if let Some(work) = work {
            work.words().to_owned()
        } else if let Some(overdue) = row.overdue {
            format!("may be behind: its check is overdue by {}", show(overdue))
        } else if row.staleness_budget_seconds.is_some() {
            "current".to_owned()
        } else {
            "current at that check: nothing checks it by itself".to_owned()
        };
        if row.state == RepositoryState::Paused {
            standing += ", paused";
        }
        standing
    }

    fn unserved(&self, work: Option<Work>) -> String {
        match (work, self.row.failing_since) {
            (_, Some(since)) => format!(": attempts fail since {since}{}", self.why()),
            (Some(_), None) => ": being warmed for the first time".to_owned(),
            (None, None) => ": `warmer warm` or a `warmer run` does it".to_owned(),
        }
    }

    /// Why the last attempt failed, as far as a line has room for it.
    fn why(&self) -> String {
        let Some(error) = &self.row.last_error else { return String::new() };
        let error = printable_line(error);
        let end = error.char_indices().nth(ERROR_SHOWN);
        end.map_or_else(|| format!(": {error}"), |(end, _)| format!(": {}…", &error[..end]))
    }

    /// What the answer was made from, which may be newer than what was read before it.
    pub(super) fn as_answered(&mut self, from: Freshness) {
        self.row.commit = from.commit;
        self.row.published_at = from.published_at;
        self.row.served_at = from.served_at;
    }
}

/// What of its texts is found by words alone, unless none is.
fn without_vectors(coverage: &Coverage, is_paused: bool) -> Option<String> {
    let Coverage { chunks, missing, failed, left, .. } = *coverage;
    let made = chunks.saturating_sub(missing + failed);
    let until = match (is_paused, left) {
        (true, _) => "it is resumed",
        // Nobody makes the others, until a refresh cuts it anew.
        (false, true) => "its next refresh",
        (false, false) => "its vectors are complete",
    };
    (missing > 0).then(|| format!("by words until {until}: {made} of {chunks} are there"))
}

/// `main` of `refs/heads/main`.
fn short(reference: &str) -> &str {
    ["refs/heads/", "refs/tags/", "refs/"].iter().find_map(|front| reference.strip_prefix(front)).unwrap_or(reference)
}

/// What is under way for a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// A job of it runs.
    Running,
    /// There is something new, and its job waits for its turn.
    Behind,
    /// It is to be checked.
    Queued,
}

impl Work {
    fn words(self) -> &'static str {
        match self {
            Self::Running => "being checked now",
            Self::Behind => "behind: its update waits for a slot",
            Self::Queued => "a check of it is queued",
        }
    }

    /// Of this repository.
    pub(super) async fn of(store: &dyn Store, repository: RepositoryId) -> Result<Option<Self>, Refused> {
        let kind = Some(JobKind::Refresh);
        let filter = JobFilter { kind, repository: Some(repository), limit: 2, ..JobFilter::default() };
        let jobs = store.jobs(&filter).await.map_err(Refused::store)?;
        let is = |state: JobState| jobs.iter().find(|job| job.state == state);
        let queued = |job: &warmer_store::Job| if job.heavy { Self::Behind } else { Self::Queued };
        let due = is(JobState::Queued).filter(|job| Moment(job.run_at).age() > Duration::ZERO || job.heavy);
        Ok(is(JobState::Running).map(|_| Self::Running).or_else(|| due.map(queued)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(all: &[(&str, Option<&str>)]) -> Vec<String> {
        names(all.iter().copied())
    }

    #[test]
    fn a_repository_is_called_by_as_much_of_its_remote_as_tells_it_from_the_others() {
        assert_eq!(named(&[("https://host/team/app.git", None)]), ["app"]);
        assert_eq!(
            named(&[
                ("https://host/team/app.git", None),
                ("git@host:other/app", None),
                ("file:///home/me/b/.git", None)
            ]),
            ["team/app", "other/app", "b"]
        );
        assert_eq!(named(&[("https://h/app", None), ("https://h/app", Some("v1"))]), ["app", "app#v1"]);
        let ends = [("https://h/app", None), ("https://h/x/h/app", None)];
        assert_eq!(named(&ends), ["h/app", "x/h/app"]);
    }

    #[test]
    fn what_lacks_vectors_says_how_many_are_there() {
        let coverage = |missing| Coverage {
            chunks: 852,
            complete: missing == 0,
            failed: 3,
            hold_until: None,
            last_error: None,
            left: false,
            missing,
        };
        let told = [852, 400, 0].map(|missing| without_vectors(&coverage(missing), false));
        let words = |made| Some(format!("by words until its vectors are complete: {made} of 852 are there"));
        assert_eq!(told, [words(0), words(449), None], "three cannot be embedded");
        let left = without_vectors(&Coverage { left: true, ..coverage(852) }, false);
        assert_eq!(left.as_deref(), Some("by words until its next refresh: 0 of 852 are there"));
        let paused = without_vectors(&coverage(849), true);
        assert_eq!(paused.as_deref(), Some("by words until it is resumed: 0 of 852 are there"));
    }

    #[test]
    fn a_ref_is_shown_by_its_own_name() {
        let shown = ["refs/heads/main", "refs/tags/v1", "refs/pull/1/head", "HEAD"].map(short);
        assert_eq!(shown, ["main", "v1", "pull/1/head", "HEAD"]);
    }
}
