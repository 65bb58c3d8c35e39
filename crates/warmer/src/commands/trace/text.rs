//! A job's attempts as waterfalls: a bar for each stage from its first batch to its last, and what its time was.

use std::fmt::Write as _;
use std::time::Duration;

use warmer_query::{RunningAttempt, Trace, TracedAttempt, TracedStage, label};
use warmer_store::AttemptOutcome;

use crate::output::{Colour, Style, ago, duration, printable, printable_line};

/// Columns of a line, in the narrowest terminal that people have.
const WIDTH: usize = 80;

/// Columns of a bar: with the names and times beside it, it leaves room for work and the longest wait.
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
    text.push_str(&stages(&running.stages, running.seconds, style));
    text
}

fn line(stage: &TracedStage, whole: f64, style: Style) -> String {
    let took = seconds(stage.last_seconds - stage.first_seconds);
    let (before, behind) = (format!("  {:<8} ", stage.stage), format!(" {took:>7}  "));
    let room = WIDTH.saturating_sub(columns(&before) + BAR + columns(&behind));
    let bar = style.paint(&bar(stage, whole), Colour::Green);
    format!("{before}{bar}{behind}{}\n", spent(stage, room))
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
        text.push_str(&style.wrapped(&printable_line(error), "  "));
    }
    if let Some(wait) = attempt.slot_wait_seconds {
        let _ = writeln!(text, "  in the queue it waited {} for a slot", seconds(wait));
    }
    text.push_str(&told(attempt));
    text.push_str(&stages(&attempt.stages, attempt.seconds, style));
    if attempt.stages.iter().any(|stage| stage.batches > 1) {
        text.push_str(&head("batches", attempt.slowest.len()));
        for batch in attempt.slowest.iter().take(LISTED) {
            let (at, took) = (seconds(batch.first_seconds), seconds(batch.last_seconds - batch.first_seconds));
            let before = format!("    {:<8} at {at:>7} {took:>7}  ", batch.stage);
            let _ = writeln!(text, "{before}{}", spent(batch, WIDTH.saturating_sub(columns(&before))));
        }
    }
    text.push_str(&head("files", attempt.slow_files.len()));
    for file in attempt.slow_files.iter().take(LISTED) {
        let _ = writeln!(text, "    {:>7}  {}", seconds(file.seconds), printable_line(&file.path));
    }
    text
}

/// What is not known of its stages.
fn told(attempt: &TracedAttempt) -> String {
    match (attempt.told_seconds, attempt.stages.is_empty()) {
        (Some(told), false) => format!("  as its process told {} after the claim, before it died\n", seconds(told)),
        (None, false) => String::new(),
        _ if attempt.outcome == AttemptOutcome::Crashed => "  its process died before it told of a stage\n".to_owned(),
        _ => "  no stage is told of\n".to_owned(),
    }
}

/// A line for each; where their waits are more than there was time, that is said.
fn stages(stages: &[TracedStage], whole: f64, style: Style) -> String {
    let mut text: String = stages.iter().map(|stage| line(stage, whole, style)).collect();
    // Each of the three is a whole number of microseconds.
    let lasted = |stage: &TracedStage| stage.last_seconds - stage.first_seconds + 0.000_003;
    if stages.iter().any(|stage| stage.waits.values().any(|wait| *wait > lasted(stage))) {
        text.push_str("  waits are summed over the batches of a stage, which wait at the same time\n");
    }
    text
}

/// Above so many of the slowest, of which [`LISTED`] are shown.
fn head(what: &str, slowest: usize) -> String {
    match slowest {
        0 => String::new(),
        1..=LISTED => format!("  slowest {what}\n"),
        _ => format!("  the {LISTED} slowest {what}; --json has {slowest}\n"),
    }
}

/// From the first batch to the last, within the attempt.
fn bar(stage: &TracedStage, whole: f64) -> String {
    let place = |at: f64| if whole > 0.0 { ((at / whole) * BAR as f64).clamp(0.0, BAR as f64) } else { 0.0 };
    let from = (place(stage.first_seconds).floor() as usize).min(BAR - 1);
    let to = (place(stage.last_seconds).ceil() as usize).clamp(from + 1, BAR);
    format!("{}{}{}", "·".repeat(from), "█".repeat(to - from), "·".repeat(BAR - to))
}

/// Work, and of the three things that were waited for longest as many as fit into so many columns; the first does.
fn spent(stage: &TracedStage, room: usize) -> String {
    let mut waits: Vec<_> = stage.waits.iter().filter(|(_, time)| **time >= 0.001).collect();
    waits.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let mut spent = format!("work {}", seconds(stage.work_seconds));
    for (what, time) in waits.into_iter().take(3) {
        let wait = format!(", {} {}", printable(what).replace('_', " "), seconds(*time));
        if columns(&spent) + columns(&wait) > room {
            break;
        }
        spent.push_str(&wait);
    }
    spent
}

