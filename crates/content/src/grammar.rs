//! A tree-sitter grammar as the chunker sees it: which nodes are items, which only hold others, which lead to the next.

use std::sync::OnceLock;

/// A grammar and what its nodes mean.
pub struct Grammar {
    /// The grammar crate and its version, part of the chunking's fingerprint; a test compares it with the lock file.
    pub(crate) version: &'static str,
    /// The grammar itself.
    pub(crate) load: fn() -> tree_sitter::Language,
    /// What stands between the names of a qualified name, for example `::`.
    pub(crate) separator: &'static str,
    /// The nodes that have a symbol of their own.
    pub(crate) items: &'static [Item],
    /// Made from the grammar at its first use.
    pub(crate) roles: OnceLock<Vec<Role>>,
}

/// A kind of node that has a symbol of its own.
#[derive(Debug)]
pub(crate) struct Item {
    /// The grammar's name for it.
    pub(crate) kind: &'static str,
    /// What the header calls it, for example `fn`.
    pub(crate) word: &'static str,
    /// Where its name is found.
    pub(crate) name: Name,
}

/// Where the name of an item is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// In the field `name`.
    Field,
    /// In the field `name`, and only a node with a body is an item: `struct a { … }`, not `struct a *x`.
    Defined,
    /// In the field `name`, and only a node whose field `value` is a function or class is an item.
    Assigned,
    /// In the field `type`, with the field `trait` before it: Rust's `impl`.
    Implementation,
    /// In the field `name`, behind the type in the field `receiver`: Go's methods.
    Receiver,
    /// At the end of a chain of fields `declarator`: C and C++ functions.
    Declarator,
}

/// What the chunker makes of a kind of node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Nothing in particular.
    Plain,
    /// A braced or indented body: its children belong to the node around it.
    Body,
    /// A comment, attribute or decorator: with lines of its own it stays with the sibling below it.
    Lead,
    /// What an item begins with: it stays with the line below it.
    Prefix,
    /// An entry of [`Grammar::items`].
    Item(u8),
}

const BODIES: &[&str] = &[
    "annotation_type_body",
    "block",
    "class_body",
    "compound_statement",
    "constructor_body",
    "declaration_list",
    "enum_body",
    "enum_variant_list",
    "enumerator_list",
    "field_declaration_list",
    "interface_body",
    "match_block",
    "object_type",
    "statement_block",
    "statement_list",
    "switch_block",
    "switch_body",
];

const LEADS: &[&str] = &[
    "attribute_declaration",
    "attribute_item",
    "block_comment",
    "comment",
    "decorator",
    "html_comment",
    "line_comment",
];

const PREFIXES: &[&str] = &["modifiers", "template_parameter_list"];

impl Grammar {
    /// What a node of this kind is.
    pub(crate) fn role(&self, kind_id: u16) -> Role {
        // The parser's error node has an id beyond the table.
        self.roles().get(usize::from(kind_id)).copied().unwrap_or(Role::Plain)
    }

    fn roles(&self) -> &[Role] {
        self.roles.get_or_init(|| {
            let language = (self.load)();
            let ids = 0..u16::try_from(language.node_kind_count()).unwrap_or(u16::MAX);
            ids.map(|id| match language.node_kind_for_id(id) {
                Some(kind) if language.node_kind_is_named(id) => self.role_of(kind),
                _ => Role::Plain,
            })
            .collect()
        })
    }

    fn role_of(&self, kind: &str) -> Role {
        if let Some(item) = self.items.iter().position(|item| item.kind == kind) {
            return u8::try_from(item).map_or(Role::Plain, Role::Item);
        }
        match kind {
            _ if BODIES.contains(&kind) => Role::Body,
            _ if LEADS.contains(&kind) => Role::Lead,
            _ if PREFIXES.contains(&kind) => Role::Prefix,
            _ => Role::Plain,
        }
    }
}
