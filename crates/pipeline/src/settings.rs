//! The sections of the stages, of the Claimer, the Scheduler and the supervisors, and what the pipeline is started
//! with.

mod stages;

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use warmer_settings::{AboveZero, Mistake, Pause, Size, Time};
use warmer_store::{GcSettings, Window};
use warmer_supervision::{Limits, RestartLimits};

pub(crate) use stages::cores;
pub use stages::{EmbedderSettings, FetcherSettings, FillSettings, HasherSettings, StorerSettings};

/// How often the queue is looked at when nothing else wakes the Claimer.
const POLL: Duration = Duration::from_millis(1_500);

/// What is due at six is done by seven.
const SPREAD_MOST: Duration = Duration::from_hours(1);

/// Abandoned threads above which the process exits: each may hold a core and the memory of a file.
const ABANDONED_MAX: usize = 8;

/// The whole pipeline's limits.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The Claimer and the claims it owns.
    pub claimer: ClaimerSettings,
    /// The Fetcher pool.
    pub fetcher: FetcherSettings,
    /// The Hasher pool.
    pub hasher: HasherSettings,
    /// Fills and the Filler pool.
    pub fill: FillSettings,
    /// The Embedder pool.
    pub embedder: EmbedderSettings,
    /// The Storer pool.
    pub storer: StorerSettings,
    /// When a worker, the line and the tree give up.
    pub supervision: SupervisionSettings,
    /// When the cluster has another number of slots.
    pub windows: Vec<Window>,
    /// How due repositories are looked for; `None` leaves that to others.
    pub scheduler: Option<SchedulerSettings>,
    /// When to collect for all instances, and what; `None` leaves that to others.
    pub upkeep: Option<GcSettings>,
    /// Above this many threads that would not stop, the process exits.
    pub abandoned_max: usize,
    /// Work stops by itself when the locks can no longer be trusted.
    pub self_fencing: bool,
}

impl Settings {
    /// The most refreshes in flight, as the instance's row says.
    #[must_use]
    pub(crate) fn capacity(&self) -> u32 {
        u32::try_from(self.claimer.concurrency).unwrap_or(u32::MAX)
    }

    /// Refreshes that can be worked on at the same time: a Fetcher that lists a large repository waits for the stages
    /// behind it, however many jobs may be in flight.
    pub(crate) fn jobs(&self) -> usize {
        self.claimer.concurrency.min(self.fetcher.limits().workers)
    }

    /// Batches that bulk fills may have in the stages behind: a quarter is kept for what was just published.
    pub(crate) fn bulk_batches(&self) -> usize {
        (self.embedder.mailbox * 3 / 4).max(1)
    }

    /// The doors of the five stages, in the order of the data.
    #[must_use]
    pub fn limits(&self) -> [Limits; 5] {
        let Self { fetcher, hasher, fill, embedder, storer, .. } = self;
        [fetcher.limits(), hasher.limits(), fill.limits(), embedder.limits(), storer.limits()]
    }

    /// The time that one file may take in the Hasher and in the Embedder, in milliseconds.
    pub(crate) fn file_time(&self) -> u64 {
        let times = [self.hasher.file_deadline, self.embedder.text_deadline];
        times.iter().map(Duration::as_millis).sum::<u128>().try_into().unwrap_or(u64::MAX)
    }
}

impl Default for Settings {
    /// Those of a process that warms and goes: nothing is scheduled.
    fn default() -> Self {
        Self {
            claimer: ClaimerSettings::default(),
            fetcher: FetcherSettings::default(),
            hasher: HasherSettings::default(),
            fill: FillSettings::default(),
            embedder: EmbedderSettings::default(),
            storer: StorerSettings::default(),
            supervision: SupervisionSettings::default(),
            windows: Vec::new(),
            scheduler: None,
            upkeep: None,
            abandoned_max: ABANDONED_MAX,
            self_fencing: true,
        }
    }
}

/// `[claimer]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimerSettings {
    /// Jobs claimed and not settled, at most.
    #[serde(with = "AboveZero::<usize>")]
    pub concurrency: usize,
    /// Attempts that brought nothing new before a repository is declared dead; the store counts them.
    #[serde(with = "AboveZero::<u32>")]
    pub attempts_max: u32,
    /// The first delay after a temporary error; doubled with each attempt, with jitter.
    #[serde(with = "Time")]
    pub retry_first: Duration,
    /// The longest delay after a temporary error.
    #[serde(with = "Time")]
    pub retry_most: Duration,
    /// Permits to do heavy work at the same time, cluster-wide; 0 switches them off.
    pub slots: u32,
    /// How long heavy jobs wait for a slot before that is logged.
    #[serde(with = "Time")]
    pub slot_wait_max: Duration,
    /// A job none of whose parts finished for this long is cancelled.
    #[serde(with = "Time")]
    pub stall: Duration,
    /// The memory that the child process of a job may write to, in bytes.
    #[serde(with = "Size")]
    pub child_memory_max: u64,
    /// How long a process that stays waits before it takes the first job.
    #[serde(with = "Pause")]
    pub start_delay: Duration,
    /// It waits for a random time up to this on top.
    #[serde(with = "Pause")]
    pub start_jitter: Duration,
    /// How often the queue is looked at when nothing else wakes the Claimer.
    #[serde(skip, default = "poll")]
    pub poll: Duration,
}

