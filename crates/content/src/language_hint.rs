//! The language hint: what path and attributes say of a file's language, before its content is read.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use crate::language::Language;

/// What the `.gitattributes` say of one path; `None` where they are silent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathFacts {
    /// `linguist-generated`.
    pub generated: Option<bool>,
    /// `linguist-vendored`.
    pub vendored: Option<bool>,
    /// `linguist-language`.
    pub language: Option<String>,
    /// `binary` or `-diff`; `Some(false)` where the file is declared to be text. `-text` says nothing of it: it keeps
    /// line ends as they are.
    pub binary: Option<bool>,
    /// `filter=lfs`.
    pub lfs: bool,
}

/// What path and attributes say of a file; with the content and the rules it decides the outcome completely.
///
/// Stored by its text: a language's name, `?` where the content decides, `?h` for a header of C or C++, `?notebook` for
/// a Jupyter notebook; behind it
/// `+text` where the attributes deny that the file is binary, `+manual` where they deny that it is generated.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct LanguageHint {
    name: &'static str,
    text: bool,
    manual: bool,
}

/// The content decides: by its `#!` line.
const ANY: &str = "?";
/// The content decides: C, or C++ where it has words that C has not.
const HEADER: &str = "?h";
/// The content decides: the language of its kernel.
const NOTEBOOK: &str = "?notebook";

impl LanguageHint {
    /// The hint for a path of this file name.
    pub(crate) fn of(file_name: &str, facts: &PathFacts) -> Self {
        let declared = facts.language.as_deref().and_then(Language::by_name);
        let name = match declared.or_else(|| Language::by_file_name(file_name)) {
            Some(language) => language.name,
            None if file_name.to_lowercase().ends_with(".h") => HEADER,
            None if file_name.to_lowercase().ends_with(".ipynb") => NOTEBOOK,
            None => ANY,
        };
        Self { name, text: facts.binary == Some(false), manual: facts.generated == Some(false) }
    }

    /// Whether the attributes deny that the file is binary.
    pub(crate) fn is_text(self) -> bool {
        self.text
    }

    /// Whether the attributes deny that the file is generated.
    pub(crate) fn is_manual(self) -> bool {
        self.manual
    }

    /// Whether this is a Jupyter notebook, if its content is one.
    pub(crate) fn is_notebook(self) -> bool {
        self.name == NOTEBOOK
    }

    /// The stored form.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        HINTS.names.get(self).map_or(ANY, String::as_str)
    }

    /// The language of this content.
    #[must_use]
    pub fn language(self, content: &str) -> &'static Language {
        let name = match self.name {
            HEADER if is_cpp(content) => "cpp",
            HEADER => "c",
            NOTEBOOK => "json",
            name => name,
        };
        Language::by_name(name).or_else(|| Language::by_first_line(content)).unwrap_or_else(Language::text)
    }
}

/// Whether a line begins with a word that C++ has and C has not.
fn is_cpp(content: &str) -> bool {
    const WORDS: [&str; 9] =
        ["class ", "namespace ", "template ", "template<", "using ", "public:", "private:", "protected:", "virtual "];
    content.lines().map(str::trim_start).any(|line| WORDS.iter().any(|word| line.starts_with(word)))
}

struct Hints {
    names: HashMap<LanguageHint, String>,
    hints: HashMap<String, LanguageHint>,
}

static HINTS: LazyLock<Hints> = LazyLock::new(|| {
    let names = Language::all().iter().map(|language| language.name).chain([ANY, HEADER, NOTEBOOK]);
    let hints = names.flat_map(|name| {
        [(false, false), (false, true), (true, false), (true, true)].map(|(text, manual)| LanguageHint {
            name,
            text,
            manual,
        })
    });
    let names: HashMap<LanguageHint, String> = hints
        .map(|hint| {
            let text = if hint.text { "+text" } else { "" };
            let manual = if hint.manual { "+manual" } else { "" };
            (hint, format!("{}{text}{manual}", hint.name))
        })
        .collect();
    let hints = names.iter().map(|(hint, name)| (name.clone(), *hint)).collect();
    Hints { names, hints }
});

impl fmt::Display for LanguageHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no hint that this version knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an unknown language hint")]
pub struct UnknownLanguageHint;

impl FromStr for LanguageHint {
    type Err = UnknownLanguageHint;

    fn from_str(text: &str) -> Result<Self, UnknownLanguageHint> {
        HINTS.hints.get(text).copied().ok_or(UnknownLanguageHint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_read_as_they_are_shown() {
        assert_eq!(HINTS.names.len(), HINTS.hints.len());
        for (hint, name) in &HINTS.names {
            assert_eq!(name.parse(), Ok(*hint));
            assert_eq!(hint.as_str(), name);
        }
        assert_eq!("klingon".parse::<LanguageHint>(), Err(UnknownLanguageHint));
    }

    #[test]
    fn attributes_go_before_the_file_name() {
        let said = |language: &str| PathFacts { language: Some(language.into()), ..PathFacts::default() };
        assert_eq!(LanguageHint::of("a.rs", &PathFacts::default()).as_str(), "rust");
        assert_eq!(LanguageHint::of("a.rs", &said("C++")).as_str(), "cpp");
        assert_eq!(LanguageHint::of("a.rs", &said("Klingon")).as_str(), "rust");
        let denied = PathFacts { binary: Some(false), generated: Some(false), ..PathFacts::default() };
        assert_eq!(LanguageHint::of("tool", &denied).as_str(), "?+text+manual");
    }

    #[test]
    fn the_content_decides_where_the_name_does_not() {
        let language = |file: &str, content| LanguageHint::of(file, &PathFacts::default()).language(content).name;
        assert_eq!(language("tool", "#!/usr/bin/env python3\n"), "python");
        assert_eq!(language("tool", "hello\n"), "text");
        assert_eq!(language("a.h", "struct a { int b; };\n"), "c");
        assert_eq!(language("a.H", "#pragma once\n  namespace a {\n}\n"), "cpp");
    }
}
