//! What an instance does, in its own figures: written every few seconds, apart from its heartbeat, which must not wait
//! for them.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::job::InstanceId;
use crate::tally::Heard;

/// Bytes of an instance's figures as JSON, at most: a row of one page, which is updated in place.
pub const FIGURES_MAX: usize = 4096;

/// What an instance did in the last minute, and does now. A figure that another version does not write is nothing here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct InstanceFigures {
    /// Cores that it may use, as many as its quota allows.
    pub cores: f64,
    /// Bytes that it uses, with the processes that work for it.
    pub memory: u64,
    /// Bytes that it may use; `None` is without limit.
    pub memory_max: Option<u64>,
    /// Seconds that shares and rates are about.
    pub seconds: f64,
    /// By the names of the stages.
    pub stages: BTreeMap<String, StageFigures>,
    /// What it may run, and runs, by kind: `refresh` and `fill`.
    pub kinds: BTreeMap<String, KindFigures>,
    /// Heavy jobs are due, and it has no slot for one: `slots` where all are taken, `permits` where it runs as many
    /// as it may.
    pub short_of: Option<String>,
    /// Why it makes no vectors for now.
    pub hold: Option<String>,
    /// Of the time, how much its embedding provider was left alone, because it could not answer.
    pub left_alone: f64,
    /// What the provider said last, where it was.
    pub left_alone_why: Option<String>,
    /// The jobs that it runs, those that have run longest.
    pub jobs: Vec<JobFigures>,
    /// The last error of a job here.
    pub last_error: Option<String>,
    /// Seconds ago.
    pub last_error_seconds: f64,
    /// Figures that could not be written since its start.
    pub dropped: u64,
}

/// A stage of an instance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StageFigures {
    /// Workers now.
    pub workers: u64,
    /// Of the time of its workers, work.
    pub busy: f64,
    /// Of it, without a batch.
    pub starved: f64,
    /// Of it, with a batch and waiting, by what for.
    pub blocked: BTreeMap<String, f64>,
    /// Batches that it holds now: that wait for a worker, are in work, or wait for some of their texts.
    pub held: u64,
    /// The most that it may hold; who has another waits.
    pub held_max: u64,
    /// Batches that it was done with.
    pub batches: u64,
    /// Files or texts in them.
    pub items: u64,
    /// Tokens that were embedded.
    pub tokens: u64,
}

impl StageFigures {
    /// With a batch and waiting for anything.
    #[must_use]
    pub fn blocked(&self) -> f64 {
        self.blocked.values().sum::<f64>().max(0.0)
    }
}

/// Jobs of one kind of an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KindFigures {
    /// Jobs that run.
    pub running: u64,
    /// Jobs that may run at the same time.
    pub permits: u64,
}

/// A job that runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct JobFigures {
    /// Its number.
    pub job: i64,
    /// `refresh` or `fill`.
    pub kind: String,
    /// Its repository's number.
    pub repository: i64,
    /// Since its claim.
    pub seconds: f64,
    /// Files or texts that are done.
    pub done: u64,
    /// Files or texts that are known so far; 0 while nothing is.
    pub all: u64,
    /// What each stage has done, by its name: as in the summary of an attempt, less what is 0.
    pub stages: serde_json::Value,
}

/// The figures of an instance that lives.
#[derive(Clone, Debug, PartialEq)]
pub struct Reported {
    /// Whose.
    pub instance: InstanceId,
    /// The machine that it runs on, by its name.
    pub host: String,
    /// How old they are, by the database's clock.
    pub age: Duration,
    /// What it said.
    pub figures: InstanceFigures,
}

/// What instances say of themselves.
#[async_trait]
pub trait FleetFigures: Send + Sync {
    /// Says what an instance does, and hears the tally by the same statement. What is longer than [`FIGURES_MAX`] loses
    /// its jobs, the shortest-lived first. `None`: it is not alive.
    async fn report(&self, instance: InstanceId, figures: &InstanceFigures) -> Result<Option<Heard>, StoreError>;

    /// What all live instances said last, the oldest instance first.
    async fn reports(&self) -> Result<Vec<Reported>, StoreError>;
}

impl InstanceFigures {
    /// As JSON of at most [`FIGURES_MAX`] bytes.
    pub(crate) fn written(&self) -> String {
        let mut fitting = self.clone();
        loop {
            let text = serde_json::to_string(&fitting).unwrap_or_default();
            if text.len() <= FIGURES_MAX {
                return text;
            }
            if fitting.jobs.pop().is_none() {
                // Nothing else in it grows with what a remote names but these.
                fitting.last_error = None;
                fitting.hold = None;
                fitting.left_alone_why = None;
                return serde_json::to_string(&fitting).unwrap_or_default();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_fit_their_row_whatever_runs_and_the_jobs_that_have_run_longest_stay() {
        let job =
            |job| JobFigures { job, stages: serde_json::json!({ "hasher": "x".repeat(300) }), ..JobFigures::default() };
        let figures = InstanceFigures { jobs: (0..100).map(job).collect(), ..InstanceFigures::default() };
        let text = figures.written();
        assert!(text.len() <= FIGURES_MAX, "{}", text.len());
        let read: InstanceFigures = serde_json::from_str(&text).expect("it is JSON");
        assert!(read.jobs.len() > 3 && read.jobs[0].job == 0, "{} jobs", read.jobs.len());
        let long = InstanceFigures { last_error: Some("e".repeat(9_000)), ..figures };
        assert!(long.written().len() <= FIGURES_MAX);
    }

    #[test]
    fn figures_of_another_version_are_read_as_far_as_they_are_known() {
        let read: InstanceFigures = serde_json::from_str(r#"{ "cores": 2, "unheard": [1] }"#).expect("it is JSON");
        assert_eq!(read, InstanceFigures { cores: 2.0, ..InstanceFigures::default() });
    }
}
