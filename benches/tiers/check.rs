//! CPU of a check that finds nothing, over 1,000 repositories in a daemon, against another binary.
//!
//! Both daemons live all the while, each on a database of its own over the same repositories, and check all of them in
//! turn. What counts is their CPU with that of the processes which they started.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use warmer_benches::{Bounds, figure, median, milliseconds};
use warmer_tests::needs::met;
use warmer_tests::{GIT, Need, Repo, Warmer};

use crate::options::Options;
use crate::process::{Process, until};

const REPOSITORIES: usize = 1_000;
const ROUNDS: usize = 5;
/// Until all are checked, or warm for the first time.
const PATIENCE: Duration = Duration::from_mins(10);
/// A check of each.
const ALL: &str = "INSERT INTO job (repository, run_at, enqueued_at) SELECT id, now, now FROM repository, clock";
const OPEN: &str = "SELECT CAST(count(*) AS TEXT) FROM job";
/// Those that are served, by their last attempt.
const FRESH: &str = "SELECT CAST(count(DISTINCT repository) AS TEXT) FROM attempt WHERE outcome = 'fresh'";

/// A daemon that keeps all warm.
struct Side {
    daemon: Process,
    repositories: usize,
    /// CPU seconds of a check, in each round.
    each: Vec<f64>,
}

pub(crate) fn measure(options: &Options, bounds: &mut Bounds) {
    if !met(&[GIT, Need::Runtime]) {
        return;
    }
    let Some(other) = options.against("check") else { return };
    let folder = TempDir::new().expect("a directory");
    let urls = repositories(folder.path(), options.number("--repositories", REPOSITORIES));
    let (mut ours, mut theirs) = (Side::new(&urls, None), Side::new(&urls, Some(other)));
    for _ in 0..options.number("--rounds", ROUNDS) {
        ours.round();
        theirs.round();
    }
    let ratios = ours.each.iter().zip(&theirs.each).map(|(ours, theirs)| ours / theirs).collect();
    let (ours, theirs) = (median(ours.each), median(theirs.each));
    figure("CPU of a check, ours and the other's", format!("{}, {}", milliseconds(ours), milliseconds(theirs)));
    bounds.at_most("check", median(ratios), 1.0);
}

impl Side {
    fn new(urls: &str, program: Option<PathBuf>) -> Self {
        let mut warmer = Warmer::toy();
        warmer.set("claimer.start_delay", r#""0s""#).set("claimer.start_jitter", r#""0s""#);
        if let Some(program) = program {
            warmer = warmer.with_program(program);
        }
        warmer.run_with_stdin(["repos", "add", "-", "--refresh", "never"], urls).exits(0);
        let side = Self { daemon: Process::start(warmer), repositories: urls.lines().count(), each: vec![] };
        // The first warm, and a check that knows all there is to know.
        side.all();
        side.all();
        side
    }

    fn round(&mut self) {
        let before = self.daemon.cpu_seconds();
        self.all();
        self.each.push((self.daemon.cpu_seconds() - before) / self.repositories as f64);
        let fresh = self.daemon.warmer.database().query(FRESH).remove(0);
        assert_eq!(fresh, self.repositories.to_string(), "every one is found unchanged");
    }

    /// Has all checked, and returns when nothing is left to do.
    fn all(&self) {
        let database = self.daemon.warmer.database();
        database.change(ALL);
        let none = || (database.query(OPEN).remove(0) == "0").then_some(());
        until(PATIENCE, none).expect("the daemon checks all of them");
    }
}

/// Copies of one small repository; their URLs, a line each.
fn repositories(folder: &Path, repositories: usize) -> String {
    let repo = Repo::generated(3, 300, 1);
    let (from, bare) = (repo.path().display().to_string(), folder.join("first").display().to_string());
    repo.git(["clone", "--quiet", "--bare", "--template=", &from, &bare]);
    let copy = |number: usize| {
        let path = folder.join(format!("repository-{number}"));
        copy_all(&folder.join("first"), &path);
        format!("file://{}\n", path.display())
    };
    (0..repositories).map(copy).collect()
}

fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("a temporary directory can be written to");
    for entry in std::fs::read_dir(from).expect("it is there") {
        let entry = entry.expect("it is there");
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_all(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("a temporary directory can be written to");
        }
    }
}