fn poll() -> Duration {
    POLL
}

impl Default for ClaimerSettings {
    fn default() -> Self {
        Self {
            concurrency: 4,
            attempts_max: 5,
            retry_first: Duration::from_secs(30),
            retry_most: Duration::from_hours(1),
            slots: 24,
            slot_wait_max: Duration::from_mins(5),
            stall: Duration::from_mins(10),
            child_memory_max: 4 << 30,
            start_delay: Duration::from_secs(15),
            start_jitter: Duration::from_secs(30),
            poll: POLL,
        }
    }
}

impl ClaimerSettings {
    /// What the values cannot say alone.
    #[must_use]
    pub fn mistakes(&self) -> Vec<Mistake> {
        let wrong = self.retry_first > self.retry_most;
        wrong.then(|| Mistake::new("retry_first", "expected no more than claimer.retry_most")).into_iter().collect()
    }
}

/// `[scheduler]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SchedulerSettings {
    /// How often it looks, about.
    #[serde(with = "Time")]
    pub every: Duration,
    /// Repositories in one listing query.
    #[serde(with = "AboveZero::<u32>")]
    pub list_batch: u32,
    /// Between two such queries.
    #[serde(with = "Pause")]
    pub list_pause: Duration,
    /// Checks by the calendar that are due at the same moment begin spread over this time.
    #[serde(with = "Pause")]
    pub spread: Duration,
}

impl Default for SchedulerSettings {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(5),
            list_batch: 500,
            list_pause: Duration::from_millis(500),
            spread: Duration::from_mins(1),
        }
    }
}

impl SchedulerSettings {
    /// What the values cannot say alone.
    #[must_use]
    pub fn mistakes(&self) -> Vec<Mistake> {
        let wrong = self.spread > SPREAD_MOST;
        wrong.then(|| Mistake::new("spread", "expected no more than \"1h\"")).into_iter().collect()
    }
}

/// `[supervision]`: restart intensities, from the leaves to the root (W-8).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SupervisionSettings {
    /// Restarts of the workers of one pool within `period`.
    pub intensity: usize,
    /// The window in which they are counted.
    #[serde(with = "Time")]
    pub period: Duration,
    /// The pause before a restart, at first.
    #[serde(with = "Time")]
    pub first_delay: Duration,
    /// The longest pause before a restart.
    #[serde(with = "Time")]
    pub most_delay: Duration,
    /// Restarts of the pools of the line within `line_period`.
    pub line_intensity: usize,
    /// The window in which they are counted.
    #[serde(with = "Time")]
    pub line_period: Duration,
    /// Restarts of the children of the root within `root_period`; beyond it the process exits non-zero.
    pub root_intensity: usize,
    /// The window in which they are counted.
    #[serde(with = "Time")]
    pub root_period: Duration,
}

impl Default for SupervisionSettings {
    fn default() -> Self {
        Self {
            intensity: 10,
            period: Duration::from_mins(1),
            first_delay: Duration::from_millis(100),
            most_delay: Duration::from_secs(5),
            line_intensity: 5,
            line_period: Duration::from_mins(5),
            root_intensity: 3,
            root_period: Duration::from_mins(10),
        }
    }
}

impl SupervisionSettings {
    /// What the values cannot say alone.
    #[must_use]
    pub fn mistakes(&self) -> Vec<Mistake> {
        let wrong = self.first_delay > self.most_delay;
        wrong.then(|| Mistake::new("first_delay", "expected no more than supervision.most_delay")).into_iter().collect()
    }

    /// Of the workers of one pool.
    #[must_use]
    pub fn workers(&self) -> RestartLimits {
        self.policy(self.intensity, self.period)
    }

    /// Of the pools of the line.
    #[must_use]
    pub fn line(&self) -> RestartLimits {
        self.policy(self.line_intensity, self.line_period)
    }

    /// Of the children of the root.
    #[must_use]
    pub fn root(&self) -> RestartLimits {
        self.policy(self.root_intensity, self.root_period)
    }

    fn policy(&self, intensity: usize, period: Duration) -> RestartLimits {
        RestartLimits { intensity, period, first_delay: self.first_delay, most_delay: self.most_delay }
    }
}
