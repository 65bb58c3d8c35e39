//! The shape of the tree, as ARCHITECTURE.md and CONTRIBUTING.md say it is.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The guide is 300 lines; a file above this is more than one noun.
const LINES_MOST: usize = 400;

/// A heavy dependency, and the one crate that may know it.
const DOORS: [(&str, &str); 7] = [
    ("gix", "git"),
    ("ort", "embedding"),
    ("tokenizers", "embedding"),
    ("sqlx", "store"),
    ("tree-sitter", "content"),
    ("clap", "warmer"),
    ("opentelemetry", "warmer"),
];

/// What each crate may use of ours: arrows point down.
const ARROWS: [(&str, &[&str]); 10] = [
    ("settings", &[]),
    ("supervision", &[]),
    ("git", &["settings"]),
    ("content", &["settings"]),
    ("embedding", &["content"]),
    ("store", &["content", "settings"]),
    ("serve", &["settings", "store"]),
    ("pipeline", &["content", "embedding", "git", "settings", "store", "supervision"]),
    ("query", &["content", "embedding", "store"]),
    ("warmer", &["content", "embedding", "git", "pipeline", "query", "serve", "settings", "store", "supervision"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a member").to_path_buf()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn sources() -> Vec<(String, String)> {
    let mut found = vec![];
    let mut open: Vec<_> = ["crates", "tests", "benches"].iter().map(|part| root().join(part)).collect();
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).expect("a directory of the tree").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).expect("below the root").display().to_string();
                found.push((name, read(&path)));
            }
        }
    }
    found
}

/// The dependencies of a crate, those of its tests apart.
fn dependencies(name: &str) -> BTreeSet<String> {
    let manifest = read(&root().join("crates").join(name).join("Cargo.toml"));
    let section = manifest.split("[dependencies]").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    section.lines().filter_map(|line| line.split(['.', ' ', '=']).next()).map(str::to_owned).collect()
}

#[test]
fn every_promise_is_proved_by_tests_that_exist() {
    let architecture = read(&root().join("ARCHITECTURE.md"));
    let all: String = sources().into_iter().map(|(_, text)| text).collect();
    for number in 1..=14 {
        let start = format!("| W-{number} |");
        let row = architecture.lines().find(|line| line.starts_with(&start));
        let row = row.unwrap_or_else(|| panic!("ARCHITECTURE.md has no row for W-{number}"));
        let proof = row.split('|').nth(3).unwrap_or_default();
        let tests: Vec<_> = proof.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "W-{number} names no test");
        for test in tests {
            assert!(all.contains(&format!("fn {test}(")), "W-{number} names {test}, which does not exist");
        }
    }
}

#[test]
fn no_file_is_more_than_one_noun() {
    let long: Vec<_> = sources()
        .into_iter()
        .map(|(name, text)| (text.lines().count(), name))
        .filter(|(lines, _)| *lines > LINES_MOST)
        .collect();
    assert!(long.is_empty(), "longer than {LINES_MOST} lines: {long:?}");
}

#[test]
fn heavy_dependencies_have_one_door() {
    for (dependency, door) in DOORS {
        for (name, _) in ARROWS.iter().filter(|(name, _)| *name != door) {
            assert!(!dependencies(name).contains(dependency), "{name} uses {dependency}, which belongs to {door}");
        }
    }
}

#[test]
fn arrows_point_down() {
    for (name, below) in ARROWS {
        for dependency in dependencies(name) {
            if let Some(ours) = dependency.strip_prefix("warmer-") {
                assert!(below.contains(&ours), "{name} must not know {ours}");
            }
        }
    }
}

#[test]
fn only_the_process_reads_the_environment() {
    let reads = ["env::var(", "env::var_os(", "env::vars("];
    for (name, text) in sources() {
        let allowed =
            ["crates/warmer/", "crates/xtask/", "tests/", "benches/"].iter().any(|part| name.starts_with(part))
                || name.contains("/tests/");
        assert!(allowed || !reads.iter().any(|read| text.contains(read)), "{name} reads the environment");
    }
}

#[test]
fn no_test_sleeps() {
    let nap = concat!("sle", "ep(");
    for (name, text) in sources() {
        let is_test = name.starts_with("tests/") || name.contains("/tests/") || name.contains("conformance");
        // The supervision runtime is tested on a paused clock, where sleeping is how time goes on; a fault of the chaos
        // suite lasts for so long, and this is the one place where it does.
        let lasts = name.starts_with("crates/supervision/") || name == "tests/chaos/clock.rs";
        assert!(!is_test || lasts || !text.contains(nap), "{name} sleeps");
    }
}
