//! `warmer trace`.

use clap::Args;

/// `trace`
#[derive(Clone, Debug, Args)]
pub(crate) struct Trace {
    /// The job's number
    #[arg(value_name = "JOB")]
    pub(crate) job: i64,
    /// The same as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
