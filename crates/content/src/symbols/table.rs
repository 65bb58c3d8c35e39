//! What the nodes of a grammar mean for the symbols: which define a name, which use one, which make names local.

use std::sync::OnceLock;

use super::record::{DefinitionKind, ReferenceKind};

/// How a grammar is got.
pub(super) type Load = fn() -> tree_sitter::Language;

/// Kinds of nodes, by the grammar's names for them.
type Nodes = &'static [&'static str];

/// The table of one language.
pub(super) struct SymbolTable {
    /// The grammar crate with its version, and the grammar, where the language's texts are cut without it.
    pub(super) grammar: Option<(&'static str, Load)>,
    /// What stands between the names of a qualified name.
    separator: &'static str,
    /// The same, inside of what is no module.
    member: &'static str,
    pub(super) definitions: &'static [Define],
    pub(super) references: &'static [Refer],
    /// Nodes that define nothing themselves, and in which variables are local.
    locals: Nodes,
    /// Made from the grammar at its first use, by the kind's id.
    roles: OnceLock<Vec<Role>>,
}

/// Kinds of nodes that define a name.
#[derive(Debug)]
pub(super) struct Define {
    nodes: Nodes,
    pub(super) kind: DefinitionKind,
    pub(super) name: Name,
}

/// Where the name of a definition is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// In this field, which may be there several times (`const a, b = 1, 2`); what is no plain name (a pattern, say)
    /// is none. Of a path (`a::b`, `a.b`) the last part is the name, and all of it the qualified one.
    In(&'static str),
    /// As [`Name::In`], what is a node of this kind.
    Kind(&'static str, &'static str),
    /// As [`Name::In`] `name`, where the node has a body: `struct a { … }`, not `struct a *x`.
    WithBody,
    /// As [`Name::In`] `name`; without a body it is around all that follows it, up to the next: `namespace App;`.
    Scope,
    /// As [`Name::In`] `name`, unless the node around defines one: `module.exports = function open() { … }`.
    Own,
    /// In this field, of a parameter whose modifier makes it a field of the class: `constructor(private jobs: Job[])`.
    Promoted(&'static str),
    /// The first child of this kind.
    First(&'static str),
    /// In this field; a function where the field `value` is one. What is `require`d is defined elsewhere.
    Valued(&'static str),
    /// In this field, where the field `value` (or `right`) is a function or class, or is exported.
    Assigned(&'static str),
    /// In the declarators of a field of Java or C#; a constant where its modifiers say so.
    Declared,
    /// At the end of a chain of fields `declarator`; a function's makes it a declaration.
    Declarator,
    /// The same, of a function that is defined.
    FunctionDeclarator,
    /// In the field `type`, with the field `trait` before it: Rust's `impl`.
    Implementation,
    /// In the field `name`, behind the type in the field `receiver`: Go's methods.
    Receiver,
    /// The node itself, where its parent is of this kind.
    Itself(&'static str),
    /// In the arguments of a call of one of these.
    Told(&'static [Told]),
}

/// A function that defines what its first argument names, or what each of them does: `define('LIMIT', 3)`,
/// `attr_reader :size, :name`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) by: &'static str,
    pub(super) all: bool,
    pub(super) kind: DefinitionKind,
}

/// Kinds of nodes that use a name.
#[derive(Debug)]
pub(super) struct Refer {
    nodes: Nodes,
    pub(super) kind: ReferenceKind,
    pub(super) from: From,
}

/// Where the name is that is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// The last name in this field: `claim` of `self.queue.claim`.
    Field(&'static str),
    /// The last name in each child.
    Children,
    /// The node itself, unless it names a definition.
    Itself,
    /// Every name of the node but the words of the language: `use a::{b, c as d}` has `b`, `c`, `d`.
    Names,
    /// Every name in the field `name`, where the field `value` is a call of `require`.
    Required,
    /// The text of this field without quotes: a path or a package.
    Quoted(&'static str),
}

/// What a kind of node is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Role {
    /// An entry of [`SymbolTable::definitions`].
    pub(super) define: Option<u8>,
    /// An entry of [`SymbolTable::references`].
    pub(super) refer: Option<u8>,
    pub(super) local: bool,
}

impl Role {
    /// Whether the kind says anything.
    pub(super) fn is_any(self) -> bool {
        self.define.is_some() || self.refer.is_some() || self.local
    }
}

/// Nodes that define what is in their field `name`.
pub(super) const fn named(kind: DefinitionKind, nodes: Nodes) -> Define {
    define(kind, Name::In("name"), nodes)
}

pub(super) const fn define(kind: DefinitionKind, name: Name, nodes: Nodes) -> Define {
    Define { nodes, kind, name }
}

pub(super) const fn refer(kind: ReferenceKind, from: From, nodes: Nodes) -> Refer {
    Refer { nodes, kind, from }
}

impl SymbolTable {
    pub(super) const fn new(
        separator: &'static str,
        definitions: &'static [Define],
        references: &'static [Refer],
        locals: Nodes,
    ) -> Self {
        let roles = OnceLock::new();
        Self { grammar: None, separator, member: separator, definitions, references, locals, roles }
    }

    /// With a grammar that is used for symbols alone: the language's texts are still cut as text.
    pub(super) const fn with_grammar(mut self, version: &'static str, load: Load) -> Self {
        self.grammar = Some((version, load));
        self
    }

    pub(super) const fn with_members(mut self, separator: &'static str) -> Self {
        self.member = separator;
        self
    }

    /// What stands before a name that is inside of a definition of this kind.
    pub(super) fn separator(&self, outer: Option<DefinitionKind>) -> &'static str {
        if outer == Some(DefinitionKind::Module) { self.separator } else { self.member }
    }

    /// What each kind of node is, by its id.
    pub(super) fn roles(&self, load: Load) -> &[Role] {
        self.roles.get_or_init(|| {
            let language = load();
            let ids = 0..u16::try_from(language.node_kind_count()).unwrap_or(u16::MAX);
            ids.map(|id| match language.node_kind_for_id(id) {
                Some(kind) if language.node_kind_is_named(id) => self.role(kind),
                _ => Role::default(),
            })
            .collect()
        })
    }

    fn role(&self, kind: &str) -> Role {
        let index = |at: Option<usize>| at.and_then(|at| u8::try_from(at).ok());
        Role {
            define: index(self.definitions.iter().position(|define| define.nodes.contains(&kind))),
            refer: index(self.references.iter().position(|refer| refer.nodes.contains(&kind))),
            local: self.locals.contains(&kind),
        }
    }

    /// All kinds of nodes that it names.
    #[cfg(test)]
    pub(super) fn nodes(&self) -> impl Iterator<Item = &'static str> {
        let defined = self.definitions.iter().map(|define| define.nodes);
        defined.chain(self.references.iter().map(|refer| refer.nodes)).chain([self.locals]).flatten().copied()
    }
}

impl std::fmt::Debug for SymbolTable {
    /// What of it decides the symbols of a text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (self.separator, self.member, self.definitions, self.references, self.locals).fmt(f)
    }
}
