//! The names of definitions, as the grammar's fields give them.

use tree_sitter::Node;

use super::path::{CHAIN_MAX, is_name, last_of_path};
use super::record::DefinitionKind::{
    self, Class, Constant, Declaration, Function, Impl, Interface, Method, Struct, Type, Variable,
};
use super::table::{Define, Name, Told};
use crate::node_text::{declared, receiver, words};

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

/// What this node defines, of which the node around defines a name or not: mostly one name or none.
pub(super) fn defined<'t>(node: Node<'t>, define: &Define, inside: bool, text: &str) -> Vec<Named<'t>> {
    let plain = |name: Node<'t>| plain(name, define.kind, text);
    let field = |name: &str| node.child_by_field_name(name);
    let one = match define.name {
        Name::In(field) => return in_field(node, field, define.kind, text),
        Name::Kind(field, kind) => {
            let all = fields(node, field).into_iter().filter(|name| name.kind() == kind);
            return all.filter_map(plain).collect();
        }
        Name::WithBody => field("body").and(field("name")).and_then(plain),
        Name::Scope => field("name").and_then(plain),
        Name::Own => field("name").filter(|_| !inside).and_then(plain),
        Name::Promoted(name) => field(name).filter(|_| is_promoted(node)).and_then(plain),
        Name::First(kind) => child(node, kind).and_then(plain),
        Name::Valued(name) => field(name).and_then(|name| valued(name, field("value"), define.kind, text)),
        Name::Assigned(left) => {
            let value = field("value").or_else(|| field("right"));
            field(left).zip(value).and_then(|(left, value)| assigned(left, value, text))
        }
        Name::Declared => return declared_fields(node, define.kind, text),
        Name::Declarator => {
            let all = fields(node, "declarator").into_iter();
            return all.filter_map(|chain| declaration(node, chain, define.kind, text)).collect();
        }
        Name::FunctionDeclarator => field("declarator").and_then(|chain| plain(declared(chain))),
        Name::Implementation => implementation(node, text),
        Name::Receiver => field("receiver").zip(field("name")).map(|(of, name)| {
            let (of, name_text) = (words(of, text), words(name, text));
            let path = format!("{}.{name_text}", receiver(&of));
            Named { node: name, name: name_text, path, whole: true, kind: define.kind }
        }),
        Name::Itself(_) => plain(node),
        Name::Told(by) => return told(node, by, text),
    };
    one.into_iter().collect()
}

/// All children in this field.
fn fields<'t>(node: Node<'t>, field: &str) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.children_by_field_name(field, &mut cursor).collect()
}

/// The first child of this kind.
fn child<'t>(node: Node<'t>, kind: &str) -> Option<Node<'t>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).find(|child| child.kind() == kind)
}

/// Whether a parameter has a modifier that only fields have.
fn is_promoted(parameter: Node<'_>) -> bool {
    const MODIFIERS: [&str; 4] = ["accessibility_modifier", "readonly", "readonly_modifier", "visibility_modifier"];
    let mut cursor = parameter.walk();
    parameter.children(&mut cursor).any(|child| MODIFIERS.contains(&child.kind()))
}

fn in_field<'t>(node: Node<'t>, field: &str, kind: DefinitionKind, text: &str) -> Vec<Named<'t>> {
    let kind = refined(node, kind);
    fields(node, field).into_iter().filter_map(|name| plain(name, kind, text)).collect()
}

/// The name that a node is, alone or at the end of a path.
fn plain<'t>(node: Node<'t>, kind: DefinitionKind, text: &str) -> Option<Named<'t>> {
    if !is_name(node.kind()) || node.has_error() {
        return None;
    }
    let last = last_of_path(node);
    let path = words(if node.kind() == "variable_name" { last } else { node }, text);
    let name = words(last, text);
    let name = name.rsplit(['.', '\\']).next().filter(|last| !last.is_empty()).unwrap_or(&name).to_owned();
    let is_method = kind == Function && path.contains("::");
    let kind = if is_method { Method } else { kind };
    (!name.is_empty() && name != "_").then_some(Named { node, name, path, whole: false, kind })
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
        "arrow_function" | "function_expression" | "generator_function" => Some(Function),
        _ => None,
    }
}

/// A variable or field of JavaScript, with the value that it begins with.
fn valued<'t>(name: Node<'t>, value: Option<Node<'t>>, kind: DefinitionKind, text: &str) -> Option<Named<'t>> {
    if value.is_some_and(|value| is_required(value, text)) {
        return None;
    }
    plain(name, value.and_then(made_by).unwrap_or(kind), text)
}

