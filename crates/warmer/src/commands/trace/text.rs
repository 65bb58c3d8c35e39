//! A job's attempts as waterfalls: a bar for each stage from its first batch to its last, and what its time was.

use std::fmt::Write as _;
use std::time::Duration;

use warmer_query::{RunningAttempt, Trace, TracedAttempt, TracedStage, label};

use crate::output::{Colour, Style, ago, duration, printable, printable_line};

/// Columns of a bar: with names, times and what was waited for, a line fits in 80.
const BAR: usize = 24;

/// Batches and files that are listed.
const LISTED: usize = 5;

/// The attempts, one after the other.
pub(super) fn text(trace: &Trace, style: Style) -> String {
    let name = label(&trace.repository, trace.reference.as_deref());
    let mut text = format!("job {}  {}  {}\n", trace.job, trace.kind.as_str(), printable(&name));
    if trace.attempts.is_empty() && trace.running.is_none() {
        text.push_str("no attempt of it has ended yet; one that runs is told of within seconds\n");
    }
    for attempt in &trace.attempts {
        text.push('\n');
        text.push_str(&one(attempt, style));
    }
    if let Some(running) = &trace.running {
        text.push('\n');
        text.push_str(&goes_on(running, style));
    }
    text
}

fn goes_on(running: &RunningAttempt, style: Style) -> String {
    let (since, told) = (seconds(running.seconds), seconds(running.age_seconds));
    let mut text = format!("running for {since}, told {told} ago: {} of {} done\n", running.done, running.all);
    running.stages.iter().for_each(|stage| text.push_str(&line(stage, running.seconds, style)));
    text
}

fn line(stage: &TracedStage, whole: f64, style: Style) -> String {
    let took = seconds(stage.last_seconds - stage.first_seconds);
    let bar = style.paint(&bar(stage, whole), Colour::Green);
    format!("  {:<8} {bar} {took:>7}  {}\n", stage.stage, spent(stage))
}

fn one(attempt: &TracedAttempt, style: Style) -> String {
    let mut text = format!(
        "attempt {}  {} in {}, {}, after {} in the queue\n",
        attempt.attempt,
        attempt.outcome.as_str(),
        seconds(attempt.seconds),
        ago(attempt.ended_at),
        seconds(attempt.queued_seconds),
    );
    if let Some(error) = &attempt.error {
        let error = style.wrapped(&printable_line(error), "  ");
        let _ = writeln!(text, "{error}");
    }
    for stage in &attempt.stages {
        text.push_str(&line(stage, attempt.seconds, style));
    }
    let slowest = attempt.slowest.iter().filter(|_| attempt.stages.iter().any(|stage| stage.batches > 1));
    for (number, batch) in slowest.take(LISTED).enumerate() {
        let head = if number == 0 { "  slowest batches\n" } else { "" };
        let took = seconds(batch.last_seconds - batch.first_seconds);
        let at = seconds(batch.first_seconds);
        let _ = writeln!(text, "{head}    {:<8} at {at:>7} {took:>7}  {}", batch.stage, spent(batch));
    }
    for (number, file) in attempt.slow_files.iter().take(LISTED).enumerate() {
        let head = if number == 0 { "  slowest files\n" } else { "" };
        let _ = writeln!(text, "{head}    {:>7}  {}", seconds(file.seconds), printable_line(&file.path));
    }
    text
}

/// From the first batch to the last, within the attempt.
fn bar(stage: &TracedStage, whole: f64) -> String {
    let place = |at: f64| if whole > 0.0 { ((at / whole) * BAR as f64).clamp(0.0, BAR as f64) } else { 0.0 };
    let from = (place(stage.first_seconds).floor() as usize).min(BAR - 1);
    let to = (place(stage.last_seconds).ceil() as usize).clamp(from + 1, BAR);
    format!("{}{}{}", "·".repeat(from), "█".repeat(to - from), "·".repeat(BAR - to))
}

/// Work, and the three things that were waited for longest.
fn spent(stage: &TracedStage) -> String {
    let mut waits: Vec<_> = stage.waits.iter().filter(|(_, time)| **time >= 0.001).collect();
    waits.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let waits = waits.into_iter().take(3).map(|(what, time)| format!("{} {}", printable(spelt(what)), seconds(*time)));
    let work = format!("work {}", seconds(stage.work_seconds));
    std::iter::once(work).chain(waits).collect::<Vec<_>>().join(", ")
}

fn spelt(wait: &str) -> &str {
    match wait {
        "next_stage" => "next stage",
        "session" => "model",
        other => other,
    }
}

/// `850ms`, `12.3s`, `1m 4s`.
fn seconds(time: f64) -> String {
    match time {
        time if time < 1.0 => format!("{:.0}ms", time * 1e3),
        time if time < 60.0 => format!("{time:.1}s"),
        time => duration(Duration::try_from_secs_f64(time).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::SystemTime;

    use warmer_query::{Moment, TracedFile};
    use warmer_store::{AttemptOutcome, JobKind};

    use super::*;

    fn stage(name: &str, first: f64, last: f64) -> TracedStage {
        TracedStage {
            stage: name.to_owned(),
            first_seconds: first,
            last_seconds: last,
            work_seconds: (last - first) / 2.0,
            waits: BTreeMap::from([("next_stage".to_owned(), 1.0), ("mailbox".to_owned(), 0.0004)]),
            batches: 2,
            ..TracedStage::default()
        }
    }

    #[test]
    fn a_bar_stands_where_its_stage_worked_and_a_line_fits_the_terminal() {
        let attempt = TracedAttempt {
            attempt: 1,
            ended_at: Moment(SystemTime::now()),
            error: None,
            outcome: AttemptOutcome::Warmed,
            queued_seconds: 0.5,
            seconds: 12.0,
            slow_files: vec![TracedFile { path: "a\u{1b}[31m.rs".to_owned(), seconds: 0.2 }],
            slowest: vec![stage("hasher", 3.0, 12.0)],
            stages: vec![stage("fetcher", 0.0, 6.0), stage("hasher", 3.0, 12.0)],
            started_at: Moment(SystemTime::now()),
            traceparent: None,
        };
        let trace = Trace {
            attempts: vec![attempt],
            job: 7,
            kind: JobKind::Refresh,
            reference: None,
            repository: "https://h/app".to_owned(),
            running: None,
        };
        let text = text(&trace, Style::PLAIN);
        let expected = [
            "job 7  refresh  https://h/app HEAD",
            "  fetcher  ████████████············    6.0s  work 3.0s, next stage 1.0s",
            "  hasher   ······██████████████████    9.0s  work 4.5s, next stage 1.0s",
            "    hasher   at    3.0s    9.0s  work 4.5s, next stage 1.0s",
            "      200ms  a\\u{1b}[31m.rs",
        ];
        for line in expected {
            assert!(text.lines().any(|shown| shown == line), "{line:?} in\n{text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn an_attempt_of_no_time_has_bars_too() {
        assert_eq!(bar(&stage("fetcher", 0.0, 0.0), 0.0), format!("█{}", "·".repeat(BAR - 1)));
        assert_eq!(bar(&stage("fetcher", 9.0, 9.0), 3.0).chars().filter(|cell| *cell == '█').count(), 1);
    }
}
