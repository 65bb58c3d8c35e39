//! Habits that a compiler does not see.

use crate::tree::{read, root, sources};

/// The guide is 300 lines; a file above this is more than one noun.
const LINES_MOST: usize = 400;

/// The width that rustfmt keeps code to; it leaves comments and strings as they are.
fn width() -> usize {
    let settings: toml::Table = toml::from_str(&read(&root().join("rustfmt.toml"))).expect("rustfmt's settings");
    let width = settings.get("max_width").and_then(toml::Value::as_integer);
    width.and_then(|width| usize::try_from(width).ok()).expect("a width is configured")
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
fn no_line_is_wider_than_the_configured_width() {
    let width = width();
    let mut wide = vec![];
    for (name, text) in sources() {
        let lines = text.lines().enumerate().filter(|(_, line)| line.chars().count() > width);
        wide.extend(lines.map(|(number, _)| format!("{name}:{}", number + 1)));
    }
    assert!(wide.is_empty(), "wider than {width} columns:\n{}", wide.join("\n"));
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
