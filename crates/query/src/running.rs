//! `RunningJob`: a job that an instance runs, how far it is, and how fast.

use std::collections::BTreeMap;

use serde::Serialize;
use warmer_store::{JobFigures, Reported, RepositoryId, Store};

use crate::error::QueryError;
use crate::names::short_name;

/// A job that an instance runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunningJob {
    /// What the instance says of it.
    #[serde(flatten)]
    pub figures: JobFigures,
    /// Files or texts that were done in a second, since its claim; `None`: none was.
    pub per_second: Option<f64>,
    /// Of what is known so far, how much is done: 100 is all of it. `None`: nothing is known.
    pub percent: Option<f64>,
    /// The ref that its repository follows; `None`: the remote's HEAD.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// Its repository's remote; `None`: that is no longer followed.
    pub remote: Option<String>,
    /// Until what is known so far is done, if it goes on as fast; `None`: none was done.
    pub seconds_left: Option<f64>,
}

/// Remote and ref of the repositories that running jobs are about.
#[derive(Debug, Default)]
pub(crate) struct Names(BTreeMap<i64, (String, Option<String>)>);

impl Names {
    /// Of the jobs of these instances, which are as many as fit their figures.
    pub(crate) async fn of(store: &dyn Store, reports: &[Reported]) -> Result<Self, QueryError> {
        let mut names = BTreeMap::new();
        for job in reports.iter().flat_map(|reported| &reported.figures.jobs) {
            if !names.contains_key(&job.repository)
                && let Some(repository) = store.repository(RepositoryId(job.repository)).await?
            {
                names.insert(job.repository, (repository.remote, repository.reference));
            }
        }
        Ok(Self(names))
    }
}

impl RunningJob {
    pub(crate) fn of(figures: &JobFigures, names: &Names) -> Self {
        let (done, all) = (figures.done as f64, figures.all as f64);
        let per_second = (figures.done > 0 && figures.seconds > 0.0).then(|| done / figures.seconds);
        let is_known = figures.all > 0;
        let (remote, reference) = names.0.get(&figures.repository).cloned().unzip();
        Self {
            figures: figures.clone(),
            per_second,
            // What is done may be counted a moment before what is known.
            percent: is_known.then(|| (100.0 * done / all).min(100.0)),
            reference: reference.flatten(),
            remote,
            seconds_left: per_second.filter(|_| is_known).map(|rate| (all - done).max(0.0) / rate),
        }
    }

    /// What people call its repository.
    #[must_use]
    pub fn repository(&self) -> String {
        match &self.remote {
            Some(remote) => short_name(remote, self.reference.as_deref()),
            None => format!("repository {}", self.figures.repository),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(done: u64, all: u64, seconds: f64) -> RunningJob {
        let names = Names(BTreeMap::from([(7, ("https://h/team/app.git".to_owned(), None))]));
        RunningJob::of(&JobFigures { repository: 7, done, all, seconds, ..JobFigures::default() }, &names)
    }

    #[test]
    fn how_far_a_job_is_and_how_long_it_takes_yet_is_told_by_what_it_did_since_its_claim() {
        let half = job(1_475, 2_950, 25.0);
        assert_eq!((half.percent, half.per_second, half.seconds_left), (Some(50.0), Some(59.0), Some(25.0)));
        assert_eq!(half.repository(), "app");
        let begun = job(0, 10, 3.0);
        assert_eq!((begun.percent, begun.per_second, begun.seconds_left), (Some(0.0), None, None));
        let unknown = job(0, 0, 0.0);
        assert_eq!((unknown.percent, unknown.per_second, unknown.seconds_left), (None, None, None));
        let ahead = job(12, 10, 6.0);
        assert_eq!((ahead.percent, ahead.seconds_left), (Some(100.0), Some(0.0)));
        let gone = RunningJob::of(&JobFigures { repository: 8, ..JobFigures::default() }, &Names::default());
        assert_eq!((gone.repository().as_str(), gone.remote), ("repository 8", None));
    }

    #[test]
    fn what_the_instance_says_stays_beside_what_is_told_from_it() {
        let told = serde_json::to_value(job(5, 10, 5.0)).expect("it is JSON");
        let keys = ["job", "kind", "repository", "seconds", "done", "all", "stages", "percent", "per_second"];
        assert!(keys.iter().all(|key| told.get(key).is_some()), "{told}");
        assert_eq!((told["percent"].as_f64(), told["seconds_left"].as_f64()), (Some(50.0), Some(5.0)));
    }
}
