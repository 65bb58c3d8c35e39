//! `warmer status`: the queue in five lines whose wording is a contract.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;
use warmer_store::{Difference, Fleet, InstanceStatus, Status};

use super::reading;
use crate::args;
use crate::context::Context;
use crate::exit::Exit;
use crate::output::{self, counted, printable};

/// Runs the command.
pub(crate) async fn run(context: &Context, arguments: args::Status) -> anyhow::Result<Exit> {
    let store = reading::open(context).await?;
    let status = store.status().await?;
    // Where nobody shares the queue only the process that holds slots knows of them.
    let slots_held = store.is_shared().then_some(status.slots_held);
    let problems = problems(&status, arguments.overdue_max);
    if arguments.json {
        output::print_json(&machine(&status, slots_held, &problems))?;
    } else {
        output::print(&(text(&status) + &overdue(&status) + &instances(&status, slots_held)))?;
    }
    if !arguments.check {
        return Ok(Exit::Done);
    }
    problems.iter().for_each(|problem| output::note(&format!("check: {problem}")));
    Ok(if problems.is_empty() { Exit::Done } else { Exit::Failed })
}

/// What somebody should be called for. Repositories that are dead or stale are none: they are tried on by themselves, and
/// their answers say so; of 10,000 repositories there are always some.
fn problems(status: &Status, overdue_max: Duration) -> Vec<String> {
    let (jobs, repositories) = (counted(status.queue_depth, "job"), counted(status.overdue, "repository"));
    let nobody = status.daemons == 0 && status.queue_depth + status.overdue > 0;
    let late = |age: Option<Duration>| age.filter(|age| *age > overdue_max).map(output::duration);
    let nobody = nobody.then(|| {
        format!("{jobs} and {repositories} are due, and no instance that takes any job is alive: start `warmer run`")
    });
    let job = late(status.oldest_job).map(|age| format!("the oldest of {jobs} has been due for {age}"));
    let check =
        late(status.oldest_overdue).map(|age| format!("the first of {repositories} has been overdue for {age}"));
    let quarantined = (status.quarantined > 0).then(|| {
        let repositories = counted(status.quarantined, "repository");
        format!("{repositories} in quarantine: `warmer repos list` says why, `warmer jobs retry` tries again")
    });
    [nobody, job, check, quarantined].into_iter().flatten().collect()
}

/// Told only where it is so: the five lines above look the same with nobody at work as with nothing to do.
fn overdue(status: &Status) -> String {
    match status.oldest_overdue {
        Some(age) => {
            format!("Overdue: {}, the first for {}\n", counted(status.overdue, "repository"), output::duration(age))
        }
        None => String::new(),
    }
}

fn text(status: &Status) -> String {
    format!(
        "Queue depth: {} pending jobs\nOldest job: {}\nActive workers: {} ({} total slots)\nCompletion rate: {} jobs/min\n\
         Error rate: {} jobs/min\n",
        status.queue_depth,
        output::duration(status.oldest_job.unwrap_or_default()),
        status.active_workers,
        status.total_slots,
        rate(status.completed_per_min),
        rate(status.failed_per_min),
    )
}

/// Who is at work, below the five lines.
fn instances(status: &Status, slots_held: Option<u64>) -> String {
    let mut text = String::new();
    if let Some(held) = slots_held {
        let most = if status.slots == 0 { "no limit".to_owned() } else { status.slots.to_string() };
        let _ = writeln!(text, "Slots held: {held} ({most})");
    }
    for instance in &status.instances {
        let InstanceStatus { id, capacity, running, .. } = instance;
        let (version, since) = (printable(&instance.version), output::ago(instance.started_at));
        let _ = writeln!(text, "Instance {}: {running} of {capacity} jobs, version {version}, started {since}", id.0);
        for Difference { key, here, fleet } in &instance.differs {
            let (key, here, fleet) = (printable(key), printable(here), printable(fleet));
            let _ = writeln!(text, "  differs from the fleet in {key}: {here}, the fleet has {fleet}");
        }
    }
    if let Some(fleet) = status.fleet.as_ref().filter(|_| status.instances.iter().any(|one| !one.differs.is_empty())) {
        let (version, since) = (printable(&fleet.version), output::ago(fleet.set_at));
        let _ = writeln!(
            text,
            "The fleet's configuration was set by instance {}, version {version}, {since}",
            fleet.set_by.0
        );
    }
    text
}

