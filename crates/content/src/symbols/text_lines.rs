//! The definitions of a text without a grammar: lines that match a pattern, and the lines that belong to them by their
//! indentation.

use super::patterns::Patterns;
use super::record::{DEFINITIONS_MAX, Definition, DefinitionKind, Symbols, qualified, signature, small};
use crate::node_text::tidy;

/// Longer lines are data, in bytes.
const LINE_BYTES_MAX: usize = 2_000;

pub(super) fn symbols(text: &str, patterns: &Patterns) -> Symbols {
    let mut blocks = Blocks { patterns, definitions: vec![], open: vec![], last: (0, 1) };
    let mut at = 0;
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        if !line.trim().is_empty() && line.len() <= LINE_BYTES_MAX {
            blocks.line(line, at, number);
        }
        at += line.len();
    }
    blocks.close_to(0);
    Symbols { definitions: blocks.definitions, references: vec![] }
}

/// A definition whose lines may go on.
struct Open {
    indent: usize,
    index: usize,
}

struct Blocks<'a> {
    patterns: &'a Patterns,
    definitions: Vec<Definition>,
    open: Vec<Open>,
    /// The end of the last line that was not blank, and its number.
    last: (usize, usize),
}

impl Blocks<'_> {
    fn line(&mut self, line: &str, at: usize, number: usize) {
        let bare = line.trim();
        let indent = line.len() - line.trim_start().len();
        let found = self.patterns.defined(bare);
        if found.is_some_and(|(kind, _)| kind == DefinitionKind::Section) {
            self.close_to(0);
        }
        self.end_before(indent, bare);
        self.last = (at + line.trim_end().len(), number);
        if self.closes(indent, bare) {
            self.close_to(self.open.len() - 1);
        }
        let Some((kind, path)) = found else { return };
        let local = self.open.iter().any(|open| self.definitions[open.index].kind.is_function());
        if (local && kind.is_variable()) || self.definitions.len() == DEFINITIONS_MAX {
            return;
        }
        self.begin(kind, path, bare, (at + indent, number), indent);
    }

    fn begin(&mut self, kind: DefinitionKind, path: &str, line: &str, (start, number): (usize, usize), indent: usize) {
        let parent = self.open.last().map(|open| open.index);
        let outer = parent.map(|parent| &self.definitions[parent]);
        let is_method = kind == DefinitionKind::Function && outer.is_some_and(|outer| outer.kind.has_methods());
        let path = tidy(path.trim_matches(['"', '`', '\'', '[', ']']));
        let name = self.patterns.last(&path);
        if name.is_empty() {
            return;
        }
        let definition = Definition {
            name: name.to_owned(),
            qualified: qualified(outer.map(|outer| outer.qualified.as_str()), self.patterns.separator, &path),
            kind: if is_method { DefinitionKind::Method } else { kind },
            signature: signature(line),
            start: small(start),
            end: small(start + line.len()),
            start_line: small(number),
            end_line: small(number),
            parent: parent.map(small),
        };
        self.open.push(Open { indent, index: self.definitions.len() });
        self.definitions.push(definition);
    }

    /// Ends what a line of this indentation is not inside of. What opens or closes a block stands as deep as what it
    /// belongs to.
    fn end_before(&mut self, indent: usize, line: &str) {
        let deeper = self.open.partition_point(|open| open.indent <= indent);
        self.close_to(deeper);
        let Some(open) = self.open.last() else { return };
        // A section goes on until the next begins.
        let goes_on = self.definitions[open.index].kind == DefinitionKind::Section;
        let keeps = goes_on || line.starts_with(['{', '}', ')', ']']) || is_end(line);
        if !keeps && open.indent == indent {
            self.close_to(self.open.len() - 1);
        }
    }

    /// Whether the line is the last of the innermost definition.
    fn closes(&self, indent: usize, line: &str) -> bool {
        // `) {` and `] do` go on.
        let closing = line.starts_with('}') || is_end(line) || (line.starts_with([')', ']']) && !line.ends_with('{'));
        let is_section = |open: &Open| self.definitions[open.index].kind == DefinitionKind::Section;
        closing && self.open.last().is_some_and(|open| open.indent == indent && !is_section(open))
    }

    /// Ends the innermost until so many are open.
    fn close_to(&mut self, count: usize) {
        for open in self.open.drain(count..) {
            let definition = &mut self.definitions[open.index];
            let (end, line) = (small(self.last.0), small(self.last.1));
            (definition.end, definition.end_line) = (end.max(definition.end), line.max(definition.end_line));
        }
    }
}

/// Whether the line begins with a word that ends a block.
fn is_end(line: &str) -> bool {
    let word = line.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
    matches!(word, "end" | "done" | "fi" | "esac" | "END" | "endfunction" | "endmacro")
}

#[cfg(test)]
mod tests {
    use super::super::pattern_table;
    use super::*;
    use crate::language::Language;

    fn shown(language: &str, text: &str) -> Vec<(String, u32, u32)> {
        let language = Language::by_name(language).expect("a language of the table");
        let symbols = symbols(text, pattern_table::of(language).expect("patterns"));
        symbols.definitions.into_iter().map(|of| (of.qualified, of.start_line, of.end_line)).collect()
    }

    #[test]
    fn lines_belong_to_what_they_are_indented_below_with_the_brace_or_word_that_ends_it() {
        let place = |name: &str, start, end| (name.to_owned(), start, end);
        assert_eq!(
            shown(
                "ruby",
                "module Warm\n  class Queue\n    def claim(id)\n      id\n    end\n\n    def size = 1\n  end\nend\n"
            ),
            [
                place("Warm", 1, 9),
                place("Warm::Queue", 2, 8),
                place("Warm::Queue::claim", 3, 5),
                place("Warm::Queue::size", 7, 7)
            ]
        );
        assert_eq!(
            shown(
                "c_sharp",
                "public class Queue\n{\n    public int Claim(\n        int id\n    ) {\n        return id;\n    }\n}\n\
                 class B {}\n"
            ),
            [place("Queue", 1, 8), place("Queue.Claim", 3, 7), place("B", 9, 9)]
        );
    }

    #[test]
    fn of_a_path_the_last_part_is_the_name_unless_dots_are_part_of_names() {
        let named = |language: &str, text: &str| {
            let language = Language::by_name(language).expect("a language of the table");
            let symbols = symbols(text, pattern_table::of(language).expect("patterns"));
            symbols.definitions.into_iter().map(|of| (of.name, of.qualified)).collect::<Vec<_>>()
        };
        let both = |name: &str, qualified: &str| (name.to_owned(), qualified.to_owned());
        assert_eq!(named("lua", "function Queue:claim(id)\nend\n"), [both("claim", "Queue:claim")]);
        assert_eq!(named("toml", "[lints.rust]\na = 1\n"), [both("lints.rust", "lints.rust")]);
    }

    #[test]
    fn a_section_of_configuration_ends_where_the_next_begins_even_where_that_is_indented() {
        let place = |name: &str, start, end| (name.to_owned(), start, end);
        let text = "[package]\nname = \"a\"\n\n  [lints]\n  rust = 1\n";
        assert_eq!(shown("toml", text), [place("package", 1, 2), place("lints", 4, 5)]);
    }
}
