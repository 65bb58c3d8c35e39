//! `Status`: how the queue does, and what somebody should be called for.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;
use warmer_store::{InstanceStatus, NO_MODEL, Reported, Store};

use crate::bottleneck::Demand;
use crate::error::QueryError;
use crate::moment::Moment;
use crate::running::Names;
use crate::scope::Scope;
use crate::sizes::{self, Sizes, TunedSize};
use crate::text::{counted, duration};
use crate::trouble::Trouble;
use crate::workload::{Figures, Workload};

/// The figures of the queue. With a scope, of the jobs and repositories in it; instances and slots are everybody's, but
/// not what they are busy with.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// Live instances.
    pub active_workers: u64,
    /// Attempts that ended warmed or fresh, per minute over the last five.
    pub completed_per_min: f64,
    /// How long ago what is about repositories and jobs was counted, by one instance for all, where there is too much
    /// of it to count at each look; `None`: just now.
    pub counted_seconds_ago: Option<f64>,
    /// The figures that alerts go by, once more by the names that they have there.
    #[serde(flatten)]
    pub aliases: Aliases,
    /// Live instances that take any job.
    pub daemons: u64,
    /// Repositories that are dead.
    pub dead: u64,
    /// Jobs queued for later.
    pub delayed: u64,
    /// Repositories that are to be checked now, and are not being checked.
    pub due: u64,
    /// Attempts that ended in the last 24 hours; `None` where not everything may be seen.
    pub ended_24h: Option<Ended>,
    /// Attempts that ended by an error or a crash, per minute over the last five.
    pub failed_per_min: f64,
    /// Fills that are queued.
    pub fills_queued: u64,
    /// Fills that run.
    pub fills_running: u64,
    /// What all instances are to run by, and who said so.
    pub fleet: Option<Fleet>,
    /// Until when an instance makes no vectors because its provider cannot embed: the last such moment.
    pub hold_until: Option<Moment>,
    /// Live instances, the oldest first.
    pub instances: Vec<Instance>,
    /// How long the oldest job that is queued and due has been.
    pub oldest_job_seconds: Option<f64>,
    /// How long the first of the overdue repositories has been.
    pub oldest_overdue_seconds: Option<f64>,
    /// Those of the repositories that are due that have used up their budget of staleness.
    pub overdue: u64,
    /// What all instances did in the last minute.
    #[serde(flatten)]
    pub workload: Workload,
    /// What somebody should be called for, in sentences.
    pub problems: Vec<String>,
    /// Repositories in quarantine.
    pub quarantined: u64,
    /// Jobs that are queued and due.
    pub queue_depth: u64,
    /// Repositories that a live instance leaves to others, because it lacks something.
    pub refused: u64,
    /// Repositories that are followed.
    pub repositories: u64,
    /// Jobs that run.
    pub running: u64,
    /// Repositories of which something is served.
    pub served: u64,
    /// Slots for heavy jobs, as they were set for when no window holds; 0 is without limit.
    pub slots: u32,
    /// How many of them are held; `None` where that is not known, or not for whoever asks.
    pub slots_held: Option<u64>,
    /// Slots for heavy jobs at this time of the day; 0 is without limit.
    pub slots_in_force: u32,
    /// Repositories whose remote or ref is gone.
    pub stale: u64,
    /// Texts of served files.
    pub texts: u64,
    /// Texts of another generation, which is made to take the place of what searches use, as far as it covers them.
    pub texts_building: u64,
    /// Those of them that have no vector yet.
    pub texts_building_missing: u64,
    /// Texts of served files that have no vector yet.
    pub texts_missing: u64,
    /// The sum of the instances' capacities, or the slots in force where that is less.
    pub total_slots: u64,
    /// Repositories that somebody should look at: of each kind of trouble five at most, those that have been in it for
    /// longest, the longest first.
    pub troubles: Vec<Trouble>,
}

/// Figures of the queue by the names of their metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Aliases {
    /// [`Status::completed_per_min`].
    pub cache_warmer_jobs_completed_per_min: f64,
    /// [`Status::failed_per_min`].
    pub cache_warmer_jobs_failed_per_min: f64,
    /// [`Status::oldest_job_seconds`]; 0 where no job is due, as the metric.
    pub cache_warmer_oldest_job_age: f64,
    /// [`Status::queue_depth`].
    pub cache_warmer_queue_depth: u64,
}

/// Attempts by how they ended; what was put off, refused or cancelled is not among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ended {
    /// By an error or a crash.
    pub failed: u64,
    /// Nothing had changed.
    pub fresh: u64,
    /// Something new was published.
    pub warmed: u64,
}

