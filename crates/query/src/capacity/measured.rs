//! What the database knows of the demand: its repositories, and how its jobs went lately.

use std::time::Duration;

use warmer_store::{AttemptFilter, AttemptOutcome, HistoryFilter, JobKind, Store};

use crate::error::QueryError;

/// Attempts that are looked at, of each kind.
const ATTEMPTS: u32 = 500;
/// Fewer say nothing about the next.
const ATTEMPTS_LEAST: usize = 5;
const DAY: Duration = Duration::from_hours(24);

/// Figures of the history; `None`: there is too little of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measured {
    /// Repositories that are followed.
    pub repositories: Option<u64>,
    /// How often each was checked, on the average of a day.
    pub refresh: Option<Duration>,
    /// How long refreshes took that published something.
    pub job: Option<Duration>,
    /// How long those took that found nothing new.
    pub check: Option<Duration>,
    /// The share of the checks that found something.
    pub changed: Option<f64>,
    /// Slots in all instances together.
    pub slots: Option<u32>,
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
        let each = (good + ended.failed) as f64 / status.repositories.max(1) as f64;
        Ok(Self {
            repositories: Some(status.repositories).filter(|repositories| *repositories > 0),
            refresh: (enough && status.repositories > 0).then(|| DAY.div_f64(each)),
            job: mean(&changed, AttemptOutcome::Warmed),
            check: mean(&all, AttemptOutcome::Fresh),
            changed: enough.then(|| ended.warmed as f64 / good as f64),
            slots: status.fleet.map(|fleet| fleet.configuration.slots),
        })
    }
}
