//! The names of items, as the grammar's fields give them.

use tree_sitter::Node;

use crate::grammar::{Item, Name};
use crate::node_text::{self, declared, receiver};

/// The name and the header's label of an item; `None` where this node is none.
pub(super) fn of(node: Node<'_>, item: &Item, text: &str) -> Option<(String, String)> {
    let field = |name: &str| node.child_by_field_name(name);
    let words = |node: Node<'_>| node_text::words(node, text);
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
            let of = words(field("receiver")?);
            format!("{}.{}", receiver(&of), words(field("name")?))
        }
        Name::Declarator => words(declared(field("declarator")?)),
    };
    (!name.is_empty()).then(|| (name.clone(), format!("{} {name}", item.word)))
}
