//! The names of definitions and uses, as the grammar's fields give them.

use tree_sitter::Node;

use super::record::DefinitionKind::{
    self, Class, Declaration, Function, Impl, Interface, Method, Struct, Type, Variable,
};
use super::table::{Define, Name};
use crate::node_text::{declared, receiver, words};

/// A chain of paths, calls and generics that is longer ends in no name.
const CHAIN_MAX: usize = 32;
/// Longer names are none, in bytes.
const NAME_BYTES_MAX: usize = 80;

/// A name, as it stands in the text.
pub(super) struct Named<'t> {
    /// Where it stands.
    pub(super) node: Node<'t>,
    /// Alone.
    pub(super) name: String,
    /// With what the text itself puts before it: `Queue<T>::claim` outside of its class.
    pub(super) path: String,
    /// Whether `path` says all, whatever it is inside of.
    pub(super) whole: bool,
    pub(super) kind: DefinitionKind,
}

/// What this node defines: mostly one name or none.
pub(super) fn defined<'t>(node: Node<'t>, define: &Define, text: &str) -> Vec<Named<'t>> {
    let plain = |name: Node<'t>, kind| plain(name, kind, text);
    let field = |name: &str| node.child_by_field_name(name);
    let one = match define.name {
        Name::In(field) => {
            let kind = refined(node, define.kind);
            return fields(node, field).into_iter().filter_map(|name| plain(name, kind)).collect();
        }
        Name::WithBody => field("body").and(field("name")).and_then(|name| plain(name, define.kind)),
        Name::Valued => {
            let kind = field("value").and_then(made_by).unwrap_or(define.kind);
            field("name").and_then(|name| plain(name, kind))
        }
        Name::Assigned(left) => {
            let kind = field("value").or_else(|| field("right")).and_then(made_by);
            kind.zip(field(left)).and_then(|(kind, left)| assigned(left, kind, text))
        }
        Name::Declarator => {
            let all = fields(node, "declarator").into_iter();
            return all.filter_map(|chain| declaration(node, chain, define.kind, text)).collect();
        }
        Name::FunctionDeclarator => field("declarator").and_then(|chain| plain(declared(chain), define.kind)),
        Name::Implementation => implementation(node, text),
        Name::Receiver => field("receiver").zip(field("name")).map(|(of, name)| {
            let (of, name_text) = (words(of, text), words(name, text));
            let path = format!("{}.{name_text}", receiver(&of));
            Named { node: name, name: name_text, path, whole: true, kind: define.kind }
        }),
        Name::Itself(_) => plain(node, define.kind),
    };
    one.into_iter().collect()
}

/// All children in this field.
fn fields<'t>(node: Node<'t>, field: &str) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.children_by_field_name(field, &mut cursor).collect()
}

/// The name that a node is, alone or at the end of a path.
fn plain<'t>(node: Node<'t>, kind: DefinitionKind, text: &str) -> Option<Named<'t>> {
    if !is_name(node.kind()) {
        return None;
    }
    let path = words(node, text);
    let name = words(last_of_path(node), text);
    let name = name.rsplit(['.', '\\']).next().filter(|last| !last.is_empty()).unwrap_or(&name).to_owned();
    let is_method = kind == Function && path.contains("::");
    let kind = if is_method { Method } else { kind };
    (!name.is_empty() && name != "_").then_some(Named { node, name, path, whole: false, kind })
}

/// Whether a node of this kind is a name, and not a pattern, a string or a computed key.
fn is_name(kind: &str) -> bool {
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
                | "scope_resolution"
                | "setter"
                | "template_function"
                | "type"
                | "variable_name"
                | "word"
        )
}

/// The last part of a path of C++ or Ruby, without the arguments of a template.
fn last_of_path(mut node: Node<'_>) -> Node<'_> {
    for _ in 0..CHAIN_MAX {
        let inner = match node.kind() {
            "qualified_identifier" | "scope_resolution" | "template_function" | "scoped_identifier" => {
                node.child_by_field_name("name")
            }
            "nested_namespace_specifier" => last_child(node),
            _ => None,
        };
        match inner {
            Some(inner) => node = inner,
            None => break,
        }
    }
    node
}

fn last_child(node: Node<'_>) -> Option<Node<'_>> {
    node.named_child(u32::try_from(node.named_child_count()).ok()?.checked_sub(1)?)
}

/// A type by what it is made of, where the grammar has one kind of node for all.
fn refined(node: Node<'_>, kind: DefinitionKind) -> DefinitionKind {
    let made_of = (kind == Type).then(|| node.child_by_field_name("type")).flatten();
    match made_of.map(|made_of| made_of.kind()) {
        Some("struct_type") => Struct,
        Some("interface_type") => Interface,
        _ => kind,
    }
}

/// What the name of such a value is, where the value is a function or a class.
fn made_by(value: Node<'_>) -> Option<DefinitionKind> {
    match value.kind() {
        "class" => Some(Class),
        kind if kind.contains("function") => Some(Function),
        _ => None,
    }
}

/// `exports.open`, `Queue.prototype.put`, `key`: the last part is the name.
fn assigned<'t>(left: Node<'t>, kind: DefinitionKind, text: &str) -> Option<Named<'t>> {
    let node = left.child_by_field_name("property").unwrap_or(left);
    let name = is_name(node.kind()).then(|| words(node, text)).filter(|name| name != "exports")?;
    let path = words(left, text);
    let bare = ["module.exports.", "exports.", "this."].iter().find_map(|prefix| path.strip_prefix(prefix));
    let path = bare.map_or_else(|| path.replace(".prototype.", "."), str::to_owned);
    Some(Named { node, name, path, whole: false, kind })
}

