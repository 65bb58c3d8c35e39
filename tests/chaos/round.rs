//! A round: which rows, for how long, from which seed.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::environment::Environment;
use super::report::Report;
use super::rows::Row;

/// What one row is given.
pub struct Round<'a> {
    /// Where.
    pub environment: &'a Environment,
    /// From this everything that is random follows.
    pub seed: u64,
    /// For about so long its faults are made; a row that needs more for its first takes it.
    pub time: Duration,
    /// Where to leave the logs of a row whose bounds do not hold.
    pub logs: Option<PathBuf>,
}

impl Round<'_> {
    /// Runs a row.
    ///
    /// # Errors
    /// When the row could not be run to its end.
    pub fn run(&self, row: &Row) -> Result<Report> {
        let mut report = (row.run)(self).with_context(|| format!("row {}", row.name))?;
        row.name.clone_into(&mut report.row);
        Ok(report)
    }
}
