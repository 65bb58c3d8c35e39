//! The symbols of a tree, in one walk of it.

use std::collections::HashMap;

use tree_sitter::{Node, Tree, TreeCursor};

use super::name::{self, Named};
use super::record::{
    DEFINITIONS_MAX, Definition, DefinitionKind, REFERENCE_LINES_MAX, REFERENCES_MAX, Reference, ReferenceKind,
    Symbols, qualified, signature, small,
};
use super::table::{From, Load, Name, Role, SymbolTable};
use super::used;
use crate::chunk_error::ChunkError;
use crate::deadline::Deadline;
use crate::walk::{Visitor, walk};

/// A signature is looked for so far before and behind a name, in bytes: a minified file is one line.
const LINE_NEAR: usize = 1_024;

pub(super) fn symbols(
    text: &str,
    table: &SymbolTable,
    load: Load,
    tree: &Tree,
    deadline: &Deadline,
) -> Result<Symbols, ChunkError> {
    let (roles, references) = (table.roles(load), HashMap::new());
    let mut found = Found { text, table, roles, definitions: vec![], references, open: vec![] };
    walk(tree, Level { node: None, defines: false }, &mut found, deadline)?;
    Ok(found.symbols())
}

/// A node around the one that is looked at.
#[derive(Clone, Copy)]
struct Level<'a> {
    node: Option<Node<'a>>,
    /// Whether it defines a name.
    defines: bool,
}

/// What the walk is inside of, and what that means for what it finds.
struct Open {
    end: usize,
    /// What it defines; none where it only makes names local.
    definition: Option<usize>,
    local: bool,
    /// Whether it has no end of its own, but goes on to the next of its kind.
    endless: bool,
}

struct Found<'a> {
    text: &'a str,
    table: &'a SymbolTable,
    roles: &'a [Role],
    definitions: Vec<Definition>,
    references: HashMap<(&'a str, ReferenceKind), Vec<u32>>,
    open: Vec<Open>,
}

impl<'a> Visitor<'a> for Found<'a> {
    type Level = Level<'a>;

    fn visit(&mut self, cursor: &TreeCursor<'a>, above: &Level<'a>) -> Option<Level<'a>> {
        let node = cursor.node();
        // The parser's error node has an id beyond the table.
        let role = self.roles.get(usize::from(node.kind_id())).copied().unwrap_or_default();
        let defines = match role.is_any() {
            true => self.look(node, role, *above, cursor.field_name()),
            // The last part of a path that is a name.
            false => above.defines && cursor.field_name() == Some("name"),
        };
        Some(Level { node: Some(node), defines })
    }
}

impl<'a> Found<'a> {
    /// Whether the node defines a name.
    fn look(&mut self, node: Node<'a>, role: Role, above: Level<'_>, field: Option<&str>) -> bool {
        let start = node.start_byte();
        while self.open.pop_if(|open| open.end <= start).is_some() {}
        if let Some(refer) = role.refer {
            self.refer(node, usize::from(refer), above, field);
        }
        let mut defines = false;
        if let Some(define) = role.define {
            let define = &self.table.definitions[usize::from(define)];
            let inside = match define.name {
                Name::Itself(parent) => above.node.is_some_and(|node| node.kind() == parent),
                _ => true,
            };
            let named = if inside { name::defined(node, define, above.defines, self.text) } else { vec![] };
            defines = self.define(node, define.name, named);
        }
        if role.local {
            self.open.push(Open { end: node.end_byte(), definition: None, local: true, endless: false });
        }
        defines
    }

    /// Ends what goes on until the next begins here; whether one may begin, which is inside of nothing else.
    fn end_scope(&mut self, at: usize) -> bool {
        let ended = self.open.pop_if(|open| open.endless).and_then(|open| open.definition);
        if let Some(ended) = ended.and_then(|ended| self.definitions.get_mut(ended)) {
            let body = self.text[ended.start as usize..at].trim_end();
            ended.end = ended.start + small(body.len());
            ended.end_line = ended.start_line + small(body.matches('\n').count());
        }
        self.open.is_empty()
    }

    /// Behind the last byte of a node's text, and the last line.
    fn end_of(&self, node: Node<'_>) -> (usize, usize) {
        let body = self.text.get(node.byte_range()).unwrap_or_default().trim_end();
        let end = node.start_byte() + body.len();
        // Some nodes have the line end behind them.
        let behind = self.text.get(end..node.end_byte()).unwrap_or_default().matches('\n').count();
        (end, (node.end_position().row + 1).saturating_sub(behind))
    }

    /// The same of the whole text.
    fn end_of_text(&self) -> (usize, usize) {
        let all = self.text.trim_end();
        (all.len(), 1 + all.matches('\n').count())
    }

