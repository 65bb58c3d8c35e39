//! `cargo xtask test`: the one test command. Set-up, format, lints, documentation, tests; each step is run whatever
//! became of the one before, and the last line is the count of all checks.
//!
//! Lints and documentation come first because they share one compilation of the dependencies (metadata only); the tests
//! need another (machine code), which nothing else here could use.

mod step;
mod tally;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::console::{print, say};
use crate::paths::Cache;
use crate::postgres;
use crate::setup::{self, Catalogue, Pip};
use step::Step;
use tally::Tally;

/// More compilers than this at once run out of memory on small machines before they get faster.
const JOBS_MAX: usize = 4;

/// Set to `all`, it makes a failure of every check that could not be run for want of a program.
const REQUIRE: &str = "WARMER_TEST_REQUIRE";

/// Runs every check and prints the count; true when none failed.
pub fn run() -> bool {
    let mut settings = Settings::of_this_run();
    let mut tally = set_up();
    let checks = [
        Step::new("format", &["fmt", "--all", "--check"]).needs("rustfmt", &["fmt", "--version"]),
        Step::new("lints", &["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"])
            .needs("clippy", &["clippy", "--version"]),
        Step::new(
            "lints of the chaos door",
            &["clippy", "--workspace", "--bin", "warmer", "--features", "warmer/chaos", "--", "--deny", "warnings"],
        )
        .needs("clippy", &["clippy", "--version"]),
        Step::new("documentation", &["doc", "--workspace", "--no-deps"]).with("RUSTDOCFLAGS", "--deny warnings"),
    ];
    for check in checks {
        tally += check.run(&settings.variables);
    }
    let builds = [
        // Tests start the real programs, and cargo builds those only for the tests of their own packages.
        Step::new("programs", &["build", "--workspace", "--bins"]),
        // Built on its own, so that the terminal belongs to cargo and its progress can be seen.
        Step::new("test programs", &["test", "--workspace", "--no-run"]),
    ];
    // A build is no check of its own, unless it fails; then there is nothing to run.
    let failed: i64 = builds.map(|build| build.run(&settings.variables).failed).iter().sum();
    tally.failed += failed;
    if failed == 0 {
        // One server for all test programs; it ends with this process.
        settings.variables.extend(postgres::url().map(|url| (postgres::VARIABLE, url.into())));
        tally += Step::new("tests", &["test", "--workspace", "--no-fail-fast"]).run_counting(&settings.variables);
    }
    print(&tally.to_string());
    tally.failed == 0
}

/// Whether a check that lacks a program is a failure.
pub(crate) fn all_required() -> bool {
    std::env::var_os(REQUIRE).is_some_and(|value| value == "all")
}

/// For a test that cannot be run here: says so on the terminal, past the capture of the test harness, where
/// `cargo xtask test` counts it as skipped.
///
/// # Panics
/// Under `WARMER_TEST_REQUIRE=all`, which is how that test fails.
pub fn not_run(program: &str) {
    say(&tally::not_run_line(program));
    assert!(!all_required(), "{program} is missing and {REQUIRE}=all");
}

fn set_up() -> Tally {
    let (cache, catalogue) = (Cache::of_user(), Catalogue::of_this_machine());
    if catalogue.as_ref().is_ok_and(|catalogue| setup::is_complete(&cache, catalogue)) {
        return Tally::default();
    }
    if let Err(error) = Pip::find() {
        say(&format!("{error:#}"));
        return step::lacking("python3");
    }
    match setup::setup() {
        Ok(_) => Tally::passed(),
        Err(error) => {
            say(&format!("error: set-up: {error:#}"));
            Tally::failed()
        }
    }
}

/// What every step's process is given.
struct Settings {
    variables: Vec<(&'static str, OsString)>,
}

impl Settings {
    /// A variable that the caller has set stays as it is.
    fn of_this_run() -> Self {
        let cache = Cache::of_user();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let there = |path: PathBuf| path.exists().then_some(path.into_os_string());
        let wanted = [
            ("CARGO_BUILD_JOBS", Some(OsString::from(cores.min(JOBS_MAX).to_string()))),
            ("WARMER_TEST_MODEL", there(cache.model_dir())),
            ("WARMER_TEST_RUNTIME", there(cache.runtime_library())),
        ];
        let unset = |name: &str| std::env::var_os(OsStr::new(name)).is_none();
        let set = wanted.into_iter().filter_map(|(name, value)| Some((name, value?)));
        Self { variables: set.filter(|(name, _)| unset(name)).collect() }
    }
}
