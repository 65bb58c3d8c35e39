//! `warmer status`: the queue in five lines whose wording is a contract.

use serde_json::json;
use warmer_store::Status;

use super::reading;
use crate::args;
use crate::context::Context;
use crate::exit::Exit;
use crate::output;

/// Runs the command.
pub(crate) async fn run(context: &Context, arguments: args::Status) -> anyhow::Result<Exit> {
    let status = reading::open(context).await?.status().await?;
    if arguments.json {
        output::print_json(&machine(&status))?;
    } else {
        output::print(&text(&status))?;
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

/// To one decimal, and without it where it is zero: `12`, `0.3`.
fn rate(per_minute: f64) -> String {
    let text = format!("{per_minute:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

fn machine(status: &Status) -> serde_json::Value {
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
    fn an_empty_queue_has_no_oldest_job() {
        assert!(text(&Status::default()).contains("Oldest job: 0s\n"));
        assert!(machine(&Status::default())["oldest_job_seconds"].is_null());
    }
}
