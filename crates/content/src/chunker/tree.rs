//! The outline of code: the depth of what begins on a line, and the items with their names.

use tree_sitter::{Node, Tree, TreeCursor};

use crate::chunk_error::ChunkError;
use crate::chunker::border::{Line, Outline, lines};
use crate::chunker::name;
use crate::chunker::symbols::Scope;
use crate::deadline::Deadline;
use crate::grammar::{Grammar, Role};
use crate::lines::line_starts;
use crate::walk::{Visitor, walk};

/// The outline of a text that was parsed.
pub(super) fn outline(text: &str, grammar: &Grammar, tree: &Tree, deadline: &Deadline) -> Result<Outline, ChunkError> {
    let mut marks = Marks::new(text, grammar);
    walk(tree, 0, &mut marks, deadline)?;
    Ok(marks.outline())
}

/// A line on which a node begins.
struct Mark {
    at: u32,
    depth: u32,
    /// The comment, attribute or decorator above belongs to it.
    attached: bool,
    item: bool,
}

struct Marks<'a> {
    text: &'a str,
    grammar: &'a Grammar,
    lines: Vec<u32>,
    marks: Vec<Mark>,
    /// The mark at which what leads to the last mark begins; often the last mark itself.
    head: usize,
    /// The end of the last comment, attribute or other lead that stays with what follows.
    lead_end: Option<usize>,
    scopes: Vec<Scope>,
    /// The scopes that the walk is in.
    open: Vec<usize>,
}

impl<'t> Visitor<'t> for Marks<'_> {
    /// The depth of what is directly inside; a body adds none.
    type Level = u32;

    fn visit(&mut self, cursor: &TreeCursor<'t>, depth: &u32) -> Option<u32> {
        let node = cursor.node();
        let role = if node.is_named() { self.grammar.role(node.kind_id()) } else { Role::Plain };
        self.mark(node, role, *depth);
        (!matches!(role, Role::Lead | Role::Prefix)).then(|| depth + u32::from(role != Role::Body))
    }
}

impl<'a> Marks<'a> {
    fn new(text: &'a str, grammar: &'a Grammar) -> Self {
        let lines = line_starts(text);
        Self { text, grammar, lines, marks: vec![], head: 0, lead_end: None, scopes: vec![], open: vec![] }
    }

    fn mark(&mut self, node: Node<'_>, role: Role, depth: u32) {
        let start = node.start_byte();
        let line = self.lines.partition_point(|line| *line as usize <= start).saturating_sub(1);
        let at = self.lines[line];
        let first = self.text[at as usize..start].trim_start().is_empty();
        let marked = self.marks.last().is_some_and(|mark| mark.at == at);
        if first && !marked && node.is_named() && role != Role::Body {
            let attached = self.lead_end.is_some_and(|end| self.is_next_line(end, start));
            self.marks.push(Mark { at, depth, attached, item: false });
            if !attached {
                self.head = self.marks.len() - 1;
            }
        }
        match role {
            Role::Lead if !first => {}
            Role::Lead | Role::Prefix => self.lead_end = Some(self.end_of(node)),
            Role::Item(item) => {
                let item = &self.grammar.items[usize::from(item)];
                if let Some((name, label)) = name::of(node, item, self.text) {
                    self.begin(node, name, label, at);
                }
            }
            _ => {}
        }
    }

    /// The end of the node's text; a Rust doc comment's node has the line end too.
    fn end_of(&self, node: Node<'_>) -> usize {
        let text = &self.text[node.byte_range()];
        node.start_byte() + text.trim_end().len()
    }

    /// Whether nothing but one line end and indentation is between these two.
    fn is_next_line(&self, end: usize, start: usize) -> bool {
        let between = self.text.get(end..start).unwrap_or("?");
        between.trim().is_empty() && between.matches('\n').count() <= 1
    }

    fn begin(&mut self, node: Node<'_>, name: String, label: String, line: u32) {
        // The outline's offsets are 32 bits wide; a text of 4 GiB or more was refused before.
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let (start, end) = (offset(node.start_byte()), offset(node.end_byte()));
        if self.marks.last().is_some_and(|mark| mark.at == line) {
            self.marks[self.head].item = true;
        }
        while self.open.pop_if(|open| self.scopes[*open].end <= start).is_some() {}
        let parent = self.open.last().copied();
        self.open.push(self.scopes.len());
        self.scopes.push(Scope { start, end, parent, name, label });
    }

