//! `Capacity`: how many slots and instances a demand needs, and what each instance takes. Arithmetic on figures that
//! were given, measured or are the guide's.

mod measured;

use std::time::Duration;

use serde::Serialize;

pub use self::measured::Measured;

/// Slots that are busy at most, of all: beyond that the queue grows by every irregularity.
const UTILISATION: f64 = 0.7;
/// Cores of an instance that does nothing, and of each job: least and most.
const CORES: (f64, [f64; 2]) = (2.0, [0.25, 0.5]);
/// Cores of each job that embeds here, or more.
const CORES_EMBEDDING: f64 = 2.0;
/// Bytes of an instance, and of each job.
const MEMORY: (u64, u64) = (512 << 20, 512 << 20);
/// Bytes of disk of each job, beside the mirrors.
const DISK: u64 = 1 << 30;
/// Bytes of a fetch, and of what is stored for a changed repository: least and most.
const FETCH: [u64; 2] = [10_000_000, 100_000_000];
const ENTRY: [u64; 2] = [1_000_000, 10_000_000];
/// Connections of an instance beside its pool: one that holds its locks, one that listens.
const CONNECTIONS: u32 = 2;
/// Jobs at the same time where they wait for networks and databases: least and most.
const WAITING: [u64; 2] = [8, 16];

/// What is to be done, and by what kind of instance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demand {
    /// Repositories that are followed.
    pub repositories: u64,
    /// How often each is checked.
    pub refresh: Duration,
    /// How long a job takes that finds something to warm.
    pub job: Duration,
    /// How long a check takes that finds nothing.
    pub check: Duration,
    /// Of the checks, the share that finds something: within 0 and 1.
    pub changed: f64,
    /// Jobs of one instance at the same time.
    pub concurrency: u32,
    /// Cores of its machine.
    pub cores: u32,
    /// Bytes of memory of its machine.
    pub memory: u64,
    /// Instances, where that is decided already.
    pub instances: Option<u32>,
    /// Slots in all instances together; 0 is without limit.
    pub slots: u32,
    /// Requests in an hour that the host of the remotes allows.
    pub rate_limit: Option<u64>,
    /// Requests of one job.
    pub requests: u32,
    /// Connections of one instance's pool.
    pub pool: u32,
    /// Bytes of the mirrors of one instance.
    pub mirrors: u64,
    /// For how long an instance waits at its start, at most: the delay and all of the jitter.
    pub start: Duration,
}

/// A range.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Span {
    /// At least.
    pub least: f64,
    /// At most.
    pub most: f64,
}

/// What one instance takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PerInstance {
    /// Connections to the database.
    pub connections: u32,
    /// Cores, where the vectors are made elsewhere.
    pub cores: Span,
    /// Cores, where it makes them itself: so many or more.
    pub cores_embedding: f64,
    /// Bytes of disk.
    pub disk_bytes: u64,
    /// Of those, the mirrors at their bound.
    pub disk_mirrors_bytes: u64,
    /// Bytes of memory, by the guide's rule.
    pub memory_bytes: u64,
    /// Bytes of memory by the size of the model's file and its sessions: a formula; `None`: there is no model here.
    pub memory_estimated_bytes: Option<u64>,
    /// Bytes of memory that the largest of the instances uses now, by its own figures; `None`: none tells them.
    pub memory_measured_bytes: Option<u64>,
}

/// What is known of the memory of an instance beside the guide's rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownMemory {
    /// See [`PerInstance::memory_estimated_bytes`].
    pub estimated: Option<u64>,
    /// See [`PerInstance::memory_measured_bytes`].
    pub measured: Option<u64>,
}

/// Bytes in an hour, of all instances together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Traffic {
    /// From the remotes.
    pub fetched_bytes: Span,
    /// To the database.
    pub stored_bytes: Span,
}

/// Jobs of one instance at the same time, by what holds them up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bottlenecks {
    /// The CPU: half of the cores.
    pub cpu: u64,
    /// Waiting for networks and databases.
    pub io: Span,
    /// The memory: one for each 512 MiB.
    pub memory: u64,
    /// The host's rate limit: what it allows in an hour by the requests of a job; in all instances together, and in an
    /// hour. `None`: none was named.
    pub rate_limit_jobs_per_hour: Option<u64>,
}

/// How long after a rolling deploy all is warm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rollout {
    /// Jobs that run at the same time meanwhile.
    pub jobs_at_once: u64,
    /// Until the last instance takes its first job.
    pub started_seconds: f64,
    /// Until the last repository was checked, where all were due at once.
    pub warm_seconds: f64,
}

