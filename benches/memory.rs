//! Does memory grow with the repository?
//!
//! The peak of anonymous memory (`RssAnon`) of whole warms, as it is seen from outside. The toy model leaves the
//! model's own weights aside. git indexes a pack of all files at the first fetch; a second warm into a new database
//! finds the mirror there, and shows what the rest needs.

use warmer_benches::{MIB, figure, ratio, wanted};
use warmer_tests::{GIT, Need, Repo, Warmer};

const LARGE: usize = 20_000;
const SMALL: usize = 2_000;
const FILE_BYTES: usize = 2_000;
/// Warms of which the median counts: how the allocator's arenas fall differs by some 10 % from run to run.
const RUNS: usize = 3;
/// Repositories warmed at once, and files in each.
const AT_ONCE: u64 = 4;
const FILES_EACH: usize = 5_000;
/// What a process may need, and each job in flight on top.
const BOUND_MIB: u64 = 512;
const BOUND_EACH_MIB: u64 = 256;

/// The peaks of two warms of the same repositories, in bytes.
struct Peaks {
    /// With an empty cache directory.
    cold: f64,
    /// With the mirrors in place, but nothing in the database.
    mirrored: f64,
}

fn main() {
    if !wanted(&[GIT, Need::Runtime]) {
        return;
    }
    let generated = |files, seed| Repo::generated(files, FILE_BYTES, seed);
    let one = peaks("1 file", &[generated(1, 1)]);
    let small = peaks(&format!("{SMALL} files"), &[generated(SMALL, 1)]);
    let large = peaks(&format!("{LARGE} files"), &[generated(LARGE, 1)]);
    let several: Vec<_> = (1..=AT_ONCE).map(|seed| generated(FILES_EACH, seed)).collect();
    let several = peaks(&format!("{AT_ONCE} repositories of {FILES_EACH} files at once"), &several);
    figure("20,000 against 2,000 files, pack indexing included", format!("{:.2}", large.cold / small.cold));
    ratio("memory", large.mirrored / small.mirrored, "<= 1.25");
    for (name, peaks, jobs) in [("memory_one_job", large, 1), ("memory_four_jobs", several, AT_ONCE)] {
        let bound = (BOUND_MIB + BOUND_EACH_MIB * jobs) as f64 * MIB;
        ratio(name, peaks.cold.max(peaks.mirrored) / bound, "<= 1");
    }
    figure("the process and the runtime library, included above", mebibytes(one.mirrored));
}

/// Warms the repositories, all at once, into an empty cache; and again, when only their mirrors are left.
fn peaks(name: &str, repos: &[Repo]) -> Peaks {
    let urls: Vec<_> = repos.iter().map(Repo::url).collect();
    let mut warmer = Warmer::toy();
    warmer.set("claimer.concurrency", repos.len().to_string());
    let cold = peak(&warmer, &urls);
    let mirrored = median((0..RUNS).map(|_| from_mirrors(&warmer, &urls)));
    figure(&format!("peak RssAnon, {name}"), mebibytes(mirrored));
    figure("  with pack indexing", mebibytes(cold));
    Peaks { cold, mirrored }
}

/// Warms into a new database what the mirrors have.
fn from_mirrors(warmer: &Warmer, urls: &[String]) -> f64 {
    for suffix in ["", "-wal", "-shm"] {
        let file = warmer.data().join(format!("warmer.sqlite{suffix}"));
        assert!(std::fs::remove_file(file).is_ok() || !suffix.is_empty(), "the warm made a database");
    }
    peak(warmer, urls)
}

fn median(runs: impl Iterator<Item = f64>) -> f64 {
    let mut runs: Vec<_> = runs.collect();
    runs.sort_by(f64::total_cmp);
    runs[runs.len() / 2]
}

fn peak(warmer: &Warmer, urls: &[String]) -> f64 {
    let (warmed, bytes) = warmer_benches::peak(warmer, urls);
    assert!(warmed.all().iter().all(|summary| summary.verdict() == "warmed"), "{:?}", warmed.ran);
    bytes
}

fn mebibytes(bytes: f64) -> String {
    format!("{:.1} MiB", bytes / MIB)
}