/// A live instance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Instance {
    /// Jobs that it runs at the same time, at most.
    pub capacity: u32,
    /// Where its configuration is another than the fleet's.
    pub differs: Vec<Difference>,
    /// What it says of itself; `None`: nothing yet, or not to whoever asks.
    pub figures: Option<Figures>,
    /// The machine it runs on; empty where it named none.
    pub host: String,
    /// Its name.
    pub id: Uuid,
    /// The model that it makes vectors by, as in the fleet's configuration, or `none`; `None`: it did not say.
    pub model: Option<String>,
    /// Its process on that machine.
    pub pid: u32,
    /// Jobs that it runs.
    pub running: u64,
    /// Its last heartbeat.
    pub seen_at: Moment,
    /// When it was registered.
    pub started_at: Moment,
    /// Pools that have another size for a while, by `warmer tune`.
    pub tuned: Vec<TunedSize>,
    /// Its program's version.
    pub version: String,
}

/// A key of the configuration in which an instance differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What the fleet has.
    pub fleet: String,
    /// What the instance has.
    pub here: String,
    /// Its name.
    pub key: String,
}

/// What all instances are to run by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fleet {
    /// By the configuration's keys.
    pub configuration: BTreeMap<String, String>,
    /// Names it.
    pub digest: String,
    /// When that was said.
    pub set_at: Moment,
    /// By which instance.
    pub set_by: Uuid,
    /// Slots for heavy jobs; 0 is without limit.
    pub slots: u32,
    /// The version of that instance's program.
    pub version: String,
}

impl Status {
    /// The figures now. A job or a repository that is due for longer than `overdue_max` is a problem.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn of(store: &dyn Store, scope: &Scope, overdue_max: Duration) -> Result<Self, QueryError> {
        let of = scope.among(None);
        let status = store.status_of(of.as_deref()).await?;
        // In SQLite only the process that holds slots knows of them.
        let known = store.is_shared() && *scope == Scope::All;
        // What instances say of their jobs is about all repositories, and who tunes them is for who runs them.
        let (reports, sizes) = match scope {
            Scope::All => (store.reports().await?, sizes::in_force(store).await?),
            _ => Default::default(),
        };
        let names = Names::of(store, &reports).await?;
        let slots_held = known.then_some(status.slots_held);
        Ok(Self::new(&status, slots_held, overdue_max, (&reports, &names, &sizes, !store.is_shared())))
    }

    fn new(
        status: &warmer_store::Status,
        slots_held: Option<u64>,
        overdue_max: Duration,
        (reports, names, sizes, one_writer): (&[Reported], &Names, &Sizes, bool),
    ) -> Self {
        let demand = Demand {
            refreshes: status.queue_depth,
            fills: status.fills_queued + status.fills_running,
            running: status.running,
            lacking: status.texts_missing + status.texts_building_missing,
            slots: status.slots_in_force,
            one_writer,
        };
        Self {
            workload: Workload::of(reports, demand),
            active_workers: status.active_workers,
            aliases: Aliases::of(status),
            completed_per_min: status.completed_per_min,
            counted_seconds_ago: status.counted_ago.map(|age| age.as_secs_f64()),
            daemons: status.daemons,
            dead: status.dead,
            delayed: status.delayed,
            due: status.due,
            ended_24h: status.ended_24h.map(Ended::of),
            failed_per_min: status.failed_per_min,
            fills_queued: status.fills_queued,
            fills_running: status.fills_running,
            fleet: status.fleet.as_ref().map(Fleet::of),
            hold_until: status.hold_until.map(Moment),
            instances: status.instances.iter().map(|one| Instance::of(one, reports, names, sizes)).collect(),
            oldest_job_seconds: status.oldest_job.map(|age| age.as_secs_f64()),
            oldest_overdue_seconds: status.oldest_overdue.map(|age| age.as_secs_f64()),
            overdue: status.overdue,
            problems: problems(status, overdue_max),
            quarantined: status.quarantined,
            queue_depth: status.queue_depth,
            refused: status.refused,
            repositories: status.repositories,
            running: status.running,
            served: status.served,
            slots: status.slots,
            slots_held,
            slots_in_force: status.slots_in_force,
            stale: status.stale,
            texts: status.texts,
            texts_building: status.texts_building,
            texts_building_missing: status.texts_building_missing,
            texts_missing: status.texts_missing,
            total_slots: status.total_slots,
            troubles: status.troubles.iter().map(Trouble::of).collect(),
        }
    }
}

impl Aliases {
    fn of(status: &warmer_store::Status) -> Self {
        Self {
            cache_warmer_jobs_completed_per_min: status.completed_per_min,
            cache_warmer_jobs_failed_per_min: status.failed_per_min,
            cache_warmer_oldest_job_age: status.oldest_job.unwrap_or_default().as_secs_f64(),
            cache_warmer_queue_depth: status.queue_depth,
        }
    }
}

impl Ended {
    fn of(ended: warmer_store::EndedCounts) -> Self {
        Self { failed: ended.failed, fresh: ended.fresh, warmed: ended.warmed }
    }
}