/// What a demand needs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Capacity {
    /// Jobs at the same time by what holds them up.
    pub bottlenecks: Bottlenecks,
    /// Jobs that run at the same time on the average, by Little's law.
    pub busy_slots: f64,
    /// Connections to the database, of all instances together.
    pub connections: u64,
    /// Instances: those that were named, or as many as the slots need.
    pub instances: u64,
    /// Jobs in an hour.
    pub jobs_per_hour: f64,
    /// What each of them takes.
    pub per_instance: PerInstance,
    /// After a rolling deploy.
    pub rollout: Rollout,
    /// Slots, so that no more than [`Capacity::utilisation`] of them are busy on the average.
    pub slots_needed: f64,
    /// Bytes in an hour.
    pub traffic_per_hour: Traffic,
    /// The share of the slots that is busy on the average.
    pub utilisation: f64,
}

impl Capacity {
    /// What this demand needs.
    #[must_use]
    pub fn of(demand: &Demand, memory: KnownMemory) -> Self {
        let jobs_per_hour = demand.repositories as f64 * 3600.0 / demand.refresh.as_secs_f64();
        let busy_slots = jobs_per_hour * demand.mean().as_secs_f64() / 3600.0;
        let slots_needed = busy_slots / UTILISATION;
        let concurrency = demand.concurrency.max(1);
        let needed = whole((slots_needed / f64::from(concurrency)).ceil()).max(1);
        let instances = demand.instances.map_or(needed, u64::from);
        let changed = jobs_per_hour * demand.changed;
        let traffic = |bytes: [u64; 2]| Span { least: changed * bytes[0] as f64, most: changed * bytes[1] as f64 };
        let per_instance = PerInstance::of(demand, memory);
        Self {
            bottlenecks: Bottlenecks::of(demand),
            busy_slots,
            connections: instances * u64::from(per_instance.connections),
            instances,
            jobs_per_hour,
            per_instance,
            rollout: Rollout::of(demand, instances),
            slots_needed,
            traffic_per_hour: Traffic { fetched_bytes: traffic(FETCH), stored_bytes: traffic(ENTRY) },
            utilisation: UTILISATION,
        }
    }
}

impl Demand {
    /// How long a job takes on the average.
    fn mean(&self) -> Duration {
        self.job.mul_f64(self.changed) + self.check.mul_f64(1.0 - self.changed)
    }
}

impl PerInstance {
    fn of(demand: &Demand, memory: KnownMemory) -> Self {
        let jobs = f64::from(demand.concurrency);
        let (base, [least, most]) = CORES;
        let each = |bytes: u64| u64::from(demand.concurrency).saturating_mul(bytes);
        Self {
            connections: demand.pool.saturating_add(CONNECTIONS),
            cores: Span { least: base + jobs * least, most: base + jobs * most },
            cores_embedding: base + jobs * CORES_EMBEDDING,
            disk_bytes: demand.mirrors.saturating_add(each(DISK)),
            disk_mirrors_bytes: demand.mirrors,
            memory_bytes: MEMORY.0.saturating_add(each(MEMORY.1)),
            memory_estimated_bytes: memory.estimated,
            memory_measured_bytes: memory.measured,
        }
    }
}

impl Bottlenecks {
    fn of(demand: &Demand) -> Self {
        Self {
            cpu: u64::from(demand.cores / 2).max(1),
            io: Span { least: WAITING[0] as f64, most: WAITING[1] as f64 },
            memory: (demand.memory / MEMORY.1).max(1),
            rate_limit_jobs_per_hour: demand.rate_limit.map(|limit| limit / u64::from(demand.requests.max(1))),
        }
    }
}

impl Rollout {
    /// All repositories are due at once, and as many run as slots and instances allow.
    fn of(demand: &Demand, instances: u64) -> Self {
        let permits = instances.saturating_mul(demand.concurrency.into()).max(1);
        let jobs_at_once = if demand.slots == 0 { permits } else { permits.min(demand.slots.into()) };
        let started_seconds = demand.start.as_secs_f64();
        let working = demand.repositories as f64 * demand.mean().as_secs_f64() / jobs_at_once as f64;
        Self { jobs_at_once, started_seconds, warm_seconds: started_seconds + working }
    }
}

