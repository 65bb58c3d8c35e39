//! Jobs and attempts as people read them: two tables.

use std::time::{Duration, SystemTime};

use warmer_query::{Attempt, Job, Jobs, Moment, Shard, label};
use warmer_store::{AttemptOutcome, JobKind, JobState};

use crate::output::{Cell, Colour, Column, Style, Table, ago, duration, printable_line};

/// What is queued and running, then how the latest attempts ended; `failed`: what failed of it, within so long.
pub(super) fn text(jobs: &Jobs, failed: Option<Duration>, style: Style) -> String {
    let mut text = match (jobs.jobs.is_empty(), failed) {
        (false, _) => queue(&jobs.jobs, style),
        (true, None) => "no queued or running job to show\n".to_owned(),
        (true, Some(within)) => no_failed(jobs.attempts.is_empty(), within, style),
    };
    if !jobs.attempts.is_empty() {
        text.push('\n');
        text.push_str(&history(&jobs.attempts, style));
    }
    if jobs.checks_left_out {
        let left_out = "checks that found nothing new are left out: --all lists the latest of each repository";
        text.push('\n');
        text.push_str(&style.wrapped(left_out, ""));
    }
    text
}

/// No job is in the queue after an attempt that failed.
fn no_failed(no_attempts: bool, within: Duration, style: Style) -> String {
    let sentence = match no_attempts {
        true => format!("no failed attempt of the last {} to show, and no job that is tried again", duration(within)),
        false => "no job that is tried again to show".to_owned(),
    };
    style.wrapped(&sentence, "")
}

fn queue(jobs: &[Job], style: Style) -> String {
    let columns = [
        Column::right("JOB"),
        Column::left("KIND"),
        Column::left("STATE"),
        Column::left("SINCE"),
        Column::right("ATTEMPT"),
        Column::name("REPOSITORY"),
    ];
    let mut table = Table::new(style, columns);
    for job in jobs {
        let colour = if job.state == JobState::Running { Colour::Green } else { Colour::Plain };
        let state = Cell::new(job.state.as_str(), colour);
        let repository = label(&job.repository, job.reference.as_deref());
        let (id, attempt) = (job.id.to_string(), job.attempt.to_string());
        let cells = [id.into(), kind(job).into(), state, when(job).into(), attempt.into(), repository.into()];
        let error = job.last_error.as_deref().map(|error| format!("the attempt before: {}", printable_line(error)));
        let refusals = job.refusals.iter().map(|refusal| {
            format!("refused by instance {} {}: {}", refusal.instance, ago(refusal.at), printable_line(&refusal.reason))
        });
        table.row(cells, marks(job).into_iter().chain(error).chain(refusals));
    }
    table.text()
}

fn history(attempts: &[Attempt], style: Style) -> String {
    let columns = [
        Column::right("JOB"),
        Column::left("KIND"),
        Column::right("ATTEMPT"),
        Column::left("OUTCOME"),
        Column::left("ENDED"),
        Column::right("TOOK"),
        Column::name("REPOSITORY"),
    ];
    let mut table = Table::new(style, columns);
    for attempt in attempts {
        let cells = [
            attempt.job.to_string().into(),
            attempt.kind.as_str().into(),
            attempt.attempt.to_string().into(),
            Cell::new(attempt.outcome.as_str(), colour(attempt.outcome)),
            ago(attempt.ended_at).into(),
            duration(between(attempt.started_at, attempt.ended_at)).into(),
            label(&attempt.repository, attempt.reference.as_deref()).into(),
        ];
        table.row(cells, attempt.error.as_deref().map(|error| printable_line(error).into_owned()));
    }
    table.text()
}

/// Good, bad, or neither.
fn colour(outcome: AttemptOutcome) -> Colour {
    match outcome {
        AttemptOutcome::Warmed | AttemptOutcome::Fresh | AttemptOutcome::Filled => Colour::Green,
        AttemptOutcome::Retry
        | AttemptOutcome::Stuck
        | AttemptOutcome::Dead
        | AttemptOutcome::Lost
        | AttemptOutcome::Crashed => Colour::Red,
        _ => Colour::Yellow,
    }
}

/// `refresh`, `fill new`, `fill bulk`; where a fill is one of several parts, which: `fill bulk 3/64`.
fn kind(job: &Job) -> String {
    let lane = job.lane.map(|lane| format!(" {lane}")).unwrap_or_default();
    let part = job.shard.map(|Shard { first, last }| {
        let width = u32::from(last.saturating_sub(first)) + 1;
        (u32::from(first) / width + 1, 256 / width)
    });
    let part = part.filter(|(_, parts)| *parts > 1).map(|(part, parts)| format!(" {part}/{parts}"));
    format!("{}{lane}{}", job.kind, part.unwrap_or_default())
}

