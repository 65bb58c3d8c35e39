//! `warmer status`: the queue in five lines whose wording is a contract.

use std::fmt::Write as _;

use serde_json::json;
use warmer_store::{InstanceStatus, Status};

use super::reading;
use crate::args;
use crate::context::Context;
use crate::exit::Exit;
use crate::output::{self, printable};

/// Runs the command.
pub(crate) async fn run(context: &Context, arguments: args::Status) -> anyhow::Result<Exit> {
    let status = reading::open(context).await?.status().await?;
    // In SQLite only the process that holds slots knows of them.
    let slots_held = context.config.database.postgres_url().map(|_| status.slots_held);
    if arguments.json {
        output::print_json(&machine(&status, slots_held))?;
    } else {
        output::print(&(text(&status) + &instances(&status, slots_held)))?;
    }
    Ok(Exit::Done)
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
    }
    text
}

/// To one decimal, and without it where it is zero: `12`, `0.3`.
fn rate(per_minute: f64) -> String {
    let text = format!("{per_minute:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

fn machine(status: &Status, slots_held: Option<u64>) -> serde_json::Value {
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
        "slots": status.slots,
        "slots_held": slots_held,
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
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
        };
        let lines =
            format!("Slots held: 2 (24)\nInstance {}: 3 of 4 jobs, version 1.2.3, started 0s ago\n", instance.id.0);
        let status = Status { slots: 24, instances: vec![instance], ..Status::default() };
        assert_eq!(instances(&status, Some(2)), lines);
        assert_eq!(instances(&Status::default(), None), "");
    }

    #[test]
    fn an_empty_queue_has_no_oldest_job() {
        assert!(text(&Status::default()).contains("Oldest job: 0s\n"));
        assert!(machine(&Status::default(), None)["oldest_job_seconds"].is_null());
    }
}
