//! Questions and where their answers stand, as `label.py` writes them.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use warmer_content::Digest;

use super::corpora::Corpus;

/// How a question was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A doc comment: what it describes is sought.
    Doc,
    /// A name: its definitions are sought.
    Symbol,
    /// What a file says of itself: the file is sought.
    File,
    /// The text of an error: where it is raised is sought.
    Error,
    /// A few words, as people ask: the files that are about it are sought.
    Topic,
}

impl Kind {
    /// What the tables call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Doc => "doc",
            Self::Symbol => "symbol",
            Self::File => "file",
            Self::Error => "error",
            Self::Topic => "topic",
        }
    }
}

/// A question.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// How it was made.
    pub kind: Kind,
    /// What is asked.
    pub question: String,
    /// Whether it has the name of what is sought.
    pub named: bool,
    /// Where that stands; all of these are right.
    pub answers: Vec<Place>,
}

/// Lines of a file, counted from 1, the last one inclusive.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The file, relative to the repository's root.
    pub path: String,
    /// The first line.
    pub start_line: u32,
    /// The last line.
    pub end_line: u32,
}

/// A code base without what is asked about it, and the questions.
#[derive(Clone, Debug)]
pub struct Labels {
    /// A git repository.
    pub source: PathBuf,
    /// What is asked.
    pub questions: Vec<Question>,
}

/// The program that makes them, and all that it is made of.
fn program() -> PathBuf {
    beside("label.py")
}

/// A file of this benchmark.
fn beside(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("retrieval").join(name)
}

/// Makes the questions of a code base, unless the same were made before.
///
/// # Panics
/// When the program fails, with what it says.
#[must_use]
pub fn made(corpus: &Corpus, directory: &Path) -> Labels {
    let pin = serde_json::to_string(corpus).expect("it came from a text");
    let stamp = stamp(&pin);
    let own = directory.join(&corpus.name);
    let (made, stamped) = (own.join("labelled"), own.join("labelled.stamp"));
    if fs::read_to_string(&stamped).ok().as_deref() != Some(&*stamp) {
        write("label.py", &pin, &made, &directory.join("archives"));
        fs::write(&stamped, stamp).expect("a directory of our own");
    }
    let lines = fs::read_to_string(made.join("questions.jsonl")).expect("the program wrote it");
    let questions = lines.lines().map(|line| serde_json::from_str(line).expect("a question")).collect();
    Labels { source: made.join("source"), questions }
}

/// The code base as it is, and questions about it that are made of none of its texts. So no comment has to be taken
/// out, which is what a model of sentences reads best of a code base.
///
/// # Panics
/// When there are none, or the program fails, with what it says.
#[must_use]
pub fn topics(corpus: &Corpus, directory: &Path) -> Labels {
    let pin = serde_json::to_string(corpus).expect("it came from a text");
    let own = directory.join(&corpus.name);
    let (made, stamped) = (own.join("whole"), own.join("whole.stamp"));
    if fs::read_to_string(&stamped).ok().as_deref() != Some(&*pin) {
        write("whole.py", &pin, &made, &directory.join("archives"));
        fs::write(&stamped, pin).expect("a directory of our own");
    }
    let source = made.join("source");
    let questions = topics_of(corpus);
    for place in questions.iter().flat_map(|question| &question.answers) {
        assert!(source.join(&place.path).is_file(), "{} has no {}", corpus.name, place.path);
    }
    Labels { questions, source }
}

/// Each line of `topics/NAME.tsv` is a question, a tab, and the paths of the files that are about it.
fn topics_of(corpus: &Corpus) -> Vec<Question> {
    let topics = beside("topics").join(&corpus.name).with_extension("tsv");
    let lines = fs::read_to_string(&topics).unwrap_or_else(|error| panic!("{}: {error}", topics.display()));
    let place = |path: &str| Place { path: path.to_owned(), start_line: 1, end_line: u32::MAX };
    let question = |line: &str| {
        let (question, paths) = line.split_once('\t').expect("a question, a tab, paths");
        let answers = paths.split(' ').map(place).collect();
        Question { kind: Kind::Topic, question: question.to_owned(), named: false, answers }
    };
    lines.lines().map(question).collect()
}

