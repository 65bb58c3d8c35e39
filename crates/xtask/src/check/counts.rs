//! How many checks passed, failed and were skipped.

use std::fmt;
use std::ops::{Add, AddAssign};

/// A count of checks. `passed` can be negative in a part of the whole: see [`Counts::of_line`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) passed: i64,
    pub(super) failed: i64,
    pub(super) skipped: i64,
}

const NOT_RUN: &str = "not run: ";

/// The line that a check writes in place of its result when it lacks a program.
pub(super) fn not_run_line(program: &str) -> String {
    format!("{NOT_RUN}{program} missing")
}

impl Counts {
    pub(super) fn passed() -> Self {
        Self { passed: 1, ..Self::default() }
    }

    pub(super) fn failed() -> Self {
        Self { failed: 1, ..Self::default() }
    }

    pub(super) fn skipped() -> Self {
        Self { skipped: 1, ..Self::default() }
    }

    /// What a line of a test run's output adds: the `test result:` line of each test program counts its tests, a
    /// `not run:` line takes one of those that passed for skipped, as its test returned without testing anything.
    pub(super) fn of_line(line: &str) -> Self {
        if line.starts_with(NOT_RUN) {
            return Self { passed: -1, failed: 0, skipped: 1 };
        }
        let Some((_, counts)) = line.split_once("test result: ") else { return Self::default() };
        let number = |word: &str| {
            let words: Vec<&str> = counts.split([' ', ';']).filter(|part| !part.is_empty()).collect();
            let pair = words.windows(2).find(|pair| pair[1] == word);
            pair.and_then(|pair| pair[0].parse().ok()).unwrap_or(0)
        };
        Self { passed: number("passed"), failed: number("failed"), skipped: number("ignored") }
    }
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_all_test_programs_add_up() {
        let output = "running 5 tests\n\
            test failed_jobs_are_kept ... ok\n\
            test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\
            test result: \u{1b}[31mFAILED\u{1b}[m. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n";
        let counts = output.lines().map(Counts::of_line).fold(Counts::default(), Add::add);
        assert_eq!(counts.to_string(), "13 passed, 2 failed, 1 skipped");
    }

    #[test]
    fn a_test_that_lacked_a_program_counts_as_skipped() {
        let output = ["test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured", "not run: python3 missing"];
        let counts = output.into_iter().map(Counts::of_line).fold(Counts::default(), Add::add);
        assert_eq!(counts.to_string(), "2 passed, 0 failed, 1 skipped");
    }
}
