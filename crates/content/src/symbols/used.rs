//! The names of uses, as the grammar's fields give them.

use tree_sitter::Node;

use super::path::{CHAIN_MAX, is_name, last_child};

/// Longer names are none, in bytes.
const NAME_BYTES_MAX: usize = 80;

/// The last name of a path, call or generic type that is used: `claim` of `self.queue.claim::<T>`.
pub(super) fn used<'t>(mut node: Node<'t>, text: &'t str) -> Option<(Node<'t>, &'t str)> {
    const FIELDS: [&str; 7] = ["field", "property", "attribute", "name", "function", "type", "constructor"];
    for _ in 0..CHAIN_MAX {
        if node.named_child_count() == 0 {
            break;
        }
        let inner = FIELDS.iter().find_map(|field| node.child_by_field_name(field));
        let inner = inner.or_else(|| match node.kind() {
            "generic_name" | "generic_type" => node.named_child(0),
            "scoped_type_identifier" | "dependent_name" | "qualified_name" => last_child(node),
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
            // A backslash alone goes on with the line.
            let is_namespace = text[end..].strip_prefix('\\').is_some_and(|inner| inner.starts_with(is_part));
            let is_outer = rest.starts_with("::") || rest.starts_with('.') || is_namespace;
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
        assert_eq!(all(r"App\Models\Job as Work"), ["Job", "Work"]);
        assert_eq!(all("from a import b\\\n, c"), ["a", "b", "c"]);
        assert_eq!(all("_ as const crate export from import in mut pub self static super type use"), [""; 0]);
        assert_eq!(all(""), [""; 0]);
    }
}