    fn outline(self) -> Outline {
        let mut marks = self.marks.iter().peekable();
        let border = |line: Line<'_>| {
            while marks.next_if(|mark| (mark.at as usize) < line.at).is_some() {}
            match marks.next_if(|mark| mark.at as usize == line.at) {
                Some(mark) if !mark.attached => line.border(line.level(mark.depth), mark.item),
                _ => line.border(line.inner_level(), false),
            }
        };
        Outline { borders: lines(self.text).map(border).collect(), scopes: self.scopes }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::chunker::border::{CLOSING, INNER};
    use crate::language::{Language, Structure};
    use crate::parse::parse;

    /// Of each line that is not blank the depth, `i` inside of something, `c` where it closes it, and `+` before an
    /// item.
    fn outlined(language: &str, text: &str) -> String {
        let deadline = Deadline { until: Instant::now() + Duration::from_secs(3600), cancelled: Arc::default() };
        let language = Language::by_name(language).expect("a language of the table");
        let Structure::Tree(grammar) = &language.structure else { panic!("{language:?} has a grammar") };
        let tree = parse(text, grammar.load, &deadline).expect("in time").expect("in bounds");
        let outline = outline(text, grammar, &tree, &deadline).expect("in time");
        let shown = outline.borders.iter().map(|border| match border.level {
            CLOSING => "c".to_owned(),
            INNER.. => "i".to_owned(),
            level => format!("{}{}", if border.item { "+" } else { "" }, level / 2),
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_is_in_a_body_is_one_deeper_than_what_the_body_is_of_whose_brace_is_no_border() {
        for (language, text, expected) in [
            ("java", "@interface A\n{\n  int a();\n}\n", "+0 i 1 c"),
            ("rust", "fn a()\n{\n  b();\n}\n", "+0 i 1 c"),
            ("java", "class A\n{\n  int a;\n}\n", "+0 i 1 c"),
            ("c", "int a(void)\n{\n  b();\n}\n", "+0 i 1 c"),
            ("java", "class A {\n  A()\n  {\n    b();\n  }\n}\n", "+0 +1 i 2 c c"),
            ("rust", "mod a\n{\n  fn b() {}\n}\n", "+0 i +1 c"),
            ("java", "enum A\n{\n  B,\n}\n", "+0 i 1 c"),
            ("rust", "enum A\n{\n  B,\n}\n", "+0 i 1 c"),
            ("c", "enum a\n{\n  b,\n};\n", "+0 i 1 c"),
            ("c", "struct a\n{\n  int b;\n};\n", "+0 i 1 c"),
            ("java", "interface A\n{\n  int b();\n}\n", "+0 i +1 c"),
            ("rust", "fn a() {\n  match b\n  {\n    c => d(),\n  }\n}\n", "+0 1 i 3 c c"),
            ("typescript", "type A =\n{\n  b: string;\n};\n", "+0 i 1 c"),
            ("javascript", "function a()\n{\n  b();\n}\n", "+0 i 1 c"),
            ("go", "func a() {\n\tb()\n\tc()\n}\n", "+0 1 1 c"),
            (
                "java",
                "class A {\n  int a() {\n    switch (b)\n    {\n      case 1: c();\n    }\n  }\n}\n",
                "+0 +1 2 i 3 c c c",
            ),
            ("javascript", "switch (b)\n{\n  case 1: c();\n}\n", "0 i 1 c"),
        ] {
            assert_eq!(outlined(language, text), expected, "{language}: {text}");
        }
    }

    #[test]
    fn what_leads_to_an_item_stays_with_it() {
        for (language, text, expected) in [
            ("cpp", "int a;\n[[nodiscard]]\nint b() {}\n", "0 +0 i"),
            ("rust", "use a;\n#[inline]\nfn b() {}\n", "0 +0 i"),
            ("rust", "use a;\n/* b */\nfn b() {}\n", "0 +0 i"),
            ("python", "a = 1\n# b\ndef b():\n  pass\n", "0 +0 i 1"),
            ("python", "a = 1\n@b\ndef b():\n  pass\n", "0 +0 i 2"),
            ("javascript", "a;\n<!-- b\nfunction b() {}\n", "0 +0 i"),
            ("rust", "use a;\n// b\nfn b() {}\n", "0 +0 i"),
            ("java", "class A {\n  @Override\n  int b() {}\n}\n", "+0 +1 i c"),
            ("cpp", "template <typename T>\nint b() {}\n", "+0 i"),
        ] {
            assert_eq!(outlined(language, text), expected, "{language}: {text}");
        }
    }
}
