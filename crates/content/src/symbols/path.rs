//! Names and paths as nodes, and the name at the end of a path.

use tree_sitter::Node;

/// A chain of paths, calls and generics that is longer ends in no name.
pub(super) const CHAIN_MAX: usize = 32;

/// Whether a node of this kind is a name, and not a pattern, a string or a computed key.
pub(super) fn is_name(kind: &str) -> bool {
    kind.ends_with("identifier")
        || matches!(
            kind,
            "constant"
                | "destructor_name"
                | "metavariable"
                | "name"
                | "namespace_name"
                | "nested_namespace_specifier"
                | "operator"
                | "operator_cast"
                | "operator_name"
                | "qualified_name"
                | "scope_resolution"
                | "setter"
                | "template_function"
                | "type"
                | "variable_name"
        )
}

/// The last part of a path, without the arguments of a template and the sign of a variable.
pub(super) fn last_of_path(mut node: Node<'_>) -> Node<'_> {
    for _ in 0..CHAIN_MAX {
        let inner = match node.kind() {
            "qualified_identifier" | "scope_resolution" | "template_function" | "scoped_identifier" => {
                node.child_by_field_name("name")
            }
            "nested_namespace_specifier" | "qualified_name" => last_child(node),
            "variable_name" => node.named_child(0),
            _ => None,
        };
        match inner {
            Some(inner) => node = inner,
            None => break,
        }
    }
    node
}

pub(super) fn last_child(node: Node<'_>) -> Option<Node<'_>> {
    node.named_child(u32::try_from(node.named_child_count()).ok()?.checked_sub(1)?)
}
