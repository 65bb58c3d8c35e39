//! Where a name is defined: the definition that is read, and the others that are called so.

use warmer_query::text::printable;
use warmer_query::{Scope, definitions_of};
use warmer_store::{RepositoryId, Store};

use super::budget::Page;
use super::outline::{Item, by_name};
use super::refused::Refused;
use super::tokens::tokens;

/// Of the room that is left, the part that the others may take: the definition itself is what was asked for.
const OTHERS_SHARE: usize = 3;

/// A definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Defined {
    pub(super) path: String,
    pub(super) item: Item,
}

/// What is called so anywhere in a repository, the best match first.
pub(super) async fn anywhere(
    store: &dyn Store,
    scope: &Scope,
    repository: RepositoryId,
    name: &str,
) -> Result<Vec<Defined>, Refused> {
    let found = definitions_of(store, scope, repository, name).await?.into_iter();
    let mut all: Vec<_> = found.map(|found| Defined { path: found.path, item: Item::of(&found.definition) }).collect();
    // Case aside it is the name, or it would not have been found.
    all.sort_by_key(|found| (by_name(&found.item.symbol, name).unwrap_or(u8::MAX), found.item.is_beside));
    Ok(all)
}

/// Tells of the others that are called so: places that can be read, as many as there is room for.
pub(super) fn write_others(page: &mut Page, others: &[Defined]) {
    if others.is_empty() {
        return;
    }
    let are = if others.len() == 1 { "definition is" } else { "definitions are" };
    page.push(&format!("{} other {are} called so:\n", others.len()));
    let least = page.left() - page.left() / OTHERS_SHARE;
    for (index, Defined { path, item }) in others.iter().enumerate() {
        let line = format!("- {}:{} {}\n", printable(path), item.lines, printable(&item.symbol));
        if page.left() < least + tokens(&line) {
            page.push(&format!("- and {} more: a qualified name tells them apart\n", others.len() - index));
            return;
        }
        page.push(&line);
    }
}

#[cfg(test)]
mod tests {
    use super::super::budget::LEAST;
    use super::super::place::Lines;
    use super::*;

    fn others(count: u32) -> Vec<Defined> {
        let one = |number: u32| {
            let lines = Lines { first: number, last: number + 9 };
            Defined { path: format!("src/file_{number}.rs"), item: Item::named("Queue::claim", lines) }
        };
        (1..=count).map(one).collect()
    }

    fn told(others: &[Defined], max_tokens: usize) -> (String, usize) {
        let mut page = Page::new(max_tokens);
        write_others(&mut page, others);
        let left = page.left();
        (page.close(0, |_| String::new()), left)
    }

    #[test]
    fn other_definitions_are_told_as_places_that_can_be_read() {
        assert_eq!(told(&[], 2000).0, "");
        let expected = "2 other definitions are called so:\n- src/file_1.rs:1-10 Queue::claim\n- src/file_2.rs:2-11 \
                        Queue::claim\n";
        assert_eq!(told(&others(2), 2000).0, expected);
        assert!(told(&others(1), 2000).0.starts_with("1 other definition is called so:\n"));
    }

    #[test]
    fn however_many_there_are_most_of_the_page_is_for_the_definition_itself() {
        let (text, left) = told(&others(100), LEAST);
        assert!(left > LEAST / 2, "{left}\n{text}");
        let shown = text.matches("src/file_").count();
        assert!(shown > 0 && text.contains(&format!("- and {} more: ", 100 - shown)), "{text}");
    }
}
