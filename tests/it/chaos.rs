//! A short round of the chaos suite, on the server of all tests: one fault of a kind. `cargo xtask chaos` makes more.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use warmer_tests::chaos::{Environment, ROWS, Report, Round, text};
use warmer_tests::{GIT, Need, needs};

/// Any; the same each time, so that a failure comes again.
const SEED: u64 = 7;

/// One at a time: their bounds are times, and they are many processes already.
static ONE: Mutex<()> = Mutex::new(());

/// Runs a row until its first faults are through, and asserts its bounds.
fn holds(name: &str) {
    let Some(environment) = Environment::shared().expect("threads") else { return xtask::not_run("PostgreSQL") };
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let row = ROWS.iter().find(|row| row.name == name).expect("a row of this name");
    let round = Round { environment: &environment, seed: SEED, time: Duration::ZERO, logs: None };
    let report: Report = round.run(row).unwrap_or_else(|error| panic!("{error:#}"));
    assert!(report.holds(), "\n{}", text(&[report], SEED));
}

#[test]
fn a_killed_instance_loses_nothing_and_is_replaced_within_seconds() {
    needs!(GIT, Need::Runtime);
    holds("kill");
}

#[test]
fn a_zombie_changes_nothing_and_its_work_is_rescued() {
    needs!(GIT, Need::Runtime);
    holds("stop-long");
}

#[test]
fn two_slots_are_two_heavy_jobs_and_free_soon_after_a_death() {
    needs!(GIT, Need::Runtime);
    holds("slots-2");
}

#[test]
fn who_embeds_may_stall_and_every_push_is_served_at_once() {
    needs!(GIT, Need::Runtime);
    holds("embedder-stalled");
}

#[test]
fn a_fill_that_is_killed_leaves_what_a_warm_from_scratch_makes() {
    needs!(GIT, Need::Runtime);
    holds("fills-1");
}
