//! The jobs of a file of traces, as a table.

use std::time::Duration;

use warmer_query::{TracedJobs, label};

use crate::output::{Column, Style, Table, ago, counted, duration};

/// The latest first.
pub(super) fn text(jobs: &TracedJobs, style: Style) -> String {
    let columns = [
        Column::right("JOB"),
        Column::left("KIND"),
        Column::right("ATTEMPTS"),
        Column::left("LAST"),
        Column::left("ENDED"),
        Column::right("TOOK"),
        Column::name("REPOSITORY"),
    ];
    let mut table = Table::new(style, columns);
    for job in &jobs.jobs {
        let cells = [
            job.job.to_string().into(),
            job.kind.as_str().into(),
            job.attempts.to_string().into(),
            job.outcome.as_str().into(),
            ago(job.ended_at).into(),
            duration(Duration::try_from_secs_f64(job.seconds).unwrap_or_default()).into(),
            label(&job.repository, job.reference.as_deref()).into(),
        ];
        table.row(cells, None);
    }
    let mut text = table.text();
    if jobs.left_out > 0 {
        let more = counted(jobs.left_out, "earlier job");
        text.push_str(&format!("\n{more} left out: `warmer trace --file PATH JOB` shows any of the file\n"));
    }
    text
}
