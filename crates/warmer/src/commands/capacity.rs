//! `warmer capacity`: how many slots and instances a demand needs, and what each takes. Figures that are not given are
//! those of the history, where there is one, else the guide's.

use std::fmt::Write as _;
use std::time::Duration;

use bytesize::ByteSize;
use serde::Serialize;
use warmer_query::{Capacity, Demand, Measured, Span};
use warmer_store::Role;

use crate::args;
use crate::context::Context;
use crate::database;
use crate::exit::Exit;
use crate::output::{self, duration};

/// The guide's example, where nothing else is known.
const REPOSITORIES: u64 = 500;
const REFRESH: Duration = Duration::from_mins(15);
const JOB: Duration = Duration::from_secs(120);
/// One listing of refs.
const CHECK: Duration = Duration::from_secs(2);

/// A figure that all is computed from.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Figure {
    name: &'static str,
    /// `given`, `measured` or `default`.
    source: &'static str,
    value: f64,
}

#[derive(Serialize)]
struct Report<'a> {
    assumed: &'a [Figure],
    #[serde(flatten)]
    capacity: &'a Capacity,
}

/// Runs the command.
pub(crate) async fn run(context: &Context, arguments: args::Capacity) -> anyhow::Result<Exit> {
    let measured = measured(context).await;
    let (demand, assumed) = demand(context, &arguments, &measured);
    // What the sessions of this model take, and the process around them.
    let embedders = context.settings().embedder.limits().workers;
    let capacity = Capacity::of(&demand, context.machine.model.map(|_| context.machine.process(embedders)));
    if arguments.json {
        output::print_json(&Report { assumed: &assumed, capacity: &capacity })?;
    } else {
        output::print(&text(&demand, &assumed, &capacity))?;
    }
    Ok(Exit::Done)
}

/// Without a database, or one that answers, there is nothing measured.
async fn measured(context: &Context) -> Measured {
    let Ok(store) = database::open_existing(context, Role::Reader).await else { return Measured::default() };
    let measured = Measured::of(store.as_ref()).await;
    store.close().await;
    measured.unwrap_or_else(|error| {
        tracing::warn!("the history cannot be read, and counts for nothing: {error}");
        Measured::default()
    })
}

fn demand(context: &Context, given: &args::Capacity, measured: &Measured) -> (Demand, Vec<Figure>) {
    let mut assumed = Vec::new();
    let mut pick = |name, given: Option<f64>, measured: Option<f64>, default: f64| {
        let (source, value) = match (given, measured) {
            (Some(given), _) => ("given", given),
            (None, Some(measured)) => ("measured", measured),
            (None, None) => ("default", default),
        };
        assumed.push(Figure { name, source, value });
        value
    };
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
    let number = |count: Option<u64>| count.map(|count| count as f64);
    let config = &context.config;
    let repositories =
        pick("repositories", number(given.repositories), number(measured.repositories), REPOSITORIES as f64);
    let refresh = pick("refresh_seconds", seconds(given.refresh), seconds(measured.refresh), REFRESH.as_secs_f64());
    let job = pick("job_seconds", seconds(given.job_seconds), seconds(measured.job), JOB.as_secs_f64());
    let check = pick("check_seconds", seconds(given.check_seconds), seconds(measured.check), CHECK.as_secs_f64());
    let changed = pick("changed", given.changed, measured.changed, 1.0);
    let slots = pick("slots", given.slots.map(f64::from), measured.slots.map(f64::from), config.claimer.slots.into());
    let time = |seconds| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    let concurrency = u32::try_from(config.claimer.concurrency).unwrap_or(u32::MAX);
    let cores = u32::try_from(context.machine.cores).unwrap_or(u32::MAX);
    let demand = Demand {
        repositories: repositories as u64,
        refresh: time(refresh),
        job: time(job),
        check: time(check),
        changed,
        concurrency: given.concurrency.unwrap_or(concurrency),
        cores: given.cores.unwrap_or(cores),
        memory: given.memory.map_or(context.machine.memory.unwrap_or(0), |memory| memory.as_u64()),
        instances: given.instances,
        slots: slots as u32,
        rate_limit: given.rate_limit,
        requests: given.requests_per_job,
        pool: config.database.pool,
        mirrors: config.git.mirrors_size_max,
        start: config.claimer.start_delay + config.claimer.start_jitter,
    };
    (demand, assumed)
}

