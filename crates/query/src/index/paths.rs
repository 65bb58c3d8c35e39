//! Which paths a search looks at: the one that is named, else those that match as a glob.

use globset::{GlobBuilder, GlobMatcher};

/// A filter over paths. Names may look like globs (`app/[id]/page.py`): a path that is served under just this name, or
/// that is printed so, is meant and nothing else; only where there is none the filter is a glob.
pub(super) struct Paths {
    name: String,
    glob: Result<GlobMatcher, BadPattern>,
    named: bool,
}

/// Neither a path is named so, nor does it read as a glob.
#[derive(Debug, thiserror::Error)]
#[error("no file has this name, and it is no valid glob: {why}")]
pub struct BadPattern {
    /// As it was given.
    pub pattern: String,
    /// What the glob lacks.
    pub why: String,
}

/// Whether a path is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// No.
    Out,
    /// Yes.
    In,
    /// It is the first that is named, not matched: what was matched before is out.
    Alone,
}

impl Paths {
    /// Both ways to read `filter`, from the repository's root on.
    pub(super) fn new(filter: &str) -> Self {
        let name = filter.trim_start_matches("./").trim_start_matches('/');
        let glob = GlobBuilder::new(name).literal_separator(true).build().map(|glob| glob.compile_matcher());
        let glob = glob.map_err(|error| BadPattern { pattern: filter.to_owned(), why: error.kind().to_string() });
        Self { name: name.to_owned(), glob, named: false }
    }

    pub(super) fn judge(&mut self, path: &str) -> Fit {
        let is_named = is_printed_as(path, &self.name);
        match (is_named, self.named) {
            (true, false) => {
                self.named = true;
                Fit::Alone
            }
            (true, true) => Fit::In,
            (false, true) => Fit::Out,
            (false, false) if self.glob.as_ref().is_ok_and(|glob| glob.is_match(path)) => Fit::In,
            (false, false) => Fit::Out,
        }
    }

    /// After all paths were judged.
    ///
    /// # Errors
    /// When none was named, and none could match.
    pub(super) fn end(self) -> Result<(), BadPattern> {
        if self.named { Ok(()) } else { self.glob.map(drop) }
    }
}

/// Whether `printed` is `path` with none, some or all of its characters as their escapes.
fn is_printed_as(path: &str, printed: &str) -> bool {
    let mut rest = printed;
    let all = path.chars().all(|character| {
        let after = match rest.strip_prefix(character) {
            None if rest.starts_with('\\') => rest.strip_prefix(&*character.escape_default().to_string()),
            after => after,
        };
        after.map(|after| rest = after).is_some()
    });
    all && rest.is_empty()
}