/// To one decimal, and without it where it is zero: `12`, `0.3`.
fn rate(per_minute: f64) -> String {
    let text = format!("{per_minute:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

fn machine(status: &Status, slots_held: Option<u64>, problems: &[String]) -> serde_json::Value {
    json!({
        "queue_depth": status.queue_depth,
        "oldest_job_seconds": status.oldest_job.map(|age| age.as_secs_f64()),
        "active_workers": status.active_workers,
        "total_slots": status.total_slots,
        "completed_per_min": status.completed_per_min,
        "failed_per_min": status.failed_per_min,
        "running": status.running,
        "delayed": status.delayed,
        "repositories": status.repositories,
        "dead": status.dead,
        "quarantined": status.quarantined,
        "stale": status.stale,
        "overdue": status.overdue,
        "oldest_overdue_seconds": status.oldest_overdue.map(|age| age.as_secs_f64()),
        "daemons": status.daemons,
        "problems": problems,
        "slots": status.slots,
        "slots_held": slots_held,
        "fleet": status.fleet.as_ref().map(machine_fleet),
        "instances": status.instances.iter().map(machine_instance).collect::<Vec<_>>(),
    })
}

fn machine_instance(instance: &InstanceStatus) -> serde_json::Value {
    json!({
        "id": instance.id.0,
        "version": instance.version,
        "capacity": instance.capacity,
        "running": instance.running,
        "started_at": output::timestamp(instance.started_at),
        "seen_at": output::timestamp(instance.seen_at),
        "differs": instance.differs.iter().map(machine_difference).collect::<Vec<_>>(),
    })
}

fn machine_difference(Difference { key, here, fleet }: &Difference) -> serde_json::Value {
    json!({ "key": key, "here": here, "fleet": fleet })
}

fn machine_fleet(fleet: &Fleet) -> serde_json::Value {
    json!({
        "digest": fleet.configuration.digest(),
        "slots": fleet.configuration.slots,
        "configuration": fleet.configuration.keys,
        "set_by": fleet.set_by.0,
        "version": fleet.version,
        "set_at": output::timestamp(fleet.set_at),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_five_lines_are_in_the_wording_of_the_contract() {
        let status = Status {
            queue_depth: 47,
            oldest_job: Some(Duration::from_secs(202)),
            active_workers: 3,
            total_slots: 24,
            completed_per_min: 12.0,
            failed_per_min: 0.3,
            ..Status::default()
        };
        let expected = "Queue depth: 47 pending jobs\nOldest job: 3m 22s\nActive workers: 3 (24 total slots)\n\
                        Completion rate: 12 jobs/min\nError rate: 0.3 jobs/min\n";
        assert_eq!(text(&status), expected);
    }

    #[test]
    fn the_instances_and_the_slots_they_share_come_below() {
        let instance = InstanceStatus {
            id: warmer_store::InstanceId::random(),
            started_at: std::time::SystemTime::now(),
            seen_at: std::time::SystemTime::now(),
            capacity: 4,
            version: "1.2.3".to_owned(),
            running: 3,
            differs: vec![Difference { key: "content.generated".into(), here: "true".into(), fleet: "false".into() }],
        };
        let lines = format!(
            "Slots held: 2 (24)\nInstance {}: 3 of 4 jobs, version 1.2.3, started 0s ago\n  \
             differs from the fleet in content.generated: true, the fleet has false\n",
            instance.id.0
        );
        let status = Status { slots: 24, instances: vec![instance], ..Status::default() };
        assert_eq!(instances(&status, Some(2)), lines);
        assert_eq!(instances(&Status::default(), None), "");
    }

    #[test]
    fn a_fleet_that_stands_still_is_a_problem_and_one_that_rests_is_none() {
        let (minute, bound) = (Duration::from_secs(60), Duration::from_secs(900));
        let idle = Status { active_workers: 1, daemons: 1, repositories: 500, dead: 3, ..Status::default() };
        assert_eq!(problems(&idle, bound), Vec::<String>::new());
        assert_eq!(problems(&Status { daemons: 0, ..idle.clone() }, bound), Vec::<String>::new(), "nothing is due");
        let stopped = Status { daemons: 0, overdue: 500, oldest_overdue: Some(minute), ..idle.clone() };
        let [why] = &problems(&stopped, bound)[..] else { panic!("one reason") };
        assert!(why.starts_with("0 jobs and 500 repositories are due, and no instance"), "{why}");
        assert_eq!(overdue(&stopped), "Overdue: 500 repositories, the first for 1m\n");
        let slow = Status { overdue: 1, oldest_overdue: Some(16 * minute), quarantined: 1, ..idle };
        let told = problems(&slow, bound);
        assert_eq!(told[0], "the first of 1 repository has been overdue for 16m");
        assert!(told[1].starts_with("1 repository in quarantine: "), "{told:?}");
    }

    #[test]
    fn an_empty_queue_has_no_oldest_job() {
        assert!(text(&Status::default()).contains("Oldest job: 0s\n"));
        assert!(machine(&Status::default(), None, &[])["oldest_job_seconds"].is_null());
    }
}
