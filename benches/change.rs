//! What does one changed file cost in a repository of 20,000 files, against one of 200?
//!
//! The file changes to and fro between two contents that are known, so that neither reading nor embedding hides what depends
//! on the size: git on both ends of the fetch, the diff, the publication. Reading and embedding one file would cost both
//! repositories the same.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use criterion::Criterion;
use serde_json::Value;
use warmer_benches::{Pairs, criterion, figure, in_turn, median, ratio, wanted, warm};
use warmer_tests::{GIT, Need, Repo, Warmer};

const LARGE: usize = 20_000;
const SMALL: usize = 200;
const FILE_BYTES: usize = 500;
const CHANGED: &str = "src/0/file_0.rs";
const CONTENTS: [&str; 2] = ["pub fn to() -> u64 {\n    2\n}\n", "pub fn fro() -> u64 {\n    3\n}\n"];

/// A repository that changes, its cache, and git's own shallow clone of it.
struct Changing {
    files: usize,
    repo: Repo,
    warmer: Warmer,
    clone: Repo,
    commits: usize,
    /// What git's own fetch of the same commit took.
    fetches: Vec<f64>,
    /// Working seconds of each stage.
    stages: [Vec<f64>; 4],
}

const STAGES: [&str; 4] = ["fetcher", "hasher", "embedder", "storer"];

fn main() {
    if !wanted(&[GIT, Need::Runtime]) {
        return;
    }
    let mut criterion = criterion();
    let (large, small) = (RefCell::new(Changing::new(LARGE)), RefCell::new(Changing::new(SMALL)));
    let pairs = compare(&mut criterion, &large, &small);
    let (of_large, of_small) = pairs.medians();
    for (side, took) in [(large, of_large), (small, of_small)] {
        side.into_inner().report(took);
    }
    ratio("change", pairs.ratio(), "<= 2");
    criterion.final_summary();
}

fn compare(criterion: &mut Criterion, large: &RefCell<Changing>, small: &RefCell<Changing>) -> Pairs {
    let mut group = criterion.benchmark_group("change");
    let (one, other) = (format!("of {LARGE} files"), format!("of {SMALL} files"));
    in_turn(&mut group, (&one, || large.borrow_mut().change()), (&other, || small.borrow_mut().change()))
}
