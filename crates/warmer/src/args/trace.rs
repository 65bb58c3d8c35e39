//! `warmer trace`.

use std::path::PathBuf;

use clap::Args;

/// `trace`
#[derive(Clone, Debug, Args)]
pub(crate) struct Trace {
    /// The job's number; with --file none lists the jobs that are in it
    #[arg(value_name = "JOB", value_parser = super::job_number, required_unless_present = "file")]
    pub(crate) job: Option<i64>,
    /// Read this file of traces (telemetry.traces_file), and neither database nor history
    #[arg(long, value_name = "PATH")]
    pub(crate) file: Option<PathBuf>,
    /// The same as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
