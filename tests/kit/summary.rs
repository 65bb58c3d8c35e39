//! What `warmer warm --json` says of a warm: its output contract, read back.

use serde_json::Value;

use crate::running::Ran;

/// A finished `warmer warm --json`.
#[derive(Clone, Debug)]
pub struct Warmed {
    /// The process.
    pub ran: Ran,
    /// All of its stdout.
    pub json: Value,
}

impl Warmed {
    /// Reads the summary of a finished process.
    ///
    /// # Panics
    /// When there is none on its stdout.
    #[must_use]
    pub fn of(ran: Ran) -> Self {
        Self { json: ran.json(), ran }
    }

    /// The only repository.
    ///
    /// # Panics
    /// When it was not one.
    #[must_use]
    pub fn one(&self) -> Summary<'_> {
        let all = self.all();
        assert_eq!(all.len(), 1, "{:?}", self.ran);
        all[0]
    }

    /// Every repository, in the order of the arguments.
    #[must_use]
    pub fn all(&self) -> Vec<Summary<'_>> {
        self.json["repositories"].as_array().into_iter().flatten().map(Summary).collect()
    }
}

/// What was done for one repository.
#[derive(Clone, Copy, Debug)]
pub struct Summary<'a>(pub &'a Value);

impl<'a> Summary<'a> {
    /// `warmed`, `fresh`, `retry` or `dead`.
    #[must_use]
    pub fn verdict(self) -> &'a str {
        self.0["verdict"].as_str().unwrap_or_else(|| panic!("no verdict: {}", self.0))
    }

    /// The commit that is served now.
    #[must_use]
    pub fn commit(self) -> &'a str {
        self.0["commit"].as_str().unwrap_or_else(|| panic!("no commit: {}", self.0))
    }

    /// Why it did not work; empty where it did.
    #[must_use]
    pub fn error(self) -> &'a str {
        self.0["error"].as_str().unwrap_or_default()
    }

    /// Files: `indexed`, `unchanged` or `removed`.
    #[must_use]
    pub fn files(self, what: &str) -> u64 {
        self.number(&format!("/files/{what}"))
    }

    /// Files skipped for this reason.
    #[must_use]
    pub fn skipped(self, reason: &str) -> u64 {
        self.0["files"]["skipped"][reason].as_u64().unwrap_or(0)
    }

    /// Chunks of the indexed files.
    #[must_use]
    pub fn chunks(self) -> u64 {
        self.number("/chunks")
    }

    /// Texts that were embedded.
    #[must_use]
    pub fn embedded(self) -> u64 {
        self.number("/vectors/embedded")
    }

    /// Texts whose vector was there already.
    #[must_use]
    pub fn reused(self) -> u64 {
        self.number("/vectors/reused")
    }

    /// A number of the summary, by JSON pointer.
    #[must_use]
    pub fn number(self, pointer: &str) -> u64 {
        let number = self.0.pointer(pointer).and_then(Value::as_u64);
        number.unwrap_or_else(|| panic!("no number at {pointer}: {}", self.0))
    }
}
