//! Checks that cannot be run for want of a program.

use super::counts::{Counts, not_run_line};
use crate::console::say;

/// Set to `all`, it makes a failure of every check that could not be run for want of a program.
const REQUIRE: &str = "WARMER_TEST_REQUIRE";

fn all_required() -> bool {
    std::env::var_os(REQUIRE).is_some_and(|value| value == "all")
}

/// The check that needs this program cannot be run.
pub(super) fn lacking(program: &str) -> Counts {
    say(&not_run_line(program));
    if all_required() { Counts::failed() } else { Counts::skipped() }
}

/// The check that needs this program cannot be run, and no package that CI can install has it: nobody requires it.
pub(super) fn not_installable(program: &str) -> Counts {
    say(&not_run_line(program));
    Counts::skipped()
}

/// For a test that cannot be run here: says so on the terminal, past the capture of the test harness, where
/// `cargo xtask test` counts it as skipped.
///
/// # Panics
/// Under `WARMER_TEST_REQUIRE=all`, which is how that test fails.
pub fn not_run(program: &str) {
    say(&not_run_line(program));
    assert!(!all_required(), "{program} is missing and {REQUIRE}=all");
}