    fn define(&mut self, node: Node<'_>, by: Name, names: Vec<Named<'_>>) -> bool {
        let is_scope = by == Name::Scope && node.child_by_field_name("body").is_none();
        let endless = is_scope && self.end_scope(node.start_byte());
        let (parent, local) = self.around(by);
        let first = self.definitions.len();
        let (end, end_line) = if endless { self.end_of_text() } else { self.end_of(node) };
        for Named { node: at, name, path, whole, kind } in names {
            if (local && kind.is_variable()) || self.definitions.len() == DEFINITIONS_MAX {
                continue;
            }
            let outer = parent.map(|parent| &self.definitions[parent]);
            let is_method = kind == DefinitionKind::Function && outer.is_some_and(|outer| outer.kind.has_methods());
            let kind = if is_method { DefinitionKind::Method } else { kind };
            let separator = self.table.separator(outer.map(|outer| outer.kind));
            let before = outer.filter(|_| !whole).map(|outer| outer.qualified.as_str());
            let definition = Definition {
                qualified: qualified(before, separator, &path),
                name,
                kind,
                signature: signature(self.line(at.start_byte())),
                start: small(node.start_byte()),
                end: small(end),
                start_line: small(node.start_position().row + 1),
                end_line: small(end_line),
                parent: parent.map(small),
            };
            self.definitions.push(definition);
        }
        let defines = self.definitions.len() > first;
        if defines && !matches!(by, Name::Declarator | Name::Promoted(_)) {
            let (local, end) =
                (self.definitions[first].kind.is_function(), if endless { end } else { node.end_byte() });
            self.open.push(Open { end, definition: Some(first), local, endless });
        }
        defines
    }

    /// The definition that another is inside of, and whether it is local there.
    fn around(&self, by: Name) -> (Option<usize>, bool) {
        let inner = self.open.iter().rev().find_map(|open| open.definition);
        match by {
            // Inside of the constructor, but a field of its class.
            Name::Promoted(_) => {
                let outer = inner.and_then(|inner| self.definitions[inner].parent);
                (outer.map(|outer| outer as usize), outer.is_none())
            }
            _ => (inner, self.open.last().is_some_and(|open| open.local)),
        }
    }

    /// The line that has this byte; of a very long one what is near.
    fn line(&self, at: usize) -> &'a str {
        let near =
            self.text.floor_char_boundary(at.saturating_sub(LINE_NEAR))..self.text.floor_char_boundary(at + LINE_NEAR);
        let (before, behind) = (&self.text[near.start..at], &self.text[at..near.end]);
        let start = before.rfind('\n').map_or(near.start, |end| near.start + end + 1);
        &self.text[start..behind.find('\n').map_or(near.end, |length| at + length)]
    }

    fn refer(&mut self, node: Node<'a>, refer: usize, above: Level<'_>, field: Option<&str>) {
        let refer = &self.table.references[refer];
        match refer.from {
            From::Field(of) => {
                if let Some((at, name)) = node.child_by_field_name(of).and_then(|at| used::used(at, self.text)) {
                    self.note(name, refer.kind, at);
                }
            }
            From::Children => {
                let mut cursor = node.walk();
                let names: Vec<_> =
                    node.named_children(&mut cursor).filter_map(|child| used::used(child, self.text)).collect();
                names.into_iter().for_each(|(at, name)| self.note(name, refer.kind, at));
            }
            From::Itself => {
                // What is called is noted as a call.
                let is_other = matches!(field, Some("declarator" | "method"));
                let is_defined = above.defines && matches!(field, Some("left" | "name"));
                if !is_defined
                    && !is_other
                    && let Some((at, name)) = used::used(node, self.text)
                {
                    self.note(name, refer.kind, at);
                }
            }
            From::Names => {
                let text = self.text.get(node.byte_range()).unwrap_or_default();
                used::names(text).for_each(|name| self.note(name, refer.kind, node));
            }
            From::Required => {
                let value = node.child_by_field_name("value").filter(|value| name::is_required(*value, self.text));
                let Some(at) = value.and_then(|_| node.child_by_field_name("name")) else { return };
                let text = self.text.get(at.byte_range()).unwrap_or_default();
                used::names(text).for_each(|name| self.note(name, refer.kind, at));
            }
            From::Quoted(of) => {
                let Some(at) = node.child_by_field_name(of) else { return };
                let path = self.text.get(at.byte_range()).unwrap_or_default();
                self.note(path.trim_matches(['"', '\'', '`', '<', '>']), refer.kind, at);
            }
        }
    }

    fn note(&mut self, name: &'a str, kind: ReferenceKind, at: Node<'_>) {
        let line = small(at.start_position().row + 1);
        if let Some(lines) = self.references.get_mut(&(name, kind)) {
            if lines.len() < REFERENCE_LINES_MAX && lines.last() != Some(&line) {
                lines.push(line);
            }
        } else if self.references.len() < REFERENCES_MAX && !name.is_empty() {
            self.references.insert((name, kind), vec![line]);
        }
    }

    fn symbols(self) -> Symbols {
        let all = self.references.into_iter();
        let mut references: Vec<Reference> = all
            .map(|((name, kind), mut lines)| {
                // A chain of calls is walked from its end.
                lines.sort_unstable();
                lines.dedup();
                Reference { name: name.to_owned(), kind, lines }
            })
            .collect();
        references.sort_unstable_by(|a, b| (&a.name, a.kind).cmp(&(&b.name, b.kind)));
        Symbols { definitions: self.definitions, references }
    }
}
