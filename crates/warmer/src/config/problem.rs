//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::PathBuf;

/// Where a value was written. Ordered as people look for mistakes: files from top to bottom, then what is laid over them.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
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

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Defaults => f.write_str("defaults"),
            Self::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag => f.write_str("--set"),
        }
    }
}

impl Place {
    /// The place at `offset` bytes of a file's text; other places have no inside.
    pub(crate) fn at(&self, text: &str, offset: usize) -> Self {
        let Self::File { path, .. } = self else { return self.clone() };
        let before = text.get(..offset.min(text.len())).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        let column = before[line_start..].chars().count() + 1;
        Self::File { path: path.clone(), line, column }
    }
}

/// One mistake: where, at which key, and what was expected. Never holds a value that may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Where the value was written.
    pub(crate) place: Place,
    /// `section.key`, or empty where the text is no TOML at all.
    pub(crate) key: String,
    /// What is wrong, and what was expected.
    pub(crate) message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, key, message } = self;
        if key.is_empty() { write!(f, "{place}: {message}") } else { write!(f, "{place}: {key}: {message}") }
    }
}

/// All mistakes of a configuration, at least one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the configuration is wrong:{}", .0.iter().map(|problem| format!("\n  {problem}")).collect::<String>())]
pub(crate) struct Problems(pub(crate) Vec<Problem>);
