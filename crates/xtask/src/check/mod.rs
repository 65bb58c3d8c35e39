//! `cargo xtask test`: the one test command. Set-up, format, lints, documentation, dependencies, files for deploying,
//! tests; each step is run whatever became of the one before, and the last line is the count of all checks.
//!
//! Lints and documentation come first because they share one compilation of the dependencies (metadata only); the tests
//! need another (machine code), which nothing else here could use.

mod counts;
mod deny;
mod files;
mod missing;
mod step;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use warmer_setup::{Catalogue, Pip};

use crate::console::{print, say};
use crate::{paths, postgres};
use counts::Counts;
pub use missing::not_run;
use step::Step;

/// More compilers than this at once run out of memory on small machines before they get faster.
const JOBS_MAX: usize = 4;

/// Tests at a time for each core: they wait for programs, databases and pauses more than they compute. With one for
/// each core, two cores were busy for 36 % of the time.
const TESTS_PER_CORE: usize = 2;

/// What tests add to the features of dependencies. With them the documentation finds what the lints have checked,
/// instead of checking tokio and all that stands on it once more: 30 s.
const FEATURES_OF_TESTS: &str = "tokio/test-util,rustix/thread";

/// Runs every check and prints the count; true when none failed.
pub fn run() -> bool {
    let mut settings = Settings::of_this_run();
    let mut counts = set_up();
    let checks = [
        Step::new("format", &["fmt", "--all", "--check"]).needs("rustfmt", &["fmt", "--version"]),
        Step::new("lints", &["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"])
            .needs("clippy", &["clippy", "--version"]),
        Step::new(
            "lints of the chaos door",
            &["clippy", "--workspace", "--all-targets", "--features", "warmer/chaos", "--", "--deny", "warnings"],
        )
        .needs("clippy", &["clippy", "--version"]),
        Step::new("documentation", &["doc", "--workspace", "--no-deps", "--features", FEATURES_OF_TESTS])
            .with("RUSTDOCFLAGS", "--deny warnings"),
        // Nobody depends on the program, so all its documentation is of private items.
        Step::new(
            "documentation of the program",
            &[
                "doc",
                "--package",
                "warmer",
                "--bin",
                "warmer",
                "--no-deps",
                "--document-private-items",
                "--features",
                FEATURES_OF_TESTS,
            ],
        )
        .with("RUSTDOCFLAGS", "--deny warnings"),
    ];
    for check in checks {
        counts += check.run(&settings.variables);
    }
    counts += deny::check();
    counts += files::check();
    // Tests start the real programs, which cargo builds by itself only for the tests of their own packages. Both at
    // once, or tokio and all that stands on it would be built twice. On its own, so that the terminal belongs to cargo
    // and its progress can be seen.
    let build = Step::new("programs and tests", &["build", "--workspace", "--bins", "--tests"]);
    // A build is no check of its own, unless it fails; then there is nothing to run.
    let failed = build.run(&settings.variables).failed;
    counts.failed += failed;
    if failed == 0 {
        // One server for all test programs; it ends with this process.
        settings.variables.extend(postgres::url().map(|url| (postgres::VARIABLE, url.into())));
        counts += Step::new("tests", &["test", "--workspace", "--no-fail-fast"]).run_counting(&settings.variables);
    }
    print(&counts.to_string());
    counts.failed == 0
}

/// Checks the files for deploying alone, and prints the count; true when none failed.
pub fn run_files() -> bool {
    let counts = files::check();
    print(&counts.to_string());
    counts.failed == 0
}

fn set_up() -> Counts {
    let (cache, catalogue) = (paths::cache(), Catalogue::of_this_machine());
    if catalogue.as_ref().is_ok_and(|catalogue| warmer_setup::is_complete(&cache, catalogue)) {
        return Counts::default();
    }
    if let Err(error) = Pip::find() {
        say(&format!("{error:#}"));
        return missing::lacking("python3");
    }
    match warmer_setup::setup(&cache) {
        Ok(_) => Counts::passed(),
        Err(error) => {
            say(&format!("error: set-up: {error:#}"));
            Counts::failed()
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
        let cache = paths::cache();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let there = |path: PathBuf| path.exists().then_some(path.into_os_string());
        let wanted = [
            ("CARGO_BUILD_JOBS", Some(OsString::from(cores.min(JOBS_MAX).to_string()))),
            ("RUST_TEST_THREADS", Some(OsString::from((cores * TESTS_PER_CORE).to_string()))),
            ("WARMER_TEST_MODEL", there(cache.model_dir())),
            ("WARMER_TEST_RUNTIME", there(cache.runtime_library())),
        ];
        let unset = |name: &str| std::env::var_os(OsStr::new(name)).is_none();
        let set = wanted.into_iter().filter_map(|(name, value)| Some((name, value?)));
        Self { variables: set.filter(|(name, _)| unset(name)).collect() }
    }
}
