//! A row's figures and bounds.

use std::collections::BTreeSet;

use super::account::{self, Recovery};
use super::clock::seconds;
use super::record::Record;

/// What had to be true.
#[derive(Clone, Debug)]
pub struct Bound {
    /// In words, with the figure that was found.
    pub text: String,
    /// Whether it was.
    pub holds: bool,
}

/// What came of a row.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Its name.
    pub row: String,
    /// Jobs that were worked on.
    pub jobs: usize,
    /// Faults that were made.
    pub faults: usize,
    /// Triggers without an answer, and repositories without their last commit.
    pub lost: usize,
    /// Jobs that ended well more than once.
    pub doubles: usize,
    /// Pairs of works on one repository at the same time.
    pub overlaps: usize,
    /// For how long: seconds.
    pub overlap_seconds: f64,
    /// For how long there were too many slots, times how many: seconds.
    pub over_cap_seconds: f64,
    /// From a fault to the next claim, while a process elsewhere had a permit free: seconds, in order.
    pub recoveries: Vec<f64>,
    /// The longest of them by the clock alone: seconds.
    pub recovery_wall_max: f64,
    /// What had to be true.
    pub bounds: Vec<Bound>,
    /// What else is worth a line.
    pub notes: Vec<String>,
    /// What the row could not be run for.
    pub not_run: Option<String>,
}

impl Report {
    /// The figures of a record. Repositories in `besides` are not expected to be warmed.
    pub(super) fn of(record: &Record, cap: u32, besides: &BTreeSet<String>) -> Self {
        let (overlaps, overlap) = account::overlaps(record);
        let recoveries = account::recoveries(record);
        let longest = recoveries.iter().map(|recovery: &Recovery| recovery.all).max().unwrap_or(0);
        Self {
            jobs: record.jobs(),
            faults: record.faults.len(),
            lost: account::lost(record, besides),
            doubles: account::doubles(record),
            overlaps,
            overlap_seconds: seconds(overlap),
            over_cap_seconds: seconds(account::over_cap(record, cap)),
            recoveries: recoveries.iter().map(|recovery| seconds(recovery.with_place)).collect(),
            recovery_wall_max: seconds(longest),
            ..Self::default()
        }
    }

    /// A row that lacked something.
    pub(super) fn lacking(what: &str) -> Self {
        Self { not_run: Some(what.to_owned()), ..Self::default() }
    }

    /// Adds a bound.
    pub(super) fn must(&mut self, text: impl Into<String>, holds: bool) -> &mut Self {
        self.bounds.push(Bound { text: text.into(), holds });
        self
    }

    /// Nothing is lost, nothing is done twice.
    pub(super) fn must_be_exact(&mut self) -> &mut Self {
        let (lost, doubles) = (self.lost, self.doubles);
        self.must("lost 0", lost == 0).must("double commits 0", doubles == 0)
    }

    /// No repository is worked on twice at once.
    pub(super) fn must_not_overlap(&mut self) -> &mut Self {
        let none = self.overlaps == 0;
        self.must("overlapping runs 0", none)
    }

    /// Never more slots than there are.
    pub(super) fn must_keep_the_cap(&mut self) -> &mut Self {
        let kept = self.over_cap_seconds == 0.0;
        self.must("0 s over the slot cap", kept)
    }

    /// Every interrupted job is taken up again in time.
    pub(super) fn must_recover_within(&mut self, most: f64) -> &mut Self {
        let max = self.recoveries.last().copied().unwrap_or(0.0);
        self.must(format!("recovery max {max:.1} <= {most} s"), max <= most)
    }

    /// There was something to find.
    pub(super) fn must_have_met(&mut self, what: &str, count: usize) -> &mut Self {
        self.must(format!("{what} {count} > 0"), count > 0)
    }

    /// Adds a note.
    pub(super) fn note(&mut self, text: impl Into<String>) -> &mut Self {
        self.notes.push(text.into());
        self
    }

    /// Whether all bounds hold.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.bounds.iter().all(|bound| bound.holds)
    }

    /// The recovery that so many percent of all do not exceed.
    #[must_use]
    pub fn recovery(&self, percent: usize) -> Option<f64> {
        let last = self.recoveries.len().checked_sub(1)?;
        self.recoveries.get((last * percent).div_ceil(100)).copied()
    }
}
