//! The symbols of a file, and where they are.

use std::fmt;

use warmer_query::File;
use warmer_query::text::printable;

use super::place::Lines;
use super::source::{Source, last_part};

/// A symbol and its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) symbol: String,
    pub(super) lines: Lines,
    /// The line that names it, without the blanks around.
    signature: String,
}

/// What the file defines, in the order of its text; where nothing tells that, the items that its chunks belong to.
/// Parts of one that follow each other are one.
pub(super) fn outline(file: &File, source: &Source<'_>) -> Vec<Item> {
    let defined = file.definitions.iter().flatten().map(|definition| Item {
        symbol: definition.qualified.clone(),
        lines: Lines { first: definition.start_line, last: definition.end_line },
        signature: printable(definition.signature.trim()).into_owned(),
    });
    let mut items: Vec<Item> = defined.collect();
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
            _ => items.push(Item { symbol: symbol.clone(), lines, signature: String::new() }),
        }
    }
    for item in &mut items {
        item.signature = source.line_of(item.lines, last_part(&item.symbol)).unwrap_or_default();
    }
    items
}

/// The lines of what is called so: by its whole name, else by the end of it, else by its last part whatever its case.
pub(super) fn symbol(items: &[Item], name: &str) -> Vec<Lines> {
    let name = name.trim().trim_end_matches("()");
    let those = |is: &dyn Fn(&str) -> bool| -> Vec<Lines> {
        items.iter().filter(|item| is(&item.symbol)).map(|item| item.lines).collect()
    };
    let ends =
        |symbol: &str| symbol.strip_suffix(name).is_some_and(|front| front.ends_with(['.', ':', '#', '/', '\\', ' ']));
    let exact = those(&|symbol| symbol == name);
    let ending = if exact.is_empty() { those(&ends) } else { exact };
    if ending.is_empty() { those(&|symbol| last_part(symbol).eq_ignore_ascii_case(last_part(name))) } else { ending }
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
        Item { symbol: symbol.to_owned(), lines: Lines { first, last: first + 9 }, signature: String::new() }
    }

    #[test]
    fn a_symbol_is_found_by_its_name_by_its_end_and_whatever_its_case() {
        let items = [item("Queue", 1), item("Queue::claim", 11), item("Store::claim", 21), item("reclaim", 31)];
        let found = |name| symbol(&items, name).iter().map(|lines| lines.first).collect::<Vec<_>>();
        assert_eq!(found("Queue"), [1]);
        assert_eq!(found("Queue::claim"), [11]);
        assert_eq!(found("claim"), [11, 21]);
        assert_eq!(found("claim()"), [11, 21]);
        assert_eq!(found("CLAIM"), [11, 21]);
        assert!(found("aim").is_empty() && found("other").is_empty());
    }
}
