//! What is asked, and how much of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Every option, with what it is.
const KNOWN: [(&str, &str); 6] = [
    ("--chunks", "of the cold repositories of `served`, `push` and `before`, about"),
    ("--pushes", "of `push`, in each of its three parts"),
    ("--texts", "of `forks`, `scale` and `memory`, instead of what each has"),
    ("--rounds", "of `before` and `check`"),
    ("--repositories", "of `check`"),
    ("--against", "the binary that `before` and `check` compare with"),
];

/// The arguments.
pub(crate) struct Options {
    questions: Vec<String>,
    values: BTreeMap<String, String>,
}

impl Options {
    /// Of this process.
    pub(crate) fn parse(questions: &[&str]) -> Result<Self, String> {
        let mut options = Self { questions: vec![], values: BTreeMap::new() };
        let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
        while let Some(argument) = arguments.next() {
            if questions.contains(&argument.as_str()) {
                options.questions.push(argument);
            } else if KNOWN.iter().any(|(name, _)| *name == argument) {
                let value = arguments.next().ok_or_else(|| format!("{argument} needs a value"))?;
                options.values.insert(argument, value);
            } else {
                let known = KNOWN.map(|(name, what)| format!("  {name:<14} {what}")).join("\n");
                return Err(format!("no question is {argument}: {}\noptions:\n{known}", questions.join(", ")));
            }
        }
        options.numbers()?;
        if let Some(binary) = options.values.get("--against").filter(|binary| !Path::new(binary).is_file()) {
            return Err(format!("--against names no file: {binary} (cargo bench runs in benches: give a whole path)"));
        }
        Ok(options)
    }

    /// Whether this is to be answered.
    pub(crate) fn asks(&self, question: &str) -> bool {
        self.questions.is_empty() || self.questions.iter().any(|asked| asked == question)
    }

    /// How many, or the usual number.
    pub(crate) fn number(&self, name: &str, usual: usize) -> usize {
        self.values.get(name).and_then(|value| value.parse().ok()).unwrap_or(usual)
    }

    /// The binary to compare with. Where there is none it says that the question is not answered.
    pub(crate) fn against(&self, question: &str) -> Option<PathBuf> {
        let binary = self.values.get("--against").and_then(|binary| std::path::absolute(binary).ok());
        if binary.is_none() {
            xtask::not_run(&format!("--against BINARY for {question}"));
        }
        binary
    }

    fn numbers(&self) -> Result<(), String> {
        for (name, value) in self.values.iter().filter(|(name, _)| *name != "--against") {
            if value.parse::<usize>().ok().is_none_or(|number| number == 0) {
                return Err(format!("{name} is a number above 0, and not {value}"));
            }
        }
        Ok(())
    }
}
