//! The promises of ARCHITECTURE.md and their tests.

use crate::tree::{read, root, sources};

#[test]
fn every_promise_is_proved_by_tests_that_exist() {
    let architecture = read(&root().join("ARCHITECTURE.md"));
    let all: String = sources().into_iter().map(|(_, text)| text).collect();
    for number in 1..=15 {
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
fn the_files_that_documents_name_exist() {
    let mut missing = vec![];
    for document in ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", "SECURITY.md"] {
        let text = read(&root().join(document));
        let names = text.split('`').skip(1).step_by(2);
        let is_path =
            |name: &&str| ["crates/", "tests/", "benches/", "config/"].iter().any(|part| name.starts_with(part));
        // A name in capitals is to be filled in.
        let is_plain = |name: &&str| !name.contains(' ') && !name.contains(|c: char| c.is_ascii_uppercase());
        let gone = names.filter(is_path).filter(is_plain).filter(|name| !root().join(name).exists());
        missing.extend(gone.map(|name| format!("{document}: {name}")));
    }
    assert!(missing.is_empty(), "documents name what is not there: {missing:?}");
}
