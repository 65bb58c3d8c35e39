//! The promises of ARCHITECTURE.md and their tests.

use crate::tree::{read, root, sources};

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
