//! `warmer capacity`: how many slots and instances a demand needs, and what each takes. Figures that are not given are
//! those of the history, where there is one, else the guide's.

use std::fmt::Write as _;
use std::time::Duration;

use bytesize::ByteSize;
use serde::Serialize;
use warmer_query::{Capacity, Demand, KnownMemory, Measured, PerInstance, Span};
use warmer_store::{Role, StoreError};

use crate::args;
use crate::context::Context;
use crate::database;
use crate::exit::Exit;
use crate::output::{self, Style, counted, duration, printable_line};

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
    /// `given`, `configured` (by the repositories' own `refresh`), `measured` or `default`.
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
    // By a formula, and as an instance tells it.
    let embedders = context.settings().embedder.limits().workers;
    let estimated = context.machine.model.map(|_| context.machine.process(embedders));
    let capacity = Capacity::of(&demand, KnownMemory { estimated, measured: measured.memory });
    if arguments.json {
        output::print_json(&Report { assumed: &assumed, capacity: &capacity })?;
    } else {
        output::print(&text(&demand, &assumed, &capacity, Style::of_stdout(&context.environment)))?;
    }
    Ok(Exit::Done)
}

/// Where no database was ever made there is nothing measured, and nothing to tell of it; one that is there, or that was
/// named, and cannot be asked is told: what follows looks the same.
async fn measured(context: &Context) -> Measured {
    let error = match database::open_existing(context, Role::Reader).await {
        Ok(store) => {
            let measured = Measured::of(store.as_ref()).await;
            store.close().await;
            match measured {
                Ok(measured) => return measured,
                Err(error) => anyhow::Error::from(error),
            }
        }
        Err(error)
            if context.config.database.sqlite_file().is_none() && error.downcast_ref::<StoreError>().is_none() =>
        {
            return Measured::default();
        }
        Err(error) => error,
    };
    let why = format!("{error:#}");
    let why = printable_line(&why);
    output::note(&format!(
        "the database cannot be asked, so nothing is measured, and the figures are the guide's: {why}"
    ));
    Measured::default()
}

fn demand(context: &Context, given: &args::Capacity, measured: &Measured) -> (Demand, Vec<Figure>) {
    let mut assumed = Vec::new();
    let mut pick = |name, given: Option<f64>, known: Option<f64>, default: f64| {
        let (source, value) = match (given, known) {
            (Some(given), _) => ("given", given),
            (None, Some(known)) if name == "refresh_seconds" => ("configured", known),
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

fn text(demand: &Demand, assumed: &[Figure], capacity: &Capacity, style: Style) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "Assumed: {}", assumed.iter().map(told).collect::<Vec<_>>().join(", "));
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
    let _ = writeln!(text, "  Memory: {}", memory(each));
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
    text.lines().map(|line| laid(line, style)).collect()
}

/// What an instance takes, each figure with where it is from.
fn memory(each: &PerInstance) -> String {
    let estimated = each.memory_estimated_bytes.map(|bytes| (bytes, "estimated by the size of the model here"));
    let measured = each.memory_measured_bytes.map(|bytes| (bytes, "as measured, in the largest instance now"));
    let by_guide = Some((each.memory_bytes, "by the guide"));
    let known = [by_guide, estimated, measured].into_iter().flatten();
    known.map(|(bytes, what)| format!("{} {what}", size(bytes as f64))).collect::<Vec<_>>().join("; ")
}

/// A figure with its unit, and where it is from.
fn told(Figure { name, source, value }: &Figure) -> String {
    let figure = match *name {
        "repositories" => counted(*value as u64, "repository"),
        "refresh_seconds" => format!("each checked every {}", time(*value)),
        "job_seconds" => format!("{} for a job that finds something", time(*value)),
        "check_seconds" => format!("{} for a check that finds nothing", time(*value)),
        "changed" => format!("{} % of the checks find something", short(value * 100.0)),
        "slots" if *value == 0.0 => "slots without limit".to_owned(),
        "slots" => counted(*value as u64, "slot"),
        other => format!("{other} {}", short(*value)),
    };
    format!("{figure} ({source})")
}

/// Below a minute with what is behind the point: a check takes parts of a second.
fn time(seconds: f64) -> String {
    if seconds < 60.0 { format!("{}s", short(seconds)) } else { span(seconds) }
}

/// A line that fits, each part of it as far to the right as its beginning.
fn laid(line: &str, style: Style) -> String {
    let text = line.trim_start();
    style.wrapped(text, &line[..line.len() - text.len()])
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

    #[test]
    fn what_is_assumed_has_units_and_its_source() {
        let figure = |name, value| told(&Figure { name, source: "given", value });
        assert_eq!(figure("repositories", 1.0), "1 repository (given)");
        assert_eq!(figure("refresh_seconds", 900.0), "each checked every 15m (given)");
        assert_eq!(figure("job_seconds", 120.0), "2m for a job that finds something (given)");
        assert_eq!(figure("check_seconds", 0.25), "0.25s for a check that finds nothing (given)");
        assert_eq!(figure("changed", 0.05), "5 % of the checks find something (given)");
        assert_eq!([24.0, 0.0].map(|of| figure("slots", of)), ["24 slots (given)", "slots without limit (given)"]);
    }

    #[test]
    fn a_line_that_is_too_long_goes_on_below_its_beginning() {
        let style = Style { width: Some(20), coloured: false };
        assert_eq!(laid("  CPU: four to eight cores", style), "  CPU: four to eight\n  cores\n");
    }
}
