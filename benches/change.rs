//! What does one changed file cost in a repository of 20,000 files, against one of 200?
//!
//! The file changes to and fro between two contents that are known, so that neither reading nor embedding hides what
//! depends on the size: git on both ends of the fetch, the diff, the publication. Reading and embedding one file would
//! cost both repositories the same.

use std::time::{Duration, Instant};

use warmer_benches::{STAGES, criterion, figure, in_turn, median, milliseconds, ratio, wanted, warm, work_seconds};
use warmer_tests::{GIT, Need, Repo, Warmer};

const LARGE: usize = 20_000;
const SMALL: usize = 200;
const FILE_BYTES: usize = 500;
const CHANGED: &str = "src/0/file_0.rs";
const CONTENTS: [&str; 2] = ["pub fn to() -> u64 {\n    2\n}\n", "pub fn fro() -> u64 {\n    3\n}\n"];

/// A repository that changes, its cache, and git's own shallow clone of it.
struct Changing {
    name: String,
    repo: Repo,
    warmer: Warmer,
    clone: Repo,
    commits: usize,
    /// What git's own fetch of each commit took, in seconds.
    fetches: Vec<f64>,
    /// What a refresh that found nothing took, right after each change, in seconds.
    refreshes: Vec<f64>,
    /// Working seconds of each stage.
    stages: [Vec<f64>; 4],
}

fn main() {
    if !wanted(&[GIT, Need::Runtime]) {
        return;
    }
    let mut criterion = criterion();
    let (mut large, mut small) = (Changing::new(LARGE), Changing::new(SMALL));
    let mut group = criterion.benchmark_group("change");
    let names = [large.name.clone(), small.name.clone()];
    let pairs = in_turn(&mut group, (&names[0], || large.change()), (&names[1], || small.change()));
    group.finish();
    let medians = pairs.medians();
    large.report(medians.0);
    small.report(medians.1);
    ratio("change", pairs.ratio(), "<= 2");
    criterion.final_summary();
}

impl Changing {
    /// A warm repository of this many files, for which both contents are known.
    fn new(files: usize) -> Self {
        let (repo, warmer, clone) = (Repo::generated(files, FILE_BYTES, 1), Warmer::toy(), Repo::new());
        let name = format!("of {files} files");
        let (stages, fetches, refreshes) = Default::default();
        let mut changing = Self { name, repo, warmer, clone, commits: 0, fetches, refreshes, stages };
        warm(&changing.warmer, &[changing.repo.url()]);
        for _ in CONTENTS {
            changing.commit();
            changing.fetch();
            warm(&changing.warmer, &[changing.repo.url()]);
        }
        changing
    }

    fn commit(&mut self) {
        self.repo.write(CHANGED, CONTENTS[self.commits % 2]).commit("to and fro");
        self.commits += 1;
    }

    /// git's own part: the same fetch by the git program.
    fn fetch(&mut self) -> Duration {
        let began = Instant::now();
        self.clone.git(["fetch", "--quiet", "--depth=1", &self.repo.url(), "+main:refs/heads/served"]);
        began.elapsed()
    }

    /// Commits the change; how long the warm took that found it.
    fn change(&mut self) -> Duration {
        self.commit();
        let fetched = self.fetch();
        self.fetches.push(fetched.as_secs_f64());
        let (warmed, took) = warm(&self.warmer, &[self.repo.url()]);
        let summary = warmed.one();
        assert_eq!((summary.verdict(), summary.files("indexed"), summary.embedded()), ("warmed", 1, 0));
        for (stage, times) in STAGES.iter().zip(&mut self.stages) {
            times.push(work_seconds(summary, stage));
        }
        let (_, refreshed) = warm(&self.warmer, &[self.repo.url()]);
        self.refreshes.push(refreshed.as_secs_f64());
        took
    }

    fn report(self, took: f64) {
        let Self { name, fetches, refreshes, stages, .. } = self;
        figure(&format!("change {name}"), milliseconds(took));
        figure("  of it start, database and ls-refs, as in a refresh", milliseconds(median(refreshes)));
        for (stage, times) in STAGES.iter().zip(stages) {
            figure(&format!("  of it {stage}"), milliseconds(median(times)));
        }
        figure("  git fetch --depth=1 of it by the git program", milliseconds(median(fetches)));
    }
}
