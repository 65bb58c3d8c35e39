//! Symbols: what a text defines, and what it refers to.
//!
//! They are a record of their own beside the artifact, made from its text and language alone, so that a better
//! extractor needs no git, no new chunk and no new vector. Three sources: the grammar's tree where there is one (the
//! chunker's own, so that a text is parsed once), headings in Markdown, a table of patterns elsewhere (and for code
//! that is too large to parse, or never ends being parsed).
//!
//! A definition's qualified name has its parents before it. What an `impl` of a trait defines is named
//! `<Vec<u8> as FromHex>::from_hex`: it defines neither `Vec` nor `FromHex`.

mod languages;
mod name;
mod path;
mod pattern_table;
mod patterns;
mod record;
mod sections;
mod table;
mod text_lines;
mod uncut;
mod used;
mod walk;

use std::sync::LazyLock;

use tree_sitter::Tree;

pub use record::{Definition, DefinitionKind, Reference, ReferenceKind, Symbols};
use table::{Load, SymbolTable};

use crate::chunk_error::ChunkError;
use crate::deadline::Deadline;
use crate::key::{KeyBuilder, SymbolsId};
use crate::language::{Language, Structure};
use crate::parse::{self, parse};

/// Counted up when the same text and tables give other symbols than before, or the record has another shape.
const VERSION: u64 = 2;

/// A larger text is not parsed for its symbols, in bytes: as much as is parsed for its chunks by default.
const PARSED_BYTES_MAX: usize = 512 << 10;

/// The fingerprint of everything that decides the symbols of a text: extractor, grammars and tables.
#[must_use]
pub fn symbols_id() -> SymbolsId {
    static ID: LazyLock<SymbolsId> = LazyLock::new(|| {
        let mut key = KeyBuilder::new("warmer symbols v1").number(VERSION).number(PARSED_BYTES_MAX as u64);
        key = key.number(parse::STEPS.into()).number(parse::BYTES_PER_STEP.into());
        key = record::LIMITS.iter().fold(key, |key, limit| key.number(*limit as u64));
        for language in Language::all() {
            key = key.field(language.name);
            if let Some(table) = languages::table(language) {
                let version = grammar(language, table).map_or("", |(version, _)| version);
                key = key.field(version).field(format!("{table:?}"));
            }
            key = key.field(format!("{:?}", pattern_table::of(language)));
        }
        SymbolsId(key.finish())
    });
    *ID
}

/// Name and version of the grammar that a table is read with, and the grammar.
fn grammar(language: &Language, table: &SymbolTable) -> Option<(&'static str, Load)> {
    match (&language.structure, table.grammar) {
        (_, Some(own)) => Some(own),
        (Structure::Tree(grammar), None) => Some((grammar.version, grammar.load)),
        _ => None,
    }
}

impl Symbols {
    /// The symbols of a text, as the same text in the same language has them at every time and place.
    ///
    /// # Errors
    /// When the deadline passes or is cancelled.
    pub fn of(text: &str, language: &Language, deadline: &Deadline) -> Result<Self, ChunkError> {
        Self::of_parsed(text, language, None, deadline)
    }

    /// As [`Symbols::of`], with the tree of the language's own grammar where the text was parsed already.
    pub(crate) fn of_parsed(
        text: &str,
        language: &Language,
        tree: Option<&Tree>,
        deadline: &Deadline,
    ) -> Result<Self, ChunkError> {
        if let Structure::Headings = language.structure {
            return Ok(sections::of(text));
        }
        if let Some(table) = languages::table(language)
            && let Some((_, load)) = grammar(language, table)
            && text.len() <= PARSED_BYTES_MAX
        {
            let parsed = match tree {
                Some(_) if table.grammar.is_none() => None,
                _ => parse(text, load, deadline)?,
            };
            let tree = if table.grammar.is_none() { tree.or(parsed.as_ref()) } else { parsed.as_ref() };
            if let Some(tree) = tree {
                return walk::symbols(text, table, load, tree, deadline);
            }
        }
        Ok(pattern_table::of(language).map(|patterns| text_lines::symbols(text, patterns)).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_of_a_table_says_something_in_its_own_grammar_and_every_version_is_the_locked_one() {
        let lock = include_str!("../../../Cargo.lock");
        for language in Language::all() {
            let Some(table) = languages::table(language) else { continue };
            let (version, load) = grammar(language, table).expect("a table has a grammar");
            let tree_sitter = load();
            for node in table.nodes() {
                let id = tree_sitter.id_for_node_kind(node, true);
                assert_ne!(id, 0, "{language:?} has no {node}");
                assert!(table.roles(load)[usize::from(id)].is_any(), "{node} says nothing in {language:?}");
            }
            let (name, version) = version.split_once(' ').expect("name and version");
            let locked = format!("name = \"{name}\"\nversion = \"{version}\"");
            assert!(lock.contains(&locked), "{name} {version} is not the locked version");
        }
    }

    #[test]
    fn a_grammar_for_symbols_alone_is_that_of_a_language_that_is_cut_as_text() {
        for language in Language::all() {
            if languages::table(language).is_some_and(|table| table.grammar.is_some()) {
                assert!(matches!(language.structure, Structure::Lines), "{language:?}");
            }
        }
    }

    #[test]
    fn every_language_with_a_grammar_has_a_table() {
        for language in Language::all() {
            if matches!(language.structure, Structure::Tree(_)) {
                assert!(languages::table(language).is_some(), "{language:?}");
            }
        }
    }
}
