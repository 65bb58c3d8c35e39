//! The symbols of a file, and where they are.

use std::fmt;

use warmer_query::text::printable;
use warmer_query::{Definition, File};

use super::place::Lines;
use super::source::{Source, last_part};

/// A symbol and its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) symbol: String,
    pub(super) lines: Lines,
    /// The line that names it, without the blanks around.
    signature: String,
    /// It announces or extends what is called so, and is not that: a prototype, an `impl`.
    pub(super) is_beside: bool,
    /// A field or a variant, which is not told where there is no room for all.
    pub(super) is_part: bool,
}

/// What the file defines, in the order of its text; where nothing tells that, the items that its chunks belong to.
/// Parts of one that follow each other are one.
pub(super) fn outline(file: &File, source: &Source<'_>) -> Vec<Item> {
    let mut items: Vec<Item> = file.definitions.iter().flatten().map(Item::of).collect();
    if items.is_empty() {
        items = chunked(file, source);
    }
    items
}

fn chunked(file: &File, source: &Source<'_>) -> Vec<Item> {
    let mut items: Vec<Item> = vec![];
    for chunk in file.chunks.iter().flatten() {
        let Some(symbol) = &chunk.symbol else { continue };
        let lines = Lines { first: chunk.start_line, last: chunk.end_line };
        match items.last_mut() {
            Some(before) if before.symbol == *symbol => before.lines.last = lines.last,
            _ => items.push(Item::named(symbol, lines)),
        }
    }
    for item in &mut items {
        item.signature = source.line_of(item.lines, last_part(&item.symbol)).unwrap_or_default();
    }
    items
}

/// What is called so: by its whole name, else by the end of it, else by its last part whatever its case. In the order
/// of the text, and what is beside it last.
pub(super) fn symbol<'a>(items: &'a [Item], name: &str) -> Vec<&'a Item> {
    let best = items.iter().filter_map(|item| by_name(&item.symbol, name)).min();
    let is_called = |item: &&Item| best.is_some() && by_name(&item.symbol, name) == best;
    let mut found: Vec<_> = items.iter().filter(is_called).collect();
    found.sort_by_key(|item| item.is_beside);
    found
}

/// How well a name tells a symbol, the less the better; `None` where it does not. The parentheses of a call are no part
/// of it.
pub(super) fn by_name(symbol: &str, name: &str) -> Option<u8> {
    let name = name.trim().trim_end_matches("()");
    let is_end = |front: &str| front.ends_with(['.', ':', '#', '/', '\\', ' ']);
    if symbol == name {
        Some(0)
    } else if symbol.strip_suffix(name).is_some_and(is_end) {
        Some(1)
    } else {
        last_part(symbol).eq_ignore_ascii_case(last_part(name)).then_some(2)
    }
}

impl Item {
    /// What a definition is.
    pub(super) fn of(definition: &Definition) -> Self {
        Self {
            symbol: definition.qualified.clone(),
            lines: Lines { first: definition.start_line, last: definition.end_line },
            signature: printable(definition.signature.trim()).into_owned(),
            is_beside: matches!(definition.kind, "declaration" | "impl"),
            is_part: matches!(definition.kind, "field" | "variant"),
        }
    }

    /// What is called so, and nothing more is known of it.
    pub(super) fn named(symbol: &str, lines: Lines) -> Self {
        Self { symbol: symbol.to_owned(), lines, signature: String::new(), is_beside: false, is_part: false }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\t{}", self.lines, printable(&self.symbol))?;
        if self.signature.is_empty() { writeln!(f) } else { writeln!(f, "  {}", self.signature) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(symbol: &str, first: u32) -> Item {
        Item::named(symbol, Lines { first, last: first + 9 })
    }

    #[test]
    fn a_symbol_is_found_by_its_name_by_its_end_and_whatever_its_case() {
        let items = [item("Queue", 1), item("Queue::claim", 11), item("Store::claim", 21), item("reclaim", 31)];
        let found = |name| symbol(&items, name).iter().map(|item| item.lines.first).collect::<Vec<_>>();
        assert_eq!(found("Queue"), [1]);
        assert_eq!(found("Queue::claim"), [11]);
        assert_eq!(found("claim"), [11, 21]);
        assert_eq!(found("claim()"), [11, 21]);
        assert_eq!(found("CLAIM"), [11, 21]);
        assert!(found("aim").is_empty() && found("other").is_empty());
        let prototype = Item { is_beside: true, ..item("claim", 1) };
        let of_c = [prototype, item("claim", 21)];
        assert_eq!(symbol(&of_c, "claim")[0].lines.first, 21, "what it is before what announces it");
    }
}