/// Whether a value is what `require` gives, or a part of it.
pub(super) fn is_required(mut value: Node<'_>, text: &str) -> bool {
    for _ in 0..CHAIN_MAX {
        match value.kind() {
            "call_expression" => {
                let function = value.child_by_field_name("function");
                return function.is_some_and(|function| text.get(function.byte_range()) == Some("require"));
            }
            "member_expression" => match value.child_by_field_name("object") {
                Some(object) => value = object,
                None => return false,
            },
            _ => return false,
        }
    }
    false
}

/// `exports.open`, `Queue.prototype.put`, `key`: the last part is the name.
fn assigned<'t>(left: Node<'t>, value: Node<'t>, text: &str) -> Option<Named<'t>> {
    let node = left.child_by_field_name("property").unwrap_or(left);
    let name = is_name(node.kind()).then(|| words(node, text)).filter(|name| name != "exports")?;
    let path = words(left, text);
    // All methods of a class in one object.
    if let Some(of) = path.strip_suffix(".prototype").filter(|_| value.kind() == "object") {
        return Some(Named { node, path: of.to_owned(), name: path, whole: false, kind: Impl });
    }
    let exported = ["module.exports.", "exports."].iter().find_map(|prefix| path.strip_prefix(prefix));
    let kind = made_by(value).or_else(|| (exported.is_some() && is_made_here(value, text)).then_some(Variable))?;
    let bare = exported.or_else(|| path.strip_prefix("this."));
    let path = bare.map_or_else(|| path.replace(".prototype.", "."), str::to_owned);
    Some(Named { node, name, path, whole: false, kind })
}

/// Whether a value that is exported is not only another name of what is defined elsewhere.
fn is_made_here(value: Node<'_>, text: &str) -> bool {
    const ELSEWHERE: [&str; 5] =
        ["assignment_expression", "identifier", "member_expression", "undefined", "unary_expression"];
    !ELSEWHERE.contains(&value.kind()) && !is_required(value, text)
}

/// The names of one field of Java or C#.
fn declared_fields<'t>(node: Node<'t>, kind: DefinitionKind, text: &str) -> Vec<Named<'t>> {
    let mut cursor = node.walk();
    let modifiers = node.named_children(&mut cursor).filter(|child| matches!(child.kind(), "modifier" | "modifiers"));
    let modifiers: Vec<_> = modifiers.filter_map(|modifier| text.get(modifier.byte_range())).collect();
    let has = |word: &str| modifiers.iter().flat_map(|all| all.split_whitespace()).any(|modifier| modifier == word);
    let kind = if has("const") || (has("static") && (has("final") || has("readonly"))) { Constant } else { kind };
    let list = child(node, "variable_declaration").unwrap_or(node);
    let declarators = list.named_children(&mut cursor).filter(|child| child.kind() == "variable_declarator");
    let names: Vec<_> = declarators.filter_map(|declarator| declarator.child_by_field_name("name")).collect();
    names.into_iter().filter_map(|name| plain(name, kind, text)).collect()
}

/// What a call of one of these functions defines.
fn told<'t>(call: Node<'t>, by: &[Told], text: &str) -> Vec<Named<'t>> {
    let called = call.child_by_field_name("function").or_else(|| call.child_by_field_name("method"));
    let called = called.and_then(|called| text.get(called.byte_range())).unwrap_or_default();
    let Some(told) = by.iter().find(|told| told.by == called) else { return vec![] };
    let Some(list) = call.child_by_field_name("arguments") else { return vec![] };
    let mut cursor = list.walk();
    let arguments = list.named_children(&mut cursor).take(if told.all { usize::MAX } else { 1 });
    arguments.filter_map(|argument| argument_name(argument, told.kind, text)).collect()
}

/// The name in a symbol or a string.
fn argument_name<'t>(argument: Node<'t>, kind: DefinitionKind, text: &str) -> Option<Named<'t>> {
    let node = if argument.kind() == "argument" { argument.named_child(0)? } else { argument };
    if !matches!(node.kind(), "encapsed_string" | "simple_symbol" | "string") {
        return None;
    }
    let said = words(node, text);
    let name = said.trim_start_matches(':').trim_matches(['"', '\'']);
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '?' | '!' | '=');
    let fits = name.starts_with(|c: char| c.is_alphabetic() || c == '_') && name.chars().all(is_part);
    fits.then(|| Named { node, name: name.to_owned(), path: name.to_owned(), whole: false, kind })
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
