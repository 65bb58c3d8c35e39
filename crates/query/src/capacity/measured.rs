//! What the database knows of the demand: its repositories, how often they are checked, and how its jobs went lately.

use std::time::{Duration, SystemTime};

use warmer_store::{
    AttemptFilter, AttemptOutcome, HistoryFilter, JobKind, Refresh, Reported, Repository, RepositoryState, Store,
};

use crate::error::QueryError;

/// Attempts that are looked at, of each kind.
const ATTEMPTS: u32 = 500;
/// Fewer say nothing about the next.
const ATTEMPTS_LEAST: usize = 5;
const DAY: Duration = Duration::from_hours(24);
/// Between two checks of a repository that is adaptive: least and most.
const ADAPTIVE: [Duration; 2] = [Duration::from_secs(45), Duration::from_hours(8)];

/// Figures of the history; `None`: there is too little of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measured {
    /// Repositories that are followed.
    pub repositories: Option<u64>,
    /// How often each is to be checked by its own `refresh`: the mean of their rates. `None`: none has an interval.
    pub refresh: Option<Duration>,
    /// How long refreshes took that published something.
    pub job: Option<Duration>,
    /// How long those took that found nothing new.
    pub check: Option<Duration>,
    /// The share of the checks that found something.
    pub changed: Option<f64>,
    /// Slots in all instances together.
    pub slots: Option<u32>,
    /// Bytes of memory that the largest of the instances uses, by its own figures. `None`: none tells them.
    pub memory: Option<u64>,
}

impl Measured {
    /// Of this database.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn of(store: &dyn Store) -> Result<Self, QueryError> {
        let status = store.status().await?;
        let changed = HistoryFilter { changed: true, since: Some(7 * DAY), ..HistoryFilter::default() };
        let changed = store.history(&changed, ATTEMPTS).await?;
        let all = store.attempts(AttemptFilter::All, ATTEMPTS).await?;
        let mean = |attempts: &[warmer_store::Attempt], outcome| {
            let of = attempts.iter().filter(|of| of.kind == JobKind::Refresh && of.outcome == outcome);
            let took: Vec<_> = of.filter_map(|of| of.ended_at.duration_since(of.started_at).ok()).collect();
            let mean = || took.iter().sum::<Duration>() / u32::try_from(took.len()).unwrap_or(u32::MAX);
            (took.len() >= ATTEMPTS_LEAST).then(mean)
        };
        let ended = status.ended_24h.unwrap_or_default();
        let good = ended.warmed + ended.fresh;
        let enough = good >= ATTEMPTS_LEAST as u64;
        let followed = store.repositories().await?;
        Ok(Self {
            repositories: Some(status.repositories).filter(|repositories| *repositories > 0),
            refresh: interval(&followed, SystemTime::now()),
            job: mean(&changed, AttemptOutcome::Warmed),
            check: mean(&all, AttemptOutcome::Fresh),
            changed: enough.then(|| ended.warmed as f64 / good as f64),
            slots: status.fleet.map(|fleet| fleet.configuration.slots),
            memory: largest(&store.reports().await?),
        })
    }
}

/// A process that told 0 does not know: the system does not say.
fn largest(reports: &[Reported]) -> Option<u64> {
    reports.iter().map(|reported| reported.figures.memory).max().filter(|memory| *memory > 0)
}

/// The interval at which as many would be checked as often. The history cannot tell it: it may be short, and what is
/// checked by hand comes in bursts. What has moments instead of an interval, or is only checked when asked, counts as
/// never checked.
fn interval(followed: &[Repository], now: SystemTime) -> Option<Duration> {
    let each = |repository: &Repository| match &repository.policy.refresh {
        _ if repository.state != RepositoryState::Active => None,
        Some(Refresh::Every(every)) => Some(*every),
        Some(Refresh::Adaptive) => {
            let age = repository.committed_at.and_then(|at| now.duration_since(at).ok()).unwrap_or_default();
            Some((age / 2).clamp(ADAPTIVE[0], ADAPTIVE[1]))
        }
        Some(Refresh::Cron(_)) | None => None,
    };
    let intervals = followed.iter().filter_map(each).filter(|interval| !interval.is_zero());
    let rate: f64 = intervals.map(|interval| interval.as_secs_f64().recip()).sum();
    (rate > 0.0).then(|| Duration::try_from_secs_f64(followed.len() as f64 / rate).unwrap_or(Duration::MAX))
}

#[cfg(test)]
mod tests {
    use warmer_store::{InstanceFigures, InstanceId, Policy, RepositoryId};

    use super::*;

    fn repository(refresh: Option<Refresh>) -> Repository {
        let policy = Policy { refresh, ..Policy::default() };
        Repository { policy, ..Repository::new(RepositoryId(1), "https://h/app", None) }
    }

    fn every(seconds: u64) -> Repository {
        repository(Some(Refresh::Every(Duration::from_secs(seconds))))
    }

    #[test]
    fn the_interval_of_all_is_that_of_the_mean_of_their_rates_however_short_the_history() {
        let now = SystemTime::now();
        let of = |followed: &[Repository]| interval(followed, now).map(|all| all.as_secs_f64().round());
        assert_eq!(of(&[every(60), every(60), every(60)]), Some(60.0));
        assert_eq!(of(&[every(60), every(120)]), Some(80.0), "three checks in two minutes, of two");
        let paused = Repository { state: RepositoryState::Paused, ..every(60) };
        assert_eq!(of(&[every(60), paused]), Some(120.0), "one of them is not checked");
        let cron = repository(Some(Refresh::Cron("0 6 * * *".parse().expect("an expression"))));
        assert_eq!(of(&[every(60), repository(None), cron]), Some(180.0), "two have no rate");
        assert_eq!(of(&[repository(None)]), None);
        assert_eq!(of(&[]), None);
        let adaptive = |age| Repository { committed_at: Some(now - age), ..repository(Some(Refresh::Adaptive)) };
        let of_age = |age| of(&[adaptive(age)]);
        assert_eq!([of_age(DAY), of_age(DAY / 24), of_age(DAY / 86_400)], [28_800.0, 1_800.0, 45.0].map(Some));
    }

    #[test]
    fn the_memory_that_was_measured_is_that_of_the_largest_instance() {
        let told = |memory| {
            let figures = InstanceFigures { memory, ..InstanceFigures::default() };
            Reported { instance: InstanceId::random(), host: "box".to_owned(), age: Duration::ZERO, figures }
        };
        assert_eq!(largest(&[told(300), told(900), told(0)]), Some(900));
        assert_eq!([largest(&[]), largest(&[told(0)])], [None; 2]);
    }
}
