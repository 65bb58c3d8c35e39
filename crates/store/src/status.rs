//! The figures of `warmer status`.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use warmer_content::EmbeddingId;

use crate::fleet::{Difference, Fleet, model_name};
use crate::job::InstanceId;
use crate::repository::RepositoryId;
use crate::trouble::Trouble;

/// What `warmer status` prints. Jobs and attempts are refreshes; fills have figures of their own. A figure that another
/// version does not write into the tally is nothing here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// How long ago this was counted, where it is the tally's; `None`: now.
    #[serde(skip)]
    pub counted_ago: Option<Duration>,
    /// Rows that were counted one by one: of jobs, repositories, and artifacts that lack a vector.
    pub rows: u64,
    /// Jobs queued and due.
    pub queue_depth: u64,
    /// How long the oldest of those has been due.
    pub oldest_job: Option<Duration>,
    /// Live instances.
    pub active_workers: u64,
    /// Those of them that take any job, not only what they asked for themselves.
    pub daemons: u64,
    /// The sum of their capacities, or the cluster's slots where that is less.
    pub total_slots: u64,
    /// Attempts that ended warmed or fresh, per minute over the last five.
    pub completed_per_min: f64,
    /// Attempts that ended by an error or a crash, per minute over the last five.
    pub failed_per_min: f64,
    /// Jobs running.
    pub running: u64,
    /// Jobs queued for later.
    pub delayed: u64,
    /// Fills running.
    pub fills_running: u64,
    /// Fills queued, for now or later.
    pub fills_queued: u64,
    /// Texts of what is served that lack a vector, under the generations that searches use, as far as was noted; one
    /// that several repositories or contents have counts for each.
    pub texts_missing: u64,
    /// Texts of what is served under those generations, by what its publications counted: what `texts_missing` is a
    /// share of.
    pub texts: u64,
    /// Texts that lack a vector under generations that are made beside those, to take their place.
    pub texts_building_missing: u64,
    /// What that is a share of: texts of the repositories that such generations cover by now.
    pub texts_building: u64,
    /// Until when an instance makes no vectors, because its provider cannot embed: the last such moment, if any.
    pub hold_until: Option<SystemTime>,
    /// Repositories followed.
    pub repositories: u64,
    /// Repositories that are dead.
    pub dead: u64,
    /// Repositories in quarantine.
    pub quarantined: u64,
    /// Repositories whose remote or ref is gone.
    pub stale: u64,
    /// Repositories that a live instance leaves to others, because it lacks something.
    pub refused: u64,
    /// Repositories of which something is served.
    pub served: u64,
    /// Repositories that are to be checked now, and are not being checked: whether or not a job of theirs is queued and
    /// due.
    pub due: u64,
    /// Those of them that have used up their budget of staleness.
    pub overdue: u64,
    /// For how long the first of those has.
    pub oldest_overdue: Option<Duration>,
    /// Attempts that ended in the last 24 hours, to the minute; `None` where only some repositories are asked for.
    pub ended_24h: Option<EndedCounts>,
    /// The cluster's slots as they were set, for when no window holds; 0 is without limit.
    pub slots: u32,
    /// The cluster's slots now; 0 is without limit.
    pub slots_in_force: u32,
    /// Slots that are held now. In SQLite only the process that holds them knows; others read 0.
    pub slots_held: u64,
    /// Repositories that are overdue, dead, in quarantine, stale or refused: [`crate::TROUBLES_MAX`] of each kind,
    /// those that have been so for longest, the longest first.
    pub troubles: Vec<Trouble>,
    /// Rows by table, as the database knows without counting them: of the tables that grow with what is followed and
    /// stored, as far as it knows. Only in a tally.
    pub table_rows: BTreeMap<String, u64>,
    /// Live instances, the oldest first.
    #[serde(skip)]
    pub instances: Vec<InstanceStatus>,
    /// What the fleet runs by; `None` before an instance said so.
    #[serde(skip)]
    pub fleet: Option<Fleet>,
}

/// Attempts by how they ended; what was put off, refused or cancelled is not among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EndedCounts {
    /// Something new was published.
    pub warmed: u64,
    /// Nothing had changed.
    pub fresh: u64,
    /// By an error or a crash.
    pub failed: u64,
}

/// When a repository is checked, as its policy and its history have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Which.
    pub repository: RepositoryId,
    /// When its next check may begin, by the database's clock; in the past where that is now. `None`: it is being
    /// checked, or only when asked.
    pub next: Option<SystemTime>,
    /// For how long it has been overdue: used up its budget, is due and is not being checked.
    pub overdue: Option<Duration>,
    /// How long after its last check it is overdue, if not before it is due; `None`: never.
    pub budget: Option<Duration>,
    /// How long its last attempt took; `None` before the first.
    pub last: Option<Duration>,
}

/// One live instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceStatus {
    /// Which.
    pub id: InstanceId,
    /// When it was registered.
    pub started_at: SystemTime,
    /// Its last heartbeat.
    pub seen_at: SystemTime,
    /// Refreshes that it runs at the same time, at most.
    pub capacity: u32,
    /// Its program's version.
    pub version: String,
    /// The machine it runs on; empty where it named none.
    pub host: String,
    /// Its process there.
    pub pid: u32,
    /// Refreshes that it runs now.
    pub running: u64,
    /// It takes any job, not only what it asked for itself.
    pub takes_any: bool,
    /// As [`crate::model_name`] calls the one that it makes vectors by; `None`: it did not say.
    pub model: Option<String>,
    /// The keys of the configuration in which it differs from what the fleet runs by.
    pub differs: Vec<Difference>,
}

impl InstanceStatus {
    /// Whether it takes fills of this embedding, whoever asked for them.
    #[must_use]
    pub fn fills(&self, embedding: EmbeddingId) -> bool {
        self.takes_any && self.model.as_ref().is_some_and(|model| *model == model_name(embedding))
    }
}
