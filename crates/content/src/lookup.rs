//! Which language a name, a file name or a first line tells.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::language::Language;
use crate::languages::LANGUAGES;

impl Language {
    /// All of them.
    #[must_use]
    pub fn all() -> &'static [Self] {
        &LANGUAGES
    }

    /// The language of this name or alias, in any case.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        let name = name.to_lowercase();
        LANGUAGES.iter().find(|language| language.name == name || language.aliases.contains(&name.as_str()))
    }

    /// The language that a file's name tells.
    #[must_use]
    pub fn by_file_name(file_name: &str) -> Option<&'static Self> {
        if let Some(language) = INDEX.file_names.get(file_name) {
            return Some(language);
        }
        let (_, extension) = file_name.rsplit_once('.')?;
        INDEX.extensions.get(extension.to_lowercase().as_str()).copied()
    }

    /// The language whose interpreter the `#!` line of this text names.
    #[must_use]
    pub fn by_first_line(text: &str) -> Option<&'static Self> {
        let line = text.trim_start_matches('\u{feff}').strip_prefix("#!")?.lines().next()?;
        let mut words = line.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
        let mut program = words.next()?;
        if program == "env" {
            program = words.find(|word| !word.starts_with('-') && !word.contains('='))?;
        }
        let program = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        LANGUAGES.iter().find(|language| language.interpreters.contains(&program))
    }

    /// What everything is that has no other language.
    #[must_use]
    pub fn text() -> &'static Self {
        &LANGUAGES[0]
    }
}

struct Index {
    extensions: HashMap<&'static str, &'static Language>,
    file_names: HashMap<&'static str, &'static Language>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let pairs = |keys: fn(&Language) -> &'static [&'static str]| {
        LANGUAGES.iter().flat_map(move |language| keys(language).iter().map(move |key| (*key, language))).collect()
    };
    Index { extensions: pairs(|language| language.extensions), file_names: pairs(|language| language.file_names) }
});

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::language::Structure;

    #[test]
    fn names_extensions_and_file_names_mean_one_language_each() {
        let (mut names, mut extensions, mut files) = (HashSet::new(), HashSet::new(), HashSet::new());
        for language in Language::all() {
            for name in [language.name].iter().chain(language.aliases) {
                assert!(names.insert(*name), "{name} is used twice");
                assert_eq!(*name, name.to_lowercase());
                assert!(Language::by_name(&name.to_uppercase()).is_some_and(|found| found.name == language.name));
            }
            assert!(language.extensions.iter().all(|extension| extensions.insert(*extension)), "{language:?}");
            assert!(language.file_names.iter().all(|file| files.insert(*file)), "{language:?}");
        }
    }

    #[test]
    fn a_file_name_tells_its_language() {
        for (file, name) in [
            ("lib.rs", Some("rust")),
            ("types.d.ts", Some("typescript")),
            ("App.TSX", Some("tsx")),
            ("CMakeLists.txt", Some("cmake")),
            ("Makefile", Some("make")),
            ("notes.unheard-of", None),
            ("tool", None),
        ] {
            assert_eq!(Language::by_file_name(file).map(|language| language.name), name, "{file}");
        }
    }

    #[test]
    fn a_first_line_tells_its_language() {
        for (line, name) in [
            ("#!/bin/sh\n", Some("shell")),
            ("#!/usr/bin/env python3.12\n", Some("python")),
            ("#! /usr/bin/env -S A=b node --x\n", Some("javascript")),
            ("#!/opt/unheard-of\n", None),
            ("print(1)\n", None),
            ("#!", None),
        ] {
            assert_eq!(Language::by_first_line(line).map(|language| language.name), name, "{line}");
        }
    }

    #[test]
    fn every_item_is_a_kind_of_its_grammar_and_every_version_is_the_locked_one() {
        let lock = include_str!("../../../Cargo.lock");
        for language in Language::all() {
            let Structure::Tree(grammar) = &language.structure else { continue };
            let tree_sitter = (grammar.load)();
            for item in grammar.items {
                assert_ne!(tree_sitter.id_for_node_kind(item.kind, true), 0, "{language:?} has no {}", item.kind);
            }
            let (name, version) = grammar.version.split_once(' ').expect("name and version");
            let locked = format!("name = \"{name}\"\nversion = \"{version}\"");
            assert!(lock.contains(&locked), "{} is not the locked version", grammar.version);
        }
    }
}
