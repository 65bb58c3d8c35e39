//! A language: how its files are known, and how they are cut.

use crate::grammar::Grammar;

/// One language: how its files are known, and how they are cut.
pub struct Language {
    /// Its one name in keys, headers and filters, for example `rust`.
    pub name: &'static str,
    /// Other names people and `.gitattributes` give it, in lower case.
    pub aliases: &'static [&'static str],
    /// How its files' names end, behind a dot, in lower case.
    pub extensions: &'static [&'static str],
    /// Whole names of its files.
    pub file_names: &'static [&'static str],
    /// The programs a `#!` line names.
    pub interpreters: &'static [&'static str],
    /// How its texts are cut.
    pub structure: Structure,
}

/// How the texts of a language are cut.
pub enum Structure {
    /// At paragraphs and indentation; code, or at least not written as prose.
    Lines,
    /// At paragraphs; its lines may be as long as paragraphs.
    Prose,
    /// At headings: Markdown.
    Headings,
    /// At items.
    Tree(Grammar),
}

impl std::fmt::Debug for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
