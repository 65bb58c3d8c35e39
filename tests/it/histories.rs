//! After any random history the cache is what a warm from scratch of the served commit gives (W-14).

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use warmer_content::{ContentSettings, Rules};
use warmer_pipeline::Ended;
use warmer_store::AttemptOutcome;
use warmer_tests::inside::Inside;
use warmer_tests::sources::{python, rust};
use warmer_tests::{GIT, Need, Repo, needs};

/// Histories tried in one run; each has up to [`STEPS`] commits and twice as many warms.
const HISTORIES: u32 = 10;
const STEPS: usize = 7;
/// Paths are few, so that steps meet each other.
const NAMES: [&str; 6] = ["a.rs", "b.py", "src/c.rs", "src/d.txt", "vendor/e.rs", "src/deep/f.py"];

/// One step of a history.
#[derive(Clone, Debug)]
enum Step {
    Write(usize, u64),
    Remove(usize),
    Rename(usize, usize),
    Executable(usize),
    Link(usize),
    Attributes(usize, usize),
    Merge(usize, u64),
    Amend(usize, u64),
    NewRoot(u64),
    BackToStart,
    Exclude(usize),
    LoseMirror,
    Full,
}

fn step() -> impl Strategy<Value = Step> {
    let name = 0..NAMES.len();
    prop_oneof![
        4 => (name.clone(), 0..50_u64).prop_map(|(name, seed)| Step::Write(name, seed)),
        2 => name.clone().prop_map(Step::Remove),
        2 => (name.clone(), name.clone()).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => name.clone().prop_map(Step::Executable),
        1 => name.clone().prop_map(Step::Link),
        2 => (0..ATTRIBUTES.len(), 0..2_usize).prop_map(|(line, place)| Step::Attributes(line, place)),
        1 => (name.clone(), 0..50_u64).prop_map(|(name, seed)| Step::Merge(name, seed)),
        1 => (name, 0..50_u64).prop_map(|(name, seed)| Step::Amend(name, seed)),
        1 => (0..50_u64).prop_map(Step::NewRoot),
        1 => Just(Step::BackToStart),
        1 => (0..EXCLUDES.len()).prop_map(Step::Exclude),
        1 => Just(Step::LoseMirror),
        1 => Just(Step::Full),
    ]
}

const ATTRIBUTES: [&str; 5] = [
    "",
    "*.py linguist-generated\n",
    "*.rs linguist-language=Python\n",
    "vendor/** -linguist-vendored\n",
    "*.txt -text\n",
];
const EXCLUDES: [&[&str]; 3] = [&[], &["src/**"], &["**/*.py"]];

/// A repository under random change, and the machine that follows it.
struct World {
    repo: Repo,
    first: String,
    grown: Inside,
    rules: ContentSettings,
    full: bool,
}

impl World {
    async fn new() -> Self {
        let mut repo = Repo::new();
        for (number, name) in NAMES.iter().enumerate() {
            repo.write(name, source(name, number as u64));
        }
        let first = repo.commit("the first");
        Self { repo, first, grown: Inside::new().await, rules: ContentSettings::default(), full: false }
    }

    fn take(&mut self, step: &Step) {
        let repo = &mut self.repo;
        match *step {
            Step::Write(name, seed) => drop(repo.write(NAMES[name], source(NAMES[name], seed)).commit("write")),
            Step::Remove(name) => drop(repo.remove(NAMES[name]).commit("remove")),
            Step::Rename(from, to) if from != to && repo.has(NAMES[from]) => {
                repo.rename(NAMES[from], NAMES[to]).commit("rename");
            }
            Step::Rename(..) => {}
            Step::Executable(name) if repo.has(NAMES[name]) => drop(repo.mode(NAMES[name], "755").commit("mode")),
            Step::Executable(_) => {}
            Step::Link(name) => drop(repo.remove(NAMES[name]).symlink("target", NAMES[name]).commit("link")),
            Step::Attributes(line, place) => {
                let path = [".gitattributes", "src/.gitattributes"][place];
                repo.write(path, ATTRIBUTES[line]).commit("attributes");
            }
            Step::Merge(name, seed) => {
                repo.branch("side").write(NAMES[name], source(NAMES[name], seed)).commit("side");
                repo.branch("main").write("main.txt", format!("{seed}\n")).commit("main");
                repo.merge("side", "merge");
            }
            Step::Amend(name, seed) => {
                repo.write(NAMES[name], source(NAMES[name], seed)).amend("amend");
            }
            Step::NewRoot(seed) => drop(repo.write("root.rs", source("root.rs", seed)).commit_root("root")),
            Step::BackToStart => drop(repo.reset(&self.first)),
            Step::Exclude(which) => self.rules.exclude = EXCLUDES[which].iter().map(|&glob| glob.into()).collect(),
            Step::LoseMirror => self.grown.lose_mirrors(),
            Step::Full => self.full = true,
        }
    }

    async fn assert_equals_from_scratch(&mut self) {
        let rules = Arc::new(Rules::new(&self.rules).expect("globs"));
        self.grown.tools.rules = rules.clone();
        let ended = self.grown.warm_ended(&[&self.repo], std::mem::take(&mut self.full)).await;
        assert!(ended.iter().all(Ended::is_good), "{ended:?}");
        let mut scratch = Inside::new().await;
        scratch.tools.rules = rules;
        assert_eq!(scratch.warm(&[&self.repo]).await, [AttemptOutcome::Warmed]);
        assert_eq!(self.grown.database().dump_served(), scratch.database().dump_served());
        assert_eq!(self.grown.totals().await, scratch.totals().await, "totals are kept, not counted anew");
        self.grown.database().assert_whole();
    }
}

fn source(name: &str, seed: u64) -> String {
    if name.ends_with(".py") { python(seed, 300) } else { rust(seed, 300) }
}

#[test]
fn any_history_equals_a_warm_from_scratch() {
    needs!(GIT, Need::Runtime);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    let config = Config { cases: HISTORIES, failure_persistence: None, max_shrink_iters: 30, ..Config::default() };
    let histories = proptest::collection::vec(step(), 1..=STEPS);
    let ran = TestRunner::new(config).run(&histories, |steps| {
        runtime.block_on(async {
            let mut world = World::new().await;
            world.assert_equals_from_scratch().await;
            for step in &steps {
                world.take(step);
                world.assert_equals_from_scratch().await;
            }
        });
        Ok(())
    });
    ran.unwrap_or_else(|failed| panic!("{failed}"));
}
