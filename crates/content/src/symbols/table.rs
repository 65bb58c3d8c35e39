//! What the nodes of a grammar mean for the symbols: which define a name, which use one, which make names local.

use std::sync::OnceLock;

use super::record::{DefinitionKind, ReferenceKind};

/// How a grammar is got.
pub(super) type Load = fn() -> tree_sitter::Language;

/// The table of one language.
pub(super) struct SymbolTable {
    /// The grammar crate with its version, and the grammar, where the language's texts are cut without it.
    pub(super) grammar: Option<(&'static str, Load)>,
    /// What stands between the names of a qualified name.
    pub(super) separator: &'static str,
    pub(super) definitions: &'static [Define],
    pub(super) references: &'static [Refer],
    /// Nodes that define nothing themselves, and in which variables are local.
    pub(super) locals: &'static [&'static str],
    /// Made from the grammar at its first use, by the kind's id.
    pub(super) roles: OnceLock<Vec<Role>>,
}

/// A kind of node that defines a name.
#[derive(Debug)]
pub(super) struct Define {
    /// The grammar's name for it.
    pub(super) node: &'static str,
    pub(super) kind: DefinitionKind,
    pub(super) name: Name,
}

/// Where the name of a definition is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// In this field, which may be there several times (`const a, b = 1, 2`); what is no plain name (a pattern, say)
    /// is none. Of a path (`a::b`, `a.b`) the last part is the name, and all of it the qualified one.
    In(&'static str),
    /// As [`Name::In`] `name`, where the node has a body: `struct a { … }`, not `struct a *x`.
    WithBody,
    /// In the field `name`; a function where the field `value` is one.
    Valued,
    /// In the first field, where the field `value` (or `right`) is a function or class.
    Assigned(&'static str),
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
}

/// A kind of node that uses a name.
#[derive(Debug)]
pub(super) struct Refer {
    /// The grammar's name for it.
    pub(super) node: &'static str,
    pub(super) kind: ReferenceKind,
    pub(super) from: From,
}

/// Where the name is that is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// The last name in this field: `claim` of `self.queue.claim`.
    Field(&'static str),
    /// The node itself, unless it names a definition.
    Itself,
    /// Every name of the node but the words of the language: `use a::{b, c as d}` has `a`, `b`, `c`, `d`.
    Names,
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

impl SymbolTable {
    pub(super) const fn new(
        separator: &'static str,
        definitions: &'static [Define],
        references: &'static [Refer],
        locals: &'static [&'static str],
    ) -> Self {
        Self { grammar: None, separator, definitions, references, locals, roles: OnceLock::new() }
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
            define: index(self.definitions.iter().position(|define| define.node == kind)),
            refer: index(self.references.iter().position(|refer| refer.node == kind)),
            local: self.locals.contains(&kind),
        }
    }

    /// All kinds of nodes that it names.
    #[cfg(test)]
    pub(super) fn nodes(&self) -> impl Iterator<Item = &'static str> {
        let defined = self.definitions.iter().map(|define| define.node);
        defined.chain(self.references.iter().map(|refer| refer.node)).chain(self.locals.iter().copied())
    }
}

impl std::fmt::Debug for SymbolTable {
    /// What of it decides the symbols of a text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (self.separator, self.definitions, self.references, self.locals).fmt(f)
    }
}