fn columns(text: &str) -> usize {
    text.chars().count()
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
    use warmer_store::JobKind;

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

    fn attempt() -> TracedAttempt {
        TracedAttempt {
            attempt: 1,
            ended_at: Moment(SystemTime::now()),
            error: None,
            outcome: AttemptOutcome::Warmed,
            queued_seconds: 0.5,
            seconds: 12.0,
            slot_wait_seconds: None,
            slow_files: vec![TracedFile { path: "a\u{1b}[31m.rs".to_owned(), seconds: 0.2 }],
            slowest: vec![stage("hasher", 3.0, 12.0)],
            stages: vec![stage("fetcher", 0.0, 6.0), stage("hasher", 3.0, 12.0)],
            started_at: Moment(SystemTime::now()),
            told_seconds: None,
            traceparent: None,
        }
    }

    /// What is shown of an attempt; no line is wider than a terminal.
    fn shown(attempt: TracedAttempt) -> String {
        let trace = Trace {
            attempts: vec![attempt],
            job: 7,
            kind: JobKind::Refresh,
            reference: None,
            repository: "https://h/app".to_owned(),
            running: None,
        };
        let text = text(&trace, Style::PLAIN);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        text
    }

    #[test]
    fn the_stages_follow_the_error_without_a_gap() {
        let error = Some("no route to the host ".repeat(9).trim_end().to_owned());
        let trace = Trace {
            attempts: vec![TracedAttempt { error, ..attempt() }],
            job: 7,
            kind: JobKind::Refresh,
            reference: None,
            repository: "https://h/app".to_owned(),
            running: None,
        };
        let text = text(&trace, Style { width: Some(80), coloured: false });
        assert!(text.contains("no route to the host\n  fetcher "), "{text}");
    }

    #[test]
    fn a_bar_stands_where_its_stage_worked() {
        let text = shown(attempt());
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
        assert!(!text.contains("summed") && !text.contains("--json"), "{text}");
    }

    #[test]
    fn a_line_has_the_waits_that_fit_by_their_names_and_says_that_they_are_summed() {
        let waits = [("session", 558.0), ("next_stage", 131.0), ("mailbox", 1.0)];
        let waits: BTreeMap<_, _> = waits.map(|(what, time)| (what.to_owned(), time)).into();
        let embedder = TracedStage { waits, work_seconds: 41.25, ..stage("embedder", 1.5, 43.9) };
        let slowest = vec![embedder.clone(); LISTED + 3];
        let text = shown(TracedAttempt { seconds: 44.0, slowest, stages: vec![embedder], ..attempt() });
        for line in [
            "  embedder ████████████████████████   42.4s  work 41.2s, session 9m 18s",
            "  waits are summed over the batches of a stage, which wait at the same time",
            "  the 5 slowest batches; --json has 8",
            "    embedder at    1.5s   42.4s  work 41.2s, session 9m 18s, next stage 2m 11s",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line:?} in\n{text}");
        }
        assert_eq!(text.matches("    embedder at ").count(), LISTED, "{text}");
    }

    #[test]
    fn what_an_attempt_waited_for_and_what_is_not_known_of_its_stages_is_said() {
        let crashed = || TracedAttempt { outcome: AttemptOutcome::Crashed, ..attempt() };
        for (attempt, said) in [
            (
                TracedAttempt { told_seconds: Some(9.0), ..crashed() },
                "  as its process told 9.0s after the claim, before it died",
            ),
            (TracedAttempt { stages: vec![], ..crashed() }, "  its process died before it told of a stage"),
            (TracedAttempt { stages: vec![], ..attempt() }, "  no stage is told of"),
            (
                TracedAttempt { slot_wait_seconds: Some(90.0), ..attempt() },
                "  in the queue it waited 1m 30s for a slot",
            ),
        ] {
            let text = shown(attempt);
            assert!(text.lines().any(|line| line == said), "{said:?} in\n{text}");
        }
        let text = shown(attempt());
        assert!(!text.contains("told"), "{text}");
    }

    #[test]
    fn an_attempt_of_no_time_has_bars_too() {
        assert_eq!(bar(&stage("fetcher", 0.0, 0.0), 0.0), format!("█{}", "·".repeat(BAR - 1)));
        assert_eq!(bar(&stage("fetcher", 9.0, 9.0), 3.0).chars().filter(|cell| *cell == '█').count(), 1);
    }
}
