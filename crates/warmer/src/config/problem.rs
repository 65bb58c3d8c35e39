//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::PathBuf;

use warmer_settings::Mistake;

use super::file::Text;

/// Where a value was written. Ordered as people look for mistakes: files from top to bottom, then what is laid over
/// them.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// The embedded manual.
    #[default]
    Defaults,
    /// A file; line and column count from 1, the column in characters.
    File { path: PathBuf, line: usize, column: usize },
    /// An environment variable.
    Variable(String),
    /// `--set` on the command line.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Defaults => f.write_str("defaults"),
            Self::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag => f.write_str("--set"),
        }
    }
}

impl Origin {
    /// The origin at `offset` bytes of a file's text; other origins have no inside.
    pub(crate) fn at(&self, text: &Text, offset: usize) -> Self {
        let Self::File { path, .. } = self else { return self.clone() };
        let (line, column) = text.position(offset);
        Self::File { path: path.clone(), line, column }
    }
}

/// One mistake: where, at which key, and what was expected. Never holds a value that may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Where the value was written.
    pub(crate) origin: Origin,
    /// `section.key`, or empty where the text is no TOML at all.
    pub(crate) key: String,
    /// What is wrong, and what was expected.
    pub(crate) message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, key, message } = self;
        if key.is_empty() { write!(f, "{origin}: {message}") } else { write!(f, "{origin}: {key}: {message}") }
    }
}

/// The most mistakes that are told at once: somebody reads them.
pub(super) const TOLD_MOST: usize = 100;

/// All mistakes of a configuration, at least one; of very many those that were found first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the configuration is wrong:\n  {}", told(.0, "\n  "))]
pub(crate) struct Problems(pub(crate) Vec<Problem>);

impl Problems {
    /// Of environment variables, each by its name.
    pub(crate) fn of_variables(mistakes: Vec<Mistake>) -> Self {
        let problem = |Mistake { key, message }| Problem {
            origin: Origin::Variable(key.to_owned()),
            key: String::new(),
            message,
        };
        Self(mistakes.into_iter().map(problem).collect())
    }

    /// The same sentence for a log.
    pub(crate) fn in_one_line(&self) -> String {
        format!("the configuration is wrong: {}", told(&self.0, "; "))
    }
}

/// The mistakes with this between them.
fn told(problems: &[Problem], between: &str) -> String {
    let mut told: Vec<_> = problems.iter().take(TOLD_MOST).map(Problem::to_string).collect();
    if problems.len() > TOLD_MOST {
        told.push("and more, which are told once these are mended".to_owned());
    }
    told.join(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_stand_below_each_other_or_in_one_line() {
        let problem =
            |key: &str| Problem { origin: Origin::Flag, key: key.to_owned(), message: "no number".to_owned() };
        let problems = Problems(vec![problem("git.timeout"), problem("gc.every")]);
        let lines = "the configuration is wrong:\n  --set: git.timeout: no number\n  --set: gc.every: no number";
        assert_eq!(problems.to_string(), lines);
        let line = "the configuration is wrong: --set: git.timeout: no number; --set: gc.every: no number";
        assert_eq!(problems.in_one_line(), line);
        let many = Problems(vec![problem("a"); TOLD_MOST + 1]).in_one_line();
        assert!(many.ends_with("no number; and more, which are told once these are mended"), "{many}");
    }
}
