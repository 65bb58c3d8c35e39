//! `Workload`: what all instances did in the last minute, stage by stage, and what holds them up.

use std::collections::BTreeMap;

use serde::Serialize;
use warmer_store::{InstanceFigures, KindFigures, Reported, StageFigures};

use crate::bottleneck::{Bottleneck, Demand, STAGES, all_of};
use crate::running::{Names, RunningJob};

/// What all instances together did in the last minute.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Workload {
    /// What holds them up; `None`: no instance says anything, or not to whoever asks.
    pub bottleneck: Option<Bottleneck>,
    /// The stages in the order of the data; empty where no instance says anything.
    pub stages: Vec<StageWork>,
}

/// A stage of all instances.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageWork {
    /// With a batch and waiting, by what for, as shares of the workers' time.
    pub blocked: BTreeMap<String, f64>,
    /// At work.
    pub busy: f64,
    /// Batches that it holds: that wait for a worker, are in work, or wait for some of their texts.
    pub held: u64,
    /// Batches that it may hold.
    pub held_max: u64,
    /// Files or texts that it was done with, in a second.
    pub items_per_second: f64,
    /// Its name.
    pub stage: &'static str,
    /// Without a batch.
    pub starved: f64,
    /// Tokens that were embedded, in a second.
    pub tokens_per_second: f64,
    /// Workers.
    pub workers: u64,
}

/// What an instance says of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// How old all this is.
    pub age_seconds: f64,
    /// Cores that it may use.
    pub cores: f64,
    /// Figures that could not be written.
    pub dropped: u64,
    /// Why it makes no vectors for now.
    pub hold: Option<String>,
    /// The jobs that it runs, those that have run longest.
    pub jobs: Vec<RunningJob>,
    /// By kind: jobs that run, and that may.
    pub kinds: BTreeMap<String, KindFigures>,
    /// The last error of a job there.
    pub last_error: Option<String>,
    /// Seconds before that.
    pub last_error_seconds: f64,
    /// Bytes that it uses.
    pub memory: u64,
    /// Bytes that it may use.
    pub memory_max: Option<u64>,
    /// What heavy jobs that are due wait for: `slots` or `permits`.
    pub short_of: Option<String>,
}

impl Workload {
    /// Of these instances.
    pub(crate) fn of(reports: &[Reported], demand: Demand) -> Self {
        if reports.is_empty() {
            return Self::default();
        }
        let figures = || reports.iter().map(|reported| (reported.host.as_str(), &reported.figures));
        let seconds = figures().map(|(_, one)| one.seconds).fold(0.0, f64::max);
        let all = all_of(figures());
        let stages = STAGES.iter().filter_map(|(name, _)| Some(stage(name, all.get(name)?, seconds)));
        Self { bottleneck: Some(Bottleneck::of(figures(), demand)), stages: stages.collect() }
    }
}

fn stage(name: &'static str, of: &StageFigures, seconds: f64) -> StageWork {
    let rate = |count: u64| if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
    StageWork {
        blocked: of.blocked.clone(),
        busy: of.busy,
        held: of.held,
        held_max: of.held_max,
        items_per_second: rate(of.items),
        stage: name,
        starved: of.starved,
        tokens_per_second: rate(of.tokens),
        workers: of.workers,
    }
}

impl Figures {
    pub(crate) fn of(reported: &Reported, names: &Names) -> Self {
        let InstanceFigures { cores, memory, memory_max, kinds, short_of, hold, jobs, .. } = reported.figures.clone();
        let InstanceFigures { last_error, last_error_seconds, dropped, .. } = reported.figures.clone();
        let age_seconds = reported.age.as_secs_f64();
        Self {
            age_seconds,
            cores,
            dropped,
            hold,
            jobs: jobs.iter().map(|job| RunningJob::of(job, names)).collect(),
            kinds,
            last_error,
            last_error_seconds,
            memory,
            memory_max,
            short_of,
        }
    }
}
