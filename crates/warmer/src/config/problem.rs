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
#[error("the configuration is wrong:{}", told(.0))]
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
}

fn told(problems: &[Problem]) -> String {
    let mut text: String = problems.iter().take(TOLD_MOST).map(|problem| format!("\n  {problem}")).collect();
    if problems.len() > TOLD_MOST {
        text.push_str("\n  and more, which are told once these are mended");
    }
    text
}