/// One declarator of a declaration of C or C++.
fn declaration<'t>(node: Node<'t>, chain: Node<'t>, kind: DefinitionKind, text: &str) -> Option<Named<'t>> {
    let mut cursor = node.walk();
    let mut modifiers = node.children(&mut cursor).filter(|child| child.kind() == "storage_class_specifier");
    let is_extern = modifiers.any(|modifier| words(modifier, text) == "extern");
    let named = plain(declared(chain), kind, text)?;
    let is_declared = kind != Type && (is_prototype(chain) || (is_extern && kind == Variable));
    Some(Named { kind: if is_declared { Declaration } else { kind }, ..named })
}

/// Whether a chain of declarators is that of a function, not of a pointer to one.
fn is_prototype(mut chain: Node<'_>) -> bool {
    for _ in 0..CHAIN_MAX {
        match (chain.kind(), chain.child_by_field_name("declarator")) {
            ("function_declarator", Some(of)) => return of.kind() != "parenthesized_declarator",
            (_, Some(inner)) => chain = inner,
            ("reference_declarator", None) => match chain.named_child(0) {
                Some(inner) => chain = inner,
                None => return false,
            },
            _ => return false,
        }
    }
    false
}

/// What a block of methods is called, and what its methods have before their names.
fn implementation<'t>(node: Node<'t>, text: &str) -> Option<Named<'t>> {
    let of = node.child_by_field_name("type")?;
    let type_name = words(of, text);
    let (name, path, whole) = match node.child_by_field_name("trait") {
        Some(of) => {
            let of = words(of, text);
            (format!("impl {of} for {type_name}"), format!("<{type_name} as {of}>"), true)
        }
        None => {
            let bare = type_name.split('<').next().unwrap_or(&type_name).trim().to_owned();
            (format!("impl {type_name}"), bare, false)
        }
    };
    Some(Named { node: of, name, path, whole, kind: Impl })
}

/// The last name of a path, call or generic type that is used: `claim` of `self.queue.claim::<T>`.
pub(super) fn used<'t>(mut node: Node<'t>, text: &'t str) -> Option<(Node<'t>, &'t str)> {
    const FIELDS: [&str; 7] = ["field", "property", "attribute", "name", "function", "type", "constructor"];
    for _ in 0..CHAIN_MAX {
        if node.named_child_count() == 0 {
            break;
        }
        let inner = FIELDS.iter().find_map(|field| node.child_by_field_name(field));
        let inner = inner.or_else(|| match node.kind() {
            "generic_type" => node.named_child(0),
            "scoped_type_identifier" | "dependent_name" => last_child(node),
            _ => None,
        });
        node = inner?;
    }
    let name = text.get(node.byte_range())?;
    let fits = node.named_child_count() == 0 && is_name(node.kind()) && name.len() <= NAME_BYTES_MAX;
    fits.then_some((node, name))
}

/// The names in a text that are no words of the language, each at the end of its path: `use a::{b, c as d}` has `b`,
/// `c` and `d`.
pub(super) fn names(text: &str) -> impl Iterator<Item = &str> {
    const KEYWORDS: [&str; 15] = [
        "_", "as", "const", "crate", "export", "from", "import", "in", "mut", "pub", "self", "static", "super", "type",
        "use",
    ];
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at + text[at..].find(is_part)?;
            let end = text[start..].find(|c| !is_part(c)).map_or(text.len(), |length| start + length);
            at = end;
            let (name, rest) = (&text[start..end], text[end..].trim_start());
            let is_outer = rest.starts_with("::") || rest.starts_with('.');
            let is_number = name.starts_with(|c: char| c.is_ascii_digit());
            if !is_outer && !is_number && !KEYWORDS.contains(&name) && name.len() <= NAME_BYTES_MAX {
                return Some(name);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_is_imported_the_last_parts_are_the_names() {
        let all = |text| names(text).collect::<Vec<_>>();
        assert_eq!(all("use std::{io::Read as _, fmt::{Debug as D}};"), ["Read", "Debug", "D"]);
        assert_eq!(all("from a.b import c as d, e"), ["b", "c", "d", "e"]);
        assert_eq!(all("import static java.util.List.of;"), ["of"]);
        assert_eq!(all("Dict[str, 3]"), ["Dict", "str"]);
        assert_eq!(all(""), [""; 0]);
    }
}
