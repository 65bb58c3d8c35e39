//! The jobs that an instance runs: a line for each.

use std::time::Duration;

use warmer_query::{Figures, RunningJob};

use crate::output::{duration, printable};

/// Jobs that are shown of an instance, those that have run longest.
const JOBS: usize = 5;

/// A line for each job, and one that counts the others.
pub(super) fn lines(figures: &Figures) -> Vec<String> {
    let mut lines: Vec<_> = figures.jobs.iter().take(JOBS).map(line).collect();
    // Of very many the instance tells only some.
    let running = figures.kinds.values().map(|kind| kind.running).sum::<u64>().max(figures.jobs.len() as u64);
    let more = running.saturating_sub(lines.len() as u64);
    if more > 0 && !lines.is_empty() {
        lines.push(format!("and {more} more"));
    }
    lines
}

/// What it is, how far, how fast, and how long it takes yet: as much of that as is known.
fn line(job: &RunningJob) -> String {
    let percent = job.percent.map(|percent| format!("{percent:.0} %"));
    let rate = job.per_second.map(|rate| if rate < 10.0 { format!("{rate:.1}/s") } else { format!("{rate:.0}/s") });
    let left = job.seconds_left.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let left = left.map(|left| format!("{} left", duration(left)));
    let what = format!("{} {}", printable(&job.figures.kind), job.repository());
    [Some(what), percent, rate, left].into_iter().flatten().collect::<Vec<_>>().join("  ")
}

#[cfg(test)]
mod tests {
    use warmer_store::{JobFigures, KindFigures};

    use super::*;

    fn job(percent: Option<f64>, per_second: Option<f64>, seconds_left: Option<f64>) -> RunningJob {
        let figures = JobFigures { kind: "fill".to_owned(), ..JobFigures::default() };
        let remote = Some("https://h/team/app.git".to_owned());
        RunningJob { figures, per_second, percent, reference: None, remote, seconds_left }
    }

    fn figures(jobs: Vec<RunningJob>, running: u64) -> Figures {
        let kinds = [("fill".to_owned(), KindFigures { running, permits: 9 })];
        Figures { jobs, kinds: kinds.into(), ..Figures::default() }
    }

    #[test]
    fn a_line_has_as_much_as_is_known() {
        assert_eq!(line(&job(Some(50.0), Some(59.2), Some(25.0))), "fill app  50 %  59/s  25s left");
        assert_eq!(line(&job(Some(3.4), Some(0.25), Some(150.0))), "fill app  3 %  0.2/s  2m 30s left");
        assert_eq!(line(&job(None, None, None)), "fill app");
    }

    #[test]
    fn five_jobs_are_shown_and_the_others_counted() {
        let jobs = |count| vec![job(Some(1.0), None, None); count];
        let five = lines(&figures(jobs(5), 5));
        assert_eq!((five.len(), five[4].as_str()), (5, "fill app  1 %"));
        let many = lines(&figures(jobs(8), 20));
        assert_eq!((many.len(), many[5].as_str()), (6, "and 15 more"));
        assert_eq!(lines(&figures(vec![], 3)), Vec::<String>::new(), "it did not tell which");
    }
}