fn text(demand: &Demand, assumed: &[Figure], capacity: &Capacity) -> String {
    let mut text = String::new();
    let figures = assumed.iter().map(|Figure { name, source, value }| format!("{name} {} ({source})", short(*value)));
    let _ = writeln!(text, "Assumed: {}", figures.collect::<Vec<_>>().join(", "));
    let Capacity { busy_slots, slots_needed, utilisation, jobs_per_hour, instances, connections, .. } = capacity;
    let jobs = short(*jobs_per_hour);
    let _ = writeln!(text, "Busy slots: {busy_slots:.1} on the average ({jobs} jobs an hour, by Little's law)");
    let in_force = match demand.slots {
        0 => "there is no limit".to_owned(),
        slots if f64::from(slots) < *busy_slots => format!("{slots} are in force, and the queue grows without end"),
        slots if f64::from(slots) < *slots_needed => format!("{slots} are in force, which is tight"),
        slots => format!("{slots} are in force, which is enough"),
    };
    let percent = utilisation * 100.0;
    let _ = writeln!(text, "Slots: {slots_needed:.1}, so that {percent:.0} % are busy; {in_force}");
    let fewest = if demand.instances.is_some() { "named" } else { "needed" };
    let _ = writeln!(text, "Instances: {instances} {fewest}, of {} jobs at the same time each", demand.concurrency);
    let each = &capacity.per_instance;
    let _ = writeln!(text, "Each instance:");
    let (least, most) = (each.cores.least, each.cores.most);
    let _ =
        writeln!(text, "  CPU: {least} to {most} cores; {} or more where it makes the vectors", each.cores_embedding);
    let measured =
        each.memory_measured_bytes.map(|bytes| format!("; {} as the model here was measured", size(bytes as f64)));
    let _ = writeln!(text, "  Memory: {} by the guide{}", size(each.memory_bytes as f64), measured.unwrap_or_default());
    let mirrors = size(each.disk_mirrors_bytes as f64);
    let _ = writeln!(text, "  Disk: {}, of which {mirrors} are for mirrors", size(each.disk_bytes as f64));
    let _ = writeln!(text, "  Connections to the database: {}; of all instances {connections}", each.connections);
    let traffic = &capacity.traffic_per_hour;
    let (fetched, stored) = (sizes(traffic.fetched_bytes), sizes(traffic.stored_bytes));
    let _ = writeln!(text, "Network, an hour: {fetched} from the remotes, {stored} to the database");
    let limits = &capacity.bottlenecks;
    let _ = writeln!(text, "Jobs of one instance at the same time, by what holds them up:");
    let _ = writeln!(text, "  CPU: {} (half of {} cores)", limits.cpu, demand.cores);
    let _ = writeln!(text, "  Memory: {} (one for each 512 MiB of {})", limits.memory, size(demand.memory as f64));
    let _ = writeln!(text, "  Waiting for networks and databases: {} to {}", limits.io.least, limits.io.most);
    match limits.rate_limit_jobs_per_hour {
        Some(jobs) => {
            let enough = if jobs as f64 >= capacity.jobs_per_hour { "enough" } else { "too few" };
            let _ = writeln!(text, "  The host's rate limit: {jobs} jobs an hour, which is {enough}");
        }
        None => text.push_str("  The host's rate limit: not named (--rate-limit)\n"),
    }
    let rollout = &capacity.rollout;
    let (started, warm) = (span(rollout.started_seconds), span(rollout.warm_seconds));
    let _ = writeln!(
        text,
        "After a rolling deploy: the last instance takes its first job {started} after its start, and all is warm \
         {warm} after, {} jobs at a time",
        rollout.jobs_at_once
    );
    text
}

fn span(seconds: f64) -> String {
    duration(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

fn size(bytes: f64) -> String {
    ByteSize(bytes as u64).display().iec().to_string()
}

fn sizes(span: Span) -> String {
    format!("{} to {}", size(span.least), size(span.most))
}

/// A number with as many digits as it needs, up to two behind the point.
fn short(number: f64) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_no_more_digits_than_they_need() {
        assert_eq!([500.0, 0.05, 66.666, 0.0].map(short), ["500", "0.05", "66.67", "0"]);
    }
}
