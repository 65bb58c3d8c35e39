//! The names of items, as the grammar's fields give them.

use tree_sitter::Node;

use crate::grammar::{Item, Name};

/// Longer names are cut, in bytes.
const NAME_BYTES: usize = 80;
/// `int (*(*f(void))[3])(int)` has a chain of five declarators.
const DECLARATORS_MAX: usize = 16;

/// The name and the header's label of an item; `None` where this node is none.
pub(super) fn of(node: Node<'_>, item: &Item, text: &str) -> Option<(String, String)> {
    let field = |name: &str| node.child_by_field_name(name);
    let words = |node: Node<'_>| tidy(text.get(node.byte_range()).unwrap_or_default());
    let name = match item.name {
        Name::Field => words(field("name")?),
        Name::Defined => field("body").and(field("name")).map(words)?,
        Name::Assigned => {
            let value = field("value")?.kind();
            let function = value.contains("function") || value == "class";
            function.then(|| field("name")).flatten().map(words)?
        }
        Name::Implementation => {
            let name = words(field("type")?);
            let bare = name.split('<').next().unwrap_or(&name).trim().to_owned();
            let label = match field("trait").map(words) {
                Some(of) => format!("{} {of} for {name}", item.word),
                None => format!("{} {name}", item.word),
            };
            return Some((bare, label));
        }
        Name::Receiver => {
            let receiver = words(field("receiver")?);
            let kind =
                receiver.split('[').next().unwrap_or_default().rsplit([' ', '*', '(']).next().unwrap_or_default();
            format!("{}.{}", kind.trim_end_matches(')'), words(field("name")?))
        }
        Name::Declarator => words(declared(field("declarator")?)),
    };
    (!name.is_empty()).then(|| (name.clone(), format!("{} {name}", item.word)))
}

/// The name at the end of a chain of pointers, arrays, references and parameters.
fn declared(mut node: Node<'_>) -> Node<'_> {
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

/// On one line, and not too long.
pub(super) fn tidy(name: &str) -> String {
    // More than enough to fill a name; the node of a broken text may be as long as the file.
    let name = &name[..name.floor_char_boundary(NAME_BYTES * 4)];
    let mut tidy = name.split_whitespace().collect::<Vec<_>>().join(" ");
    tidy.truncate(tidy.floor_char_boundary(NAME_BYTES));
    tidy
}