/// How long it has been running or due, or until it is due.
fn when(job: &Job) -> String {
    let now = Moment(SystemTime::now());
    match (job.state, job.claimed_at) {
        (JobState::Running, Some(claimed)) => duration(between(claimed, now)),
        (JobState::Running, None) => String::new(),
        (JobState::Queued, _) if job.run_at > now => format!("due in {}", duration(between(now, job.run_at))),
        (JobState::Queued, _) => format!("due {}", ago(job.run_at)),
    }
}

/// A job keeps what it is: only one that could be taken now waits for a slot.
fn marks(job: &Job) -> Option<String> {
    let is_due = job.state == JobState::Queued && job.run_at.0 <= SystemTime::now();
    let waits = job.heavy && job.kind == JobKind::Refresh && is_due;
    let marks = [
        (job.full, "checks everything again"),
        (waits, "waits for a slot"),
        (job.rescued, "goes first: its instance died"),
        (job.suspect, "runs in a process of its own"),
    ];
    let marks: Vec<_> = marks.into_iter().filter(|(set, _)| *set).map(|(_, mark)| mark).collect();
    (!marks.is_empty()).then(|| marks.join("; "))
}

fn between(from: Moment, to: Moment) -> Duration {
    to.0.duration_since(from.0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use warmer_store::Lane;

    use super::*;

    fn job(state: JobState, run_at: SystemTime) -> Job {
        Job {
            attempt: 1,
            child_deaths: 0,
            claimed_at: None,
            crashes: 0,
            enqueued_at: Moment(run_at),
            full: false,
            generation: None,
            heavy: true,
            id: 1,
            instance: None,
            kind: JobKind::Refresh,
            lane: None,
            last_error: None,
            merged: 0,
            rank: 0,
            reference: Some("a\u{1b}[31m\u{61c}b".to_owned()),
            refusals: vec![],
            repository: "https://h/app".to_owned(),
            rescued: false,
            run_at: Moment(run_at),
            shard: None,
            state,
            suspect: false,
        }
    }

    #[test]
    fn only_a_job_that_could_be_taken_now_waits_for_a_slot() {
        let (now, later) = (SystemTime::now(), SystemTime::now() + Duration::from_secs(60));
        assert_eq!(marks(&job(JobState::Queued, now)).as_deref(), Some("waits for a slot"));
        assert_eq!(marks(&job(JobState::Queued, later)), None, "it waits for its time");
        assert_eq!(marks(&job(JobState::Running, now)), None, "it has one");
        let bulk = Job { kind: JobKind::Fill, ..job(JobState::Queued, now) };
        assert_eq!(marks(&bulk), None, "a fill needs none");
    }

    #[test]
    fn fills_of_one_repository_are_told_apart_within_80_columns() {
        let fill = |lane, first, last| Job {
            kind: JobKind::Fill,
            lane: Some(lane),
            shard: Some(Shard { first, last }),
            repository: "https://git.example.com/a-team/an-application-with-a-name".to_owned(),
            ..job(JobState::Running, SystemTime::now())
        };
        let fills = [fill(Lane::New, 0, 255), fill(Lane::Bulk, 0, 127), fill(Lane::Bulk, 252, 255)];
        let kinds =
            [kind(&fills[0]), kind(&fills[1]), kind(&fills[2]), kind(&job(JobState::Queued, SystemTime::now()))];
        assert_eq!(kinds, ["fill new", "fill bulk 1/2", "fill bulk 64/64", "refresh"]);
        let text = queue(&fills, Style { width: Some(80), coloured: false });
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn what_a_remote_named_is_listed_escaped() {
        let running = vec![job(JobState::Running, SystemTime::now())];
        let jobs = Jobs { attempts: vec![], checks_left_out: false, jobs: running };
        let text = text(&jobs, None, Style::PLAIN);
        assert!(text.contains("https://h/app a\\u{1b}[31m\\u{61c}b"), "{text}");
    }

    #[test]
    fn where_nothing_failed_it_is_said_within_which_time() {
        let none = Jobs { attempts: vec![], checks_left_out: false, jobs: vec![] };
        let failed = |within| text(&none, Some(Duration::from_secs(within)), Style::PLAIN);
        assert_eq!(failed(7_200), "no failed attempt of the last 2h to show, and no job that is tried again\n");
        assert_eq!(text(&none, None, Style::PLAIN), "no queued or running job to show\n");
    }

    #[test]
    fn an_error_stands_below_its_job_and_fits_the_terminal() {
        let failed =
            Job { last_error: Some("no route to the host ".repeat(9)), ..job(JobState::Queued, SystemTime::now()) };
        let jobs = Jobs { attempts: vec![], checks_left_out: true, jobs: vec![failed] };
        let text = text(&jobs, None, Style { width: Some(80), coloured: false });
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("\n    the attempt before: no route to the host"), "{text}");
    }
}