impl Instance {
    fn of(instance: &InstanceStatus, reports: &[Reported], names: &Names, sizes: &Sizes) -> Self {
        let said = reports.iter().find(|reported| reported.instance == instance.id);
        let difference = |of: &warmer_store::Difference| Difference {
            fleet: of.fleet.clone(),
            here: of.here.clone(),
            key: of.key.clone(),
        };
        Self {
            capacity: instance.capacity,
            differs: instance.differs.iter().map(difference).collect(),
            figures: said.map(|said| Figures::of(said, names)),
            host: instance.host.clone(),
            id: instance.id.0,
            model: instance.model.clone(),
            pid: instance.pid,
            running: instance.running,
            seen_at: Moment(instance.seen_at),
            started_at: Moment(instance.started_at),
            tuned: sizes.get(&instance.id).cloned().unwrap_or_default(),
            version: instance.version.clone(),
        }
    }
}

impl Instance {
    /// Whether it makes vectors, as far as it said so.
    #[must_use]
    pub fn has_model(&self) -> bool {
        self.model.as_deref() != Some(NO_MODEL)
    }
}

impl Fleet {
    fn of(fleet: &warmer_store::Fleet) -> Self {
        Self {
            configuration: fleet.configuration.keys.clone(),
            digest: fleet.configuration.digest(),
            set_at: Moment(fleet.set_at),
            set_by: fleet.set_by.0,
            slots: fleet.configuration.slots,
            version: fleet.version.clone(),
        }
    }
}

/// What somebody should be called for. Repositories that are dead or stale are none: they are tried on by themselves,
/// and their answers say so; of 10,000 repositories there are always some.
fn problems(status: &warmer_store::Status, overdue_max: Duration) -> Vec<String> {
    let (jobs, due) = (counted(status.queue_depth, "job"), counted(status.due, "repository"));
    let repositories = counted(status.overdue, "repository");
    let nobody = status.daemons == 0 && status.queue_depth + status.due > 0;
    let late = |age: Option<Duration>| age.filter(|age| *age > overdue_max).map(duration);
    let nobody = nobody
        .then(|| format!("{jobs} and {due} are due, and no instance that takes any job is alive: start `warmer run`"));
    let job = late(status.oldest_job).map(|age| format!("the oldest of {jobs} has been due for {age}"));
    let check =
        late(status.oldest_overdue).map(|age| format!("the first of {repositories} has been overdue for {age}"));
    let quarantined = (status.quarantined > 0).then(|| {
        let repositories = counted(status.quarantined, "repository");
        format!("{repositories} in quarantine: `warmer repos list` says why, `warmer jobs retry` tries again")
    });
    [nobody, job, check, quarantined].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fleet_that_stands_still_is_a_problem_and_one_that_rests_is_none() {
        use warmer_store::Status as Row;
        let (minute, bound) = (Duration::from_secs(60), Duration::from_secs(900));
        let idle = Row { active_workers: 1, daemons: 1, repositories: 500, dead: 3, ..Row::default() };
        assert_eq!(problems(&idle, bound), Vec::<String>::new());
        assert_eq!(problems(&Row { daemons: 0, ..idle.clone() }, bound), Vec::<String>::new(), "nothing is due");
        let stopped = Row { daemons: 0, due: 500, overdue: 3, oldest_overdue: Some(minute), ..idle.clone() };
        let [why] = &problems(&stopped, bound)[..] else { panic!("one reason") };
        assert!(why.starts_with("0 jobs and 500 repositories are due, and no instance"), "{why}");
        let slow = Row { due: 2, overdue: 1, oldest_overdue: Some(16 * minute), quarantined: 1, ..idle };
        let told = problems(&slow, bound);
        assert_eq!(told[0], "the first of 1 repository has been overdue for 16m");
        assert!(told[1].starts_with("1 repository in quarantine: "), "{told:?}");
    }

    #[test]
    fn an_empty_queue_has_no_oldest_job() {
        let status = Status::new(
            &warmer_store::Status::default(),
            None,
            Duration::ZERO,
            (&[], &Names::default(), &Sizes::new(), true),
        );
        assert_eq!(status.oldest_job_seconds, None);
        assert_eq!(status.aliases.cache_warmer_oldest_job_age, 0.0);
    }

    #[test]
    fn the_figures_of_alerts_stand_beside_the_others_by_the_names_of_their_metrics() {
        let row = warmer_store::Status {
            queue_depth: 47,
            oldest_job: Some(Duration::from_secs(202)),
            completed_per_min: 12.0,
            failed_per_min: 0.5,
            ..warmer_store::Status::default()
        };
        let status = Status::new(&row, None, Duration::MAX, (&[], &Names::default(), &Sizes::new(), true));
        let told = serde_json::to_value(status).expect("it is JSON");
        for (alias, key, value) in [
            ("cache_warmer_queue_depth", "queue_depth", 47.0),
            ("cache_warmer_oldest_job_age", "oldest_job_seconds", 202.0),
            ("cache_warmer_jobs_completed_per_min", "completed_per_min", 12.0),
            ("cache_warmer_jobs_failed_per_min", "failed_per_min", 0.5),
        ] {
            assert_eq!([&told[alias], &told[key]].map(|of| of.as_f64()), [Some(value); 2], "{alias}");
        }
    }
}