/// Runs a program of this benchmark, which writes to `made`.
fn write(program: &str, pin: &str, made: &Path, archives: &Path) {
    let mut command = Command::new("python3");
    command.arg(beside(program)).arg(made).arg(archives).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("python3 starts");
    child.stdin.take().expect("a pipe").write_all(pin.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What the questions depend on.
fn stamp(pin: &str) -> String {
    let mut files: Vec<_> = fs::read_dir(program().with_file_name("labelling")).expect("beside it").flatten().collect();
    files.sort_by_key(fs::DirEntry::path);
    let paths = files.into_iter().map(|file| file.path()).filter(|path| path.is_file());
    let texts = paths.chain([program()]).map(|path| fs::read_to_string(path).expect("a text"));
    Digest::of([pin.to_owned()].into_iter().chain(texts).collect::<Vec<_>>().join("\0").as_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;
    use warmer_tests::{GIT, Need, needs};

    use super::*;
    use crate::retrieval::corpora::Role;

    const RUST: &str = "\
//! Decides when a failed request may be sent once more.

/// Waits longer after each failure, up to a bound.
///
/// # Examples
/// None.
#[must_use]
pub fn delay(attempt: u32) -> u32 {
    assert!(attempt > 0);
    check(attempt).expect(\"attempts are counted from one\")
}

#[cfg(test)]
mod tests {
    /// Tells nobody anything of interest here.
    fn helper() {}
}
";
    const PYTHON: &str = "\
class Store:
    \"\"\"Keeps the values of all sessions together.\"\"\"

    def load(self, key):
        \"\"\"Reads one value that was written before.\"\"\"
        raise KeyError(f\"no such session: {key} is not known\")
";
    const SCRIPT: &str = "\
/**
 * @fileoverview Turns what a person typed into numbers
 */
/**
 * Checks whether the given text
 * has only digits in it.
 * @param {string} text The text.
 */
function isNumeric(text) {
  if (!text) { throw new TypeError('an empty text was given'); }
}
";
    const DOCUMENT: &str = "The retry module waits longer after each failure, up\nto a bound. It is kind.\n";

    fn labelled() -> (TempDir, Labels) {
        let directory = TempDir::new().unwrap();
        let tree = directory.path().join("given");
        fs::create_dir_all(tree.join("src")).unwrap();
        for (name, text) in [("src/retry.rs", RUST), ("src/store.py", PYTHON), ("src/numbers.js", SCRIPT)] {
            fs::write(tree.join(name), text).unwrap();
        }
        fs::write(tree.join("README.md"), DOCUMENT).unwrap();
        let [registry, package] = ["directory".to_owned(), tree.display().to_string()];
        let [name, version, sha256, licence] = ["tree", "", "", ""].map(str::to_owned);
        let (take, sources) = (vec![], vec!["src".to_owned()]);
        let role = Role::Build;
        let corpus = Corpus { name, role, registry, package, version, sha256, licence, take, sources };
        let labels = made(&corpus, directory.path());
        (directory, labels)
    }

    fn question<'l>(labels: &'l Labels, question: &str) -> &'l Question {
        let found = labels.questions.iter().find(|one| one.question == question);
        found.unwrap_or_else(|| panic!("nobody asks {question:?}: {:#?}", labels.questions))
    }

    #[test]
    fn the_code_bases_to_build_with_have_topics_that_name_files_where_answers_may_lie() {
        for corpus in Corpus::all().into_iter().filter(|corpus| corpus.role == Role::Build) {
            let all = topics_of(&corpus);
            assert!(all.len() >= 30, "{}: {}", corpus.name, all.len());
            for question in all {
                let is_source =
                    |place: &Place| corpus.sources.iter().any(|source| place.path.starts_with(&format!("{source}/")));
                assert!(!question.answers.is_empty() && question.answers.iter().all(is_source), "{question:?}");
            }
        }
    }

    #[test]
    fn comments_names_and_errors_become_questions_with_their_places() {
        needs!(GIT, Need::Program("python3"), Need::Program("ctags"));
        let (_directory, labels) = labelled();
        let place = |path: &str, start_line, end_line| Place { path: path.to_owned(), start_line, end_line };
        let asked = |text: &str| {
            let one = question(&labels, text);
            (one.kind, one.named, one.answers[0].clone())
        };
        let delay = place("src/retry.rs", 3, 6);
        assert_eq!(asked("Waits longer after each failure, up to a bound"), (Kind::Doc, false, delay.clone()));
        assert_eq!(asked("delay"), (Kind::Symbol, true, delay));
        let file = asked("Decides when a failed request may be sent once more");
        assert_eq!((file.0, file.1, &*file.2.path), (Kind::File, false, "src/retry.rs"));
        assert_eq!(asked("attempts are counted from one").2, place("src/retry.rs", 5, 5));
        assert_eq!(asked("Keeps the values of all sessions together").2, place("src/store.py", 1, 6));
        assert_eq!(asked("Reads one value that was written before").2, place("src/store.py", 4, 6));
        assert_eq!(asked("no such session: is not known").2, place("src/store.py", 6, 6));
        assert_eq!(asked("Checks whether the given text has only digits in it").2, place("src/numbers.js", 1, 3));
        assert_eq!(asked("Turns what a person typed into numbers").0, Kind::File);
        assert!(asked("Turns what a person typed into numbers").1, "numbers.js is named");
        assert_eq!(asked("an empty text was given").0, Kind::Error);
        assert!(labels.questions.iter().all(|one| !one.question.contains("nobody")), "tests are not asked about");
    }

    #[test]
    fn what_is_asked_stands_in_no_file() {
        needs!(GIT, Need::Program("python3"), Need::Program("ctags"));
        let (_directory, labels) = labelled();
        let said = |text: &str| text.split(|c: char| !c.is_alphanumeric()).collect::<Vec<_>>().join(" ").to_lowercase();
        for name in ["src/retry.rs", "src/store.py", "src/numbers.js", "README.md"] {
            let text = said(&fs::read_to_string(labels.source.join(name)).unwrap());
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            for question in labels.questions.iter().filter(|one| one.kind != Kind::Symbol) {
                let asked = said(&question.question).split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(!text.contains(&asked), "{name} says {asked:?}:\n{text}");
            }
        }
        let document = fs::read_to_string(labels.source.join("README.md")).unwrap();
        assert_eq!(document, "The retry module . It is kind.\n", "the rest stays");
        let python = fs::read_to_string(labels.source.join("src/store.py")).unwrap();
        let expected = "class Store:\n    ...\n\n    def load(self, key):\n        ...\n        raise KeyError(\"\")\n";
        assert_eq!(python, expected);
    }
}
