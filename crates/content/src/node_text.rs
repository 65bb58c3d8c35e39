//! Names out of nodes: the text of one, on one line, and what a chain of declarators declares.

use tree_sitter::Node;

/// Longer names are cut, in bytes.
const NAME_BYTES: usize = 80;
/// `int (*(*f(void))[3])(int)` has a chain of five declarators.
const DECLARATORS_MAX: usize = 16;

/// The name at the end of a chain of pointers, arrays, references and parameters.
pub(crate) fn declared(mut node: Node<'_>) -> Node<'_> {
    for _ in 0..DECLARATORS_MAX {
        let inner = match node.kind() {
            "reference_declarator" | "parenthesized_declarator" => node.named_child(0),
            _ => node.child_by_field_name("declarator"),
        };
        match inner {
            Some(inner) => node = inner,
            None => break,
        }
    }
    node
}

/// The words of a node.
pub(crate) fn words(node: Node<'_>, text: &str) -> String {
    tidy(text.get(node.byte_range()).unwrap_or_default())
}

/// The type that a Go method has in its receiver: `Queue` of `(q *Queue[T])`.
pub(crate) fn receiver(words: &str) -> &str {
    let kind = words.split('[').next().unwrap_or_default().rsplit([' ', '*', '(']).next().unwrap_or_default();
    kind.trim_end_matches(')')
}

/// On one line, and not too long.
pub(crate) fn tidy(name: &str) -> String {
    // More than enough to fill a name; the node of a broken text may be as long as the file.
    let name = &name[..name.floor_char_boundary(NAME_BYTES * 4)];
    let mut tidy = name.split_whitespace().collect::<Vec<_>>().join(" ");
    tidy.truncate(tidy.floor_char_boundary(NAME_BYTES));
    tidy
}
