//! How lines look that define a name, in a language without a grammar: the shape of the table.

use std::sync::OnceLock;

use regex::Regex;

use super::record::DefinitionKind;

/// The patterns of one language.
pub(super) struct Patterns {
    /// What stands between the names of a qualified name.
    pub(super) separator: &'static str,
    /// Whether a name with dots in it is one name.
    whole: bool,
    /// Words before what a line defines that say nothing of its kind: they are left out before a pattern is tried.
    modifiers: &'static [&'static str],
    /// What annotations begin with: left out as well.
    annotation: Option<char>,
    /// The first that matches holds.
    rules: &'static [Rule],
    compiled: OnceLock<Vec<Regex>>,
}

/// A kind of line that defines a name.
#[derive(Debug)]
pub(super) struct Rule {
    kind: DefinitionKind,
    /// Only where a modifier stood before it: `public int Claim(` and not `return Claim(`.
    modified: bool,
    /// Of a line without white space around it; the first group is the name.
    pattern: &'static str,
}

/// Any line of this pattern.
pub(super) const fn line(kind: DefinitionKind, pattern: &'static str) -> Rule {
    Rule { kind, modified: false, pattern }
}

/// A line of this pattern behind a modifier.
pub(super) const fn modified(kind: DefinitionKind, pattern: &'static str) -> Rule {
    Rule { kind, modified: true, pattern }
}

impl Patterns {
    pub(super) const fn new(separator: &'static str, rules: &'static [Rule]) -> Self {
        Self { separator, whole: false, modifiers: &[], annotation: None, rules, compiled: OnceLock::new() }
    }

    pub(super) const fn with_modifiers(mut self, modifiers: &'static [&'static str], annotation: Option<char>) -> Self {
        self.modifiers = modifiers;
        self.annotation = annotation;
        self
    }

    pub(super) const fn with_whole_names(mut self) -> Self {
        self.whole = true;
        self
    }

    /// What a line without white space around it defines, and its name as it stands there.
    pub(super) fn defined<'t>(&self, line: &'t str) -> Option<(DefinitionKind, &'t str)> {
        self.matched(line).map(|(rule, name)| (self.rules[rule].kind, name))
    }

    /// The first rule that the line is of, and the name.
    pub(super) fn matched<'t>(&self, line: &'t str) -> Option<(usize, &'t str)> {
        let compiled = self.compiled.get_or_init(|| {
            let all = self.rules.iter();
            all.map(|rule| Regex::new(rule.pattern).expect("a test compiles every pattern")).collect()
        });
        let bare = self.without_modifiers(line);
        self.rules.iter().zip(compiled).enumerate().find_map(|(at, (rule, regex))| {
            let name = (!rule.modified || bare.len() < line.len()).then(|| regex.captures(bare)).flatten()?.get(1)?;
            Some((at, name.as_str())).filter(|(_, name)| !name.is_empty())
        })
    }

    /// How many rules there are.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.rules.len()
    }

    /// The last part of a name, unless dots are part of names.
    pub(super) fn last<'t>(&self, path: &'t str) -> &'t str {
        if self.whole { path } else { path.rsplit(['.', ':', '#', '\\', '/']).next().unwrap_or_default() }
    }

    fn without_modifiers<'t>(&self, line: &'t str) -> &'t str {
        let mut rest = line;
        loop {
            let next = self.without_annotation(rest).or_else(|| {
                let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
                let (word, behind) = rest.split_at(length);
                // `private[this]`, `private(set)`
                let behind = if word.is_empty() { behind } else { without_brackets(behind).unwrap_or(behind) };
                (self.modifiers.contains(&word) && behind.starts_with([' ', '\t'])).then(|| behind.trim_start())
            });
            match next {
                Some(next) => rest = next,
                None => return rest,
            }
        }
    }

    /// The line behind `@name(…)` or `[…]`, if it begins so and goes on.
    fn without_annotation<'t>(&self, line: &'t str) -> Option<&'t str> {
        let mark = self.annotation.filter(|mark| line.starts_with(*mark))?;
        let behind = match mark {
            '[' => without_brackets(line)?,
            _ => {
                let name =
                    line[mark.len_utf8()..].trim_start_matches(|c: char| c.is_alphanumeric() || "._".contains(c));
                without_brackets(name).unwrap_or(name)
            }
        };
        Some(behind.trim_start()).filter(|rest| !rest.is_empty() && rest.len() < line.len())
    }
}

/// What is behind the bracket that the text begins with, up to the first that closes one.
fn without_brackets(text: &str) -> Option<&str> {
    text.starts_with(['(', '[']).then(|| text.find([')', ']']).map(|end| &text[end + 1..])).flatten()
}

impl std::fmt::Debug for Patterns {
    /// What of it decides the symbols of a text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (self.separator, self.whole, self.modifiers, self.annotation, self.rules).fmt(f)
    }
}