/// A number that is whole already, and never negative.
fn whole(number: f64) -> u64 {
    if number >= 9e15 { 9_000_000_000_000_000 } else { number as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);
    const GIB: u64 = 1 << 30;

    /// The guide's example: 500 repositories, four times an hour, two minutes each.
    fn guide() -> Demand {
        Demand {
            repositories: 500,
            refresh: 15 * MINUTE,
            job: 2 * MINUTE,
            check: Duration::from_secs(2),
            changed: 1.0,
            concurrency: 4,
            cores: 8,
            memory: 16 * GIB,
            instances: None,
            slots: 24,
            rate_limit: Some(5_000),
            requests: 2,
            pool: 8,
            mirrors: 20 * GIB,
            start: Duration::from_secs(45),
        }
    }

    fn rounded(number: f64) -> f64 {
        (number * 10.0).round() / 10.0
    }

    #[test]
    fn busy_slots_are_the_jobs_of_an_hour_by_their_time_in_hours() {
        let capacity = Capacity::of(&guide(), KnownMemory::default());
        assert_eq!(rounded(capacity.jobs_per_hour), 2_000.0);
        assert_eq!((rounded(capacity.busy_slots), rounded(capacity.slots_needed)), (66.7, 95.2));
        assert_eq!((capacity.instances, capacity.connections), (24, 240));
        let few = Capacity::of(&Demand { changed: 0.05, ..guide() }, KnownMemory::default());
        // 2,000 jobs an hour of 7.9 s on the average.
        assert_eq!((rounded(few.busy_slots), few.instances), (4.4, 2));
        assert_eq!(Capacity::of(&Demand { instances: Some(6), ..guide() }, KnownMemory::default()).instances, 6);
        assert_eq!(Capacity::of(&Demand { repositories: 0, ..guide() }, KnownMemory::default()).instances, 1);
    }

    #[test]
    fn an_instance_takes_what_the_guide_says_for_each_job() {
        let memory = KnownMemory { estimated: Some(3), measured: Some(4) };
        let each = Capacity::of(&guide(), memory).per_instance;
        assert_eq!((each.memory_estimated_bytes, each.memory_measured_bytes), (Some(3), Some(4)));
        let PerInstance { connections, cores, cores_embedding, disk_bytes, memory_bytes, .. } = each;
        assert_eq!((connections, cores, cores_embedding), (10, Span { least: 3.0, most: 4.0 }, 10.0));
        assert_eq!((disk_bytes, memory_bytes), (24 * GIB, 5 * GIB / 2));
        let traffic = Capacity::of(&Demand { changed: 0.05, ..guide() }, KnownMemory::default()).traffic_per_hour;
        assert_eq!((rounded(traffic.fetched_bytes.least), rounded(traffic.fetched_bytes.most)), (1e9, 1e10));
        assert_eq!((rounded(traffic.stored_bytes.least), rounded(traffic.stored_bytes.most)), (1e8, 1e9));
    }

    #[test]
    fn each_kind_of_bottleneck_has_its_rule() {
        let Bottlenecks { cpu, io, memory, rate_limit_jobs_per_hour } =
            Capacity::of(&guide(), KnownMemory::default()).bottlenecks;
        assert_eq!((cpu, memory, rate_limit_jobs_per_hour), (4, 32, Some(2_500)));
        assert_eq!(io, Span { least: 8.0, most: 16.0 });
        let small = Demand { cores: 1, memory: 1, rate_limit: None, ..guide() };
        let Bottlenecks { cpu, memory, rate_limit_jobs_per_hour, .. } =
            Capacity::of(&small, KnownMemory::default()).bottlenecks;
        assert_eq!((cpu, memory, rate_limit_jobs_per_hour), (1, 1, None));
    }

    #[test]
    fn after_a_rolling_deploy_all_is_warm_once_the_slots_have_gone_round() {
        let rollout = |slots, instances| {
            let demand = Demand { slots, instances: Some(instances), ..guide() };
            Capacity::of(&demand, KnownMemory::default()).rollout
        };
        // 500 jobs of 120 s, 24 at a time, after 45 s.
        let Rollout { jobs_at_once, started_seconds, warm_seconds } = rollout(24, 24);
        assert_eq!((jobs_at_once, started_seconds, warm_seconds), (24, 45.0, 2_545.0));
        assert_eq!(rollout(24, 3).jobs_at_once, 12, "the permits of the instances are fewer");
        assert_eq!(rollout(0, 24).jobs_at_once, 96, "without a limit");
    }
}
