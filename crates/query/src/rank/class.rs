//! What kind of file a path is: code, what is about code, or what stands beside it.

use crate::words::all_words;

/// What kind of file it is. A file may be several: `tests/data/README.md` is a test and prose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Class {
    /// Documents and data.
    pub(crate) is_prose: bool,
    /// Tests, and what only they use.
    pub(crate) is_test: bool,
    /// Examples.
    pub(crate) is_example: bool,
    /// Kept for others' sake, copied or generated.
    pub(crate) is_outdated: bool,
    /// It declares or passes on what is written elsewhere.
    pub(crate) is_stub: bool,
}

/// Languages in which nothing is programmed.
const PROSE: &[&str] =
    &["text", "markdown", "restructuredtext", "asciidoc", "tex", "csv", "toml", "yaml", "json", "xml", "ini"];
const DOCUMENTS: &[&str] = &["doc", "docs", "documentation"];
const TESTS: &[&str] = &[
    "test",
    "tests",
    "testing",
    "spec",
    "specs",
    "__tests__",
    "__mocks__",
    "testdata",
    "fixtures",
    "e2e",
    "bench",
    "benches",
    "benchmark",
    "benchmarks",
];
const EXAMPLES: &[&str] =
    &["example", "examples", "sample", "samples", "demo", "demos", "docs_src", "tutorial", "tutorials", "cookbook"];
const OUTDATED: &[&str] = &[
    "compat",
    "legacy",
    "deprecated",
    "polyfill",
    "polyfills",
    "vendor",
    "vendored",
    "third_party",
    "thirdparty",
    "node_modules",
    "generated",
];
const STUBS: &[&str] = &["__init__.py", "package-info.java", "module-info.java"];
const STUB_ENDINGS: &[&str] = &[".d.ts", ".d.mts", ".d.cts", ".pyi"];
/// Names by which a directory's own file goes.
const INDEXES: &[&str] = &["mod", "index", "main", "lib", "__init__", "__main__"];

impl Class {
    /// Of a file in this language.
    pub(crate) fn of(path: &str, language: &str) -> Self {
        let (directories, name) = path.rsplit_once('/').unwrap_or(("", path));
        let directories = directories.to_ascii_lowercase();
        let is_in = |names: &[&str]| directories.split('/').any(|directory| names.contains(&directory));
        let stem = stem(name);
        let called = |names: &[&str]| {
            let mut parts = stem.split(['.', '_', '-']);
            parts.any(|part| names.contains(&part.to_ascii_lowercase().as_str()))
        };
        Self {
            is_prose: PROSE.contains(&language) || is_in(DOCUMENTS),
            is_test: is_in(TESTS) || is_test_name(stem),
            is_example: is_in(EXAMPLES) || called(&["example", "examples"]),
            is_outdated: is_in(OUTDATED)
                || called(&["compat", "legacy", "deprecated", "generated", "min", "pb", "pb2"]),
            is_stub: STUBS.contains(&name) || STUB_ENDINGS.iter().any(|ending| name.ends_with(ending)),
        }
    }

    fn is_code(self) -> bool {
        !(self.is_prose || self.is_test || self.is_example)
    }
}

/// Kinds of files. None of them means all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sides {
    /// Code that is neither a test nor an example.
    pub code: bool,
    /// Documents and data.
    pub docs: bool,
    /// Tests and examples.
    pub tests: bool,
}

impl Sides {
    /// Whether only some files are on them.
    #[must_use]
    pub fn is_any(self) -> bool {
        self.code || self.docs || self.tests
    }

    /// Whether a file in this language is on one of them.
    pub(crate) fn have(self, path: &str, language: &str) -> bool {
        if !self.is_any() {
            return true;
        }
        let class = Class::of(path, language);
        let is_test = class.is_test || class.is_example;
        (self.code && class.is_code()) || (self.docs && class.is_prose) || (self.tests && is_test)
    }
}

/// `test_a`, `a_test`, `a.spec`, `conftest`, and the `ATest` of Java and C#.
fn is_test_name(stem: &str) -> bool {
    let words = ["test", "tests", "spec", "specs"];
    let lower = stem.to_ascii_lowercase();
    let mut ends = [lower.split(['.', '_', '-']).next(), lower.rsplit(['.', '_', '-']).next()].into_iter().flatten();
    let is_camel =
        ["Test", "Tests", "TestCase", "Spec"].iter().any(|end| stem.len() > end.len() && stem.ends_with(end));
    lower == "conftest" || is_camel || ends.any(|end| words.contains(&end))
}

/// The name of a file without its last extension; a name that begins with a dot is one.
fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem })
}

/// The words that a file is called by: those of its name without the extension, and of its directory where the name
/// is that of any directory's own file (`retry/mod.rs`).
pub(crate) fn name_words(path: &str) -> Vec<String> {
    let (directories, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = stem(name);
    let directory = directories.rsplit('/').next().filter(|directory| !directory.is_empty());
    match directory {
        Some(directory) if INDEXES.contains(&stem) => all_words(directory),
        _ => all_words(stem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_path_says() {
        let code = Class::default();
        let (test, prose) = (Class { is_test: true, ..code }, Class { is_prose: true, ..code });
        let (outdated, stub) = (Class { is_outdated: true, ..code }, Class { is_stub: true, ..code });
        for (path, language, expected) in [
            ("src/retry.rs", "rust", code),
            ("src/contest.rs", "rust", code),
            ("src/latest.py", "python", code),
            ("tests/retry.rs", "rust", test),
            ("src/a/tests.rs", "rust", test),
            ("pkg/retry_test.go", "go", test),
            ("test_retry.py", "python", test),
            ("web/cart.spec.ts", "typescript", test),
            ("src/RetryTest.java", "java", test),
            ("Test.java", "java", test),
            ("README.md", "markdown", prose),
            ("docs/conf.py", "python", prose),
            ("package.json", "json", prose),
            ("examples/a.rs", "rust", Class { is_example: true, ..code }),
            ("tests/data/a.json", "json", Class { is_prose: true, ..test }),
            ("vendor/a.go", "go", outdated),
            ("lib/compat.py", "python", outdated),
            ("api/a_pb2.py", "python", outdated),
            ("a/__init__.py", "python", stub),
            ("types/a.d.ts", "typescript", stub),
        ] {
            assert_eq!(Class::of(path, language), expected, "{path}");
        }
    }

    #[test]
    fn a_file_is_called_by_its_name_or_by_its_directory() {
        for (path, words) in [
            ("src/http/retry_policy.rs", "retrypolicy retri polici"),
            ("src/retry/mod.rs", "retri"),
            ("index.js", "index"),
            (".gitignore", "gitignor"),
        ] {
            assert_eq!(name_words(path).join(" "), words, "{path}");
        }
    }

    #[test]
    fn every_file_is_on_one_side_at_least_and_no_side_is_all() {
        let one = |code, docs, tests| Sides { code, docs, tests };
        for (path, language, sides) in [
            ("src/a.rs", "rust", [true, false, false]),
            ("README.md", "markdown", [false, true, false]),
            ("tests/a.rs", "rust", [false, false, true]),
            ("tests/a.json", "json", [false, true, true]),
            ("vendor/a.go", "go", [true, false, false]),
        ] {
            let all = [one(true, false, false), one(false, true, false), one(false, false, true)];
            assert_eq!(all.map(|side| side.have(path, language)), sides, "{path}");
            assert!(Sides::default().have(path, language) && one(true, true, true).have(path, language), "{path}");
        }
    }
}
