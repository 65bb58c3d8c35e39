//! The patterns of the languages whose grammar is not part of the product. A further language is one entry here.
//!
//! What is hardly ever asked for by name has none: keys of YAML and JSON, elements of HTML, rules of CSS.

mod classes;
mod plain;

use super::patterns::Patterns;
use crate::language::Language;

/// The patterns that the language's texts are read with, where there are any.
pub(super) fn of(language: &Language) -> Option<&'static Patterns> {
    Some(match language.name {
        "c_sharp" => &classes::C_SHARP,
        "clojure" => &plain::CLOJURE,
        "cmake" => &plain::CMAKE,
        "dart" => &classes::DART,
        "dockerfile" => &plain::DOCKERFILE,
        "elixir" => &plain::ELIXIR,
        "erlang" => &plain::ERLANG,
        "fish" => &plain::FISH,
        "graphql" => &plain::GRAPHQL,
        "groovy" => &classes::GROOVY,
        "haskell" => &plain::HASKELL,
        "hcl" => &plain::HCL,
        "ini" | "toml" => &plain::TABLES,
        "julia" => &plain::JULIA,
        "kotlin" => &classes::KOTLIN,
        "lua" => &plain::LUA,
        "make" => &plain::MAKE,
        "objective-c" => &classes::OBJECTIVE_C,
        "perl" => &plain::PERL,
        "php" => &classes::PHP,
        "powershell" => &plain::POWERSHELL,
        "protobuf" => &plain::PROTOBUF,
        "r" => &plain::R,
        "ruby" => &classes::RUBY,
        "scala" => &classes::SCALA,
        "shell" => &plain::SHELL,
        "sql" => &plain::SQL,
        "starlark" => &plain::STARLARK,
        "svelte" | "vue" => &classes::SCRIPT,
        "swift" => &classes::SWIFT,
        "zig" => &classes::ZIG,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// What lines define: a language, a kind with a name or `-` for nothing, and a line, in each of these.
    const LINES: &str = include_str!("pattern_table/lines.txt");

    /// The parts of all lines.
    fn lines() -> impl Iterator<Item = (&'static str, &'static Patterns, &'static str, &'static str)> {
        LINES.lines().map(|line| {
            let [language, expected, text] =
                line.splitn(3, " | ").collect::<Vec<_>>().try_into().expect("three parts in each line");
            let patterns = of(Language::by_name(language).expect("a language of the table")).expect("patterns");
            (language, patterns, expected, text)
        })
    }

    #[test]
    fn a_line_defines_the_name_that_stands_in_it_and_a_call_an_assignment_or_a_comparison_nothing() {
        for (language, patterns, expected, text) in lines() {
            let defined = patterns.defined(text).map(|(kind, name)| format!("{} {name}", kind.as_str()));
            assert_eq!(defined.as_deref().unwrap_or("-"), expected, "{language}: {text}");
        }
    }

    #[test]
    fn each_pattern_of_each_language_has_a_line_that_it_is_for() {
        for language in Language::all() {
            let Some(patterns) = of(language) else { continue };
            let own = lines().filter(|(_, used, ..)| std::ptr::eq(*used, patterns));
            let used: HashSet<usize> = own.filter_map(|(.., text)| patterns.matched(text)).map(|(at, _)| at).collect();
            let unused: Vec<usize> = (0..patterns.count()).filter(|at| !used.contains(at)).collect();
            assert!(unused.is_empty(), "{language:?}: no line for the patterns {unused:?}");
        }
    }
}
