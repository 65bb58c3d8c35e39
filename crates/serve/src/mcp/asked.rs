//! What `read` is asked for: which file, and what of it.

use super::arguments::ReadArguments;
use super::known::Known;
use super::place::{Lines, Place};
use super::refused::Refused;

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// These lines of a file.
    Lines(String, Lines),
    /// What a file defines.
    Outline(String),
    /// What is called so, in a file or wherever it is.
    Symbol(Option<String>, String),
    /// A file, all of it.
    Whole(String),
}

/// A call of `read`.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// The repository that it names, by itself or in front of the path.
    pub(super) repository: Option<String>,
    pub(super) wanted: Wanted,
    pub(super) max_tokens: usize,
}

impl Asked {
    /// Of these arguments. `known` are those whose names may stand in front of a path.
    pub(super) fn of(arguments: ReadArguments, known: &[Known]) -> Result<Self, Refused> {
        let ReadArguments { path, repository, lines, symbol, outline, max_tokens } = arguments;
        let Some(path) = path else {
            let symbol = symbol.ok_or_else(|| Refused::new("read: give the `path` of a file, or a `symbol`"))?;
            return Ok(Self { repository, wanted: Wanted::Symbol(None, symbol), max_tokens: max_tokens.0 });
        };
        let Place { file, lines: placed } = Place::parse(&path);
        let named = file.split_once(':').filter(|(name, _)| known.iter().any(|known| known.name == *name));
        let (repository, file) = match (repository, named) {
            (None, Some((name, path))) => (Some(name.to_owned()), path.to_owned()),
            (Some(given), Some((name, path))) if given == name => (Some(given), path.to_owned()),
            (given, _) => (given, file),
        };
        let wanted = match (lines, placed, symbol) {
            _ if outline => Wanted::Outline(file),
            (_, _, Some(symbol)) => Wanted::Symbol(Some(file), symbol),
            (Some(text), ..) => Wanted::Lines(file, parsed(&text)?),
            (None, Some(lines), None) => Wanted::Lines(file, lines),
            (None, None, None) => Wanted::Whole(file),
        };
        Ok(Self { repository, wanted, max_tokens: max_tokens.0 })
    }
}

fn parsed(text: &str) -> Result<Lines, Refused> {
    let wrong = || Refused::new(format!("read: lines is {text:?}, and must be like 40-80, counted from 1"));
    Lines::parse(text.trim()).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::arguments::read;
    use super::*;

    fn wanted(arguments: serde_json::Value) -> Result<Wanted, String> {
        let arguments = read("read", arguments.as_object().cloned()).map_err(|Refused(sentence)| sentence)?;
        Asked::of(arguments, &[]).map(|asked| asked.wanted).map_err(|Refused(sentence)| sentence)
    }

    #[test]
    fn a_file_or_a_symbol_is_asked_for_and_of_a_file_what_was_said_most_precisely() {
        let (file, name) = (|| "a.rs".to_owned(), || "claim".to_owned());
        let lines = Lines { first: 3, last: 9 };
        for (arguments, expected) in [
            (json!({ "path": "a.rs" }), Wanted::Whole(file())),
            (json!({ "path": "a.rs:3-9" }), Wanted::Lines(file(), lines)),
            (json!({ "path": "a.rs:1", "lines": " 3-9 " }), Wanted::Lines(file(), lines)),
            (json!({ "path": "a.rs:3-9", "symbol": "claim" }), Wanted::Symbol(Some(file()), name())),
            (json!({ "path": "a.rs:3-9", "outline": true }), Wanted::Outline(file())),
            (json!({ "symbol": "claim", "outline": true }), Wanted::Symbol(None, name())),
        ] {
            assert_eq!(wanted(arguments.clone()), Ok(expected), "{arguments}");
        }
        assert!(wanted(json!({})).unwrap_err().contains("give the `path` of a file, or a `symbol`"));
        assert!(wanted(json!({ "path": "a.rs", "lines": "9-3" })).unwrap_err().contains("must be like 40-80"));
    }
}
