//! The symbols of a tree, in one walk of it.
//!
//! The walk keeps no frame per level, as that of the chunker: a broken text can be nested as deep as it is long.

use std::collections::HashMap;

use tree_sitter::{Node, Tree};

use super::name::{self, Named};
use super::record::{
    DEFINITIONS_MAX, Definition, DefinitionKind, REFERENCE_LINES_MAX, REFERENCES_MAX, Reference, ReferenceKind,
    Symbols, qualified, signature, small,
};
use super::table::{From, Load, Name, Role, SymbolTable};
use crate::chunk_error::{ChunkError, check};
use crate::deadline::Deadline;

/// Nodes between two looks at the deadline: some 0.1 ms.
const NODES_PER_LOOK: u32 = 1_024;
/// A signature is looked for so far before and behind a name, in bytes: a minified file is one line.
const LINE_NEAR: usize = 1_024;

pub(super) fn symbols(
    text: &str,
    table: &SymbolTable,
    load: Load,
    tree: &Tree,
    deadline: &Deadline,
) -> Result<Symbols, ChunkError> {
    let mut walk = Walk { text, table, definitions: vec![], references: HashMap::new(), open: vec![] };
    walk.all(tree, table.roles(load), deadline)?;
    Ok(walk.symbols())
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
}

struct Walk<'a> {
    text: &'a str,
    table: &'a SymbolTable,
    definitions: Vec<Definition>,
    references: HashMap<(&'a str, ReferenceKind), Vec<u32>>,
    open: Vec<Open>,
}

impl<'a> Walk<'a> {
    fn all(&mut self, tree: &'a Tree, roles: &[Role], deadline: &Deadline) -> Result<(), ChunkError> {
        let mut cursor = tree.walk();
        let mut levels = vec![Level { node: None, defines: false }];
        if !cursor.goto_first_child() {
            return Ok(());
        }
        for step in 1u32.. {
            if step.is_multiple_of(NODES_PER_LOOK) {
                check(deadline)?;
            }
            let node = cursor.node();
            let mut level = Level { node: Some(node), defines: false };
            // The parser's error node has an id beyond the table.
            let role = roles.get(usize::from(node.kind_id())).copied().unwrap_or_default();
            if role.is_any()
                && let Some(above) = levels.last().copied()
            {
                level.defines = self.visit(node, role, above, cursor.field_name());
            }
            if cursor.goto_first_child() {
                levels.push(level);
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() || levels.pop().is_none() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Whether the node defines a name.
    fn visit(&mut self, node: Node<'a>, role: Role, above: Level<'_>, field: Option<&str>) -> bool {
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
            let named = if inside { name::defined(node, define, self.text) } else { vec![] };
            let is_outer = !matches!(define.name, Name::Declarator);
            defines = self.define(node, named, is_outer);
        }
        if role.local {
            self.open.push(Open { end: node.end_byte(), definition: None, local: true });
        }
        defines
    }

    fn define(&mut self, node: Node<'_>, names: Vec<Named<'_>>, is_outer: bool) -> bool {
        let parent = self.open.iter().rev().find_map(|open| open.definition);
        let local = self.open.last().is_some_and(|open| open.local);
        let first = self.definitions.len();
        for Named { node: at, name, path, whole, kind } in names {
            let variable = matches!(
                kind,
                DefinitionKind::Constant
                    | DefinitionKind::Declaration
                    | DefinitionKind::Field
                    | DefinitionKind::Variable
            );
            if (local && variable) || self.definitions.len() == DEFINITIONS_MAX {
                continue;
            }
            let outer = parent.map(|parent| &self.definitions[parent]);
            let is_method = kind == DefinitionKind::Function && outer.is_some_and(|outer| outer.kind.has_methods());
            let kind = if is_method { DefinitionKind::Method } else { kind };
            let before = outer.filter(|_| !whole).map(|outer| outer.qualified.as_str());
            let body = self.text.get(node.byte_range()).unwrap_or_default().trim_end();
            let end = node.start_byte() + body.len();
            // Some nodes have the line end behind them.
            let behind = self.text.get(end..node.end_byte()).unwrap_or_default().matches('\n').count();
            let definition = Definition {
                qualified: qualified(before, self.table.separator, &path),
                name,
                kind,
                signature: signature(self.line(at.start_byte())),
                start: small(node.start_byte()),
                end: small(end),
                start_line: small(node.start_position().row + 1),
                end_line: small((node.end_position().row + 1).saturating_sub(behind)),
                parent: parent.map(small),
            };
            self.definitions.push(definition);
        }
        let defines = self.definitions.len() > first;
        if defines && is_outer {
            let local = self.definitions[first].kind.is_function();
            self.open.push(Open { end: node.end_byte(), definition: Some(first), local });
        }
        defines
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
                if let Some((at, name)) = node.child_by_field_name(of).and_then(|at| name::used(at, self.text)) {
                    self.note(name, refer.kind, at);
                }
            }
            From::Itself => {
                let is_defined = (field == Some("name") && above.defines) || field == Some("declarator");
                if !is_defined && let Some((at, name)) = name::used(node, self.text) {
                    self.note(name, refer.kind, at);
                }
            }
            From::Names => {
                let text = self.text.get(node.byte_range()).unwrap_or_default();
                name::names(text).for_each(|name| self.note(name, refer.kind, node));
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
