//! The tool `read`.

use std::collections::BTreeSet;

use warmer_query::text::{counted, printable};
use warmer_query::{File, Freshness, Pages, QueryError, Scope};
use warmer_store::{RepositoryId, Store};

use super::asked::{Asked, Wanted};
use super::budget::Page;
use super::chosen::{Chosen, Here};
use super::defined::{Defined, anywhere, write_others};
use super::head;
use super::known::Known;
use super::nearest::nearest;
use super::outline::{Item, outline, symbol};
use super::place::Lines;
use super::refused::Refused;
use super::source::Source;
use super::tokens::tokens;

/// The most tokens of the last line.
const LAST_TOKENS: usize = 50;

/// Paths that are looked at for one of the same name.
const PATHS_MAX: usize = 50_000;

/// Paths that are offered instead of one that is not there.
const OFFERED: usize = 5;

/// How often a file is read at most, where something is published meanwhile.
const TRIES: usize = 3;

/// Answers a call about the one repository that is chosen.
pub(super) async fn read(
    store: &dyn Store,
    scope: &Scope,
    asked: Asked,
    mut chosen: Chosen,
) -> Result<String, Refused> {
    let known = match chosen.known.as_mut_slice() {
        [] => return Err(Refused::new("there is nothing in the cache yet: `warmer warm` brings a repository in")),
        [one] => one,
        several => return Err(which(several, &chosen.note)),
    };
    let here = chosen.here.as_ref().map(|(_, here)| here);
    let mut found = vec![];
    let path = match &asked.wanted {
        Wanted::Symbol(None, name) => {
            found = anywhere(store, scope, known.id(), name).await?;
            found.first().ok_or_else(|| nowhere(known, name))?.path.clone()
        }
        Wanted::Lines(path, _) | Wanted::Outline(path) | Wanted::Whole(path) | Wanted::Symbol(Some(path), _) => {
            relative(path, here)
        }
    };
    let file = match current(store, scope, known, &path).await {
        Err(QueryError::NoPath { .. }) => return Err(no_path(store, scope, known, &path).await?),
        file => file?,
    };
    let Some(text) = &file.text else {
        let why = file.skip.map_or("unknown", warmer_content::SkipReason::as_str);
        return Err(Refused::new(format!("{path} of {} is not indexed ({why}): read it in a checkout", known.name)));
    };
    let mut page = Page::new(asked.max_tokens);
    page.keep(LAST_TOKENS);
    head::write(&mut page, store, &[&*known]).await?;
    page.push(&chosen.note);
    if let Some(line) = here.and_then(|here| here.differs(known.row.commit.as_deref())) {
        page.push(&line);
    }
    let source = Source::new(text, 1);
    let differs =
        if here.is_some_and(|here| here.has_changed(&path)) { " [differs in the working directory]" } else { "" };
    page.push(&format!("{} ({}){differs}\n", printable(&path), counted(source.len().into(), "line")));
    let rest = write(&mut page, &source, &file, &asked.wanted, found)?;
    Ok(page.close(LAST_TOKENS, |used| format!("{used}{}\n", rest.unwrap_or_default())))
}

fn which(several: &[Known], note: &str) -> Refused {
    let mut names: Vec<_> = several.iter().take(OFFERED).map(Known::shown).collect();
    if several.len() > OFFERED {
        names.push(format!("{} more", several.len() - OFFERED));
    }
    Refused::new(format!("{note}read: name one `repository`: {}", names.join(", ")))
}

fn nowhere(known: &Known, name: &str) -> Refused {
    let name = printable(name);
    Refused::new(format!("read: nothing in {} is called {name}: `search` finds code by what it does", known.name))
}

/// The file, and in `known` the commit that it is of: read again where something was published meanwhile.
async fn current(store: &dyn Store, scope: &Scope, known: &mut Known, path: &str) -> Result<File, QueryError> {
    let mut before = store.repository(known.id()).await?;
    let mut tries = TRIES;
    loop {
        let file = File::of(store, scope, known.id(), path).await?;
        let after = store.repository(known.id()).await?;
        tries -= 1;
        let is_same = before.map(|row| row.publication) == after.as_ref().map(|row| row.publication);
        if is_same || tries == 0 {
            known.as_answered(Freshness::of(&after.ok_or(QueryError::NoRepository)?));
            return Ok(file);
        }
        before = after;
    }
}

/// Writes what is wanted; what is to be told of what has no room. `found` is what was looked for by name alone.
fn write(
    page: &mut Page,
    source: &Source<'_>,
    file: &File,
    wanted: &Wanted,
    found: Vec<Defined>,
) -> Result<Option<String>, Refused> {
    let items = outline(file, source);
    match wanted {
        Wanted::Lines(_, lines) if lines.first > source.len() => {
            let has = counted(source.len().into(), "line");
            Err(Refused::new(format!("read: there is no line {}: the file has {has}", lines.first)))
        }
        Wanted::Lines(_, lines) => Ok(numbered(page, source, *lines)),
        Wanted::Symbol(_, name) => {
            let (best, others) = meant(&items, name, file, found)?;
            write_others(page, &others);
            Ok(numbered(page, source, best))
        }
        Wanted::Outline(_) => Ok(listed(page, &items)),
        Wanted::Whole(_) => {
            let whole = Lines { first: 1, last: source.len() };
            // An outline of nothing helps nobody.
            if tokens(&source.numbered(whole)) <= page.left() || items.is_empty() {
                return Ok(numbered(page, source, whole));
            }
            page.push("too long to be shown whole: its outline\n");
            let rest = listed(page, &items);
            Ok(rest.or_else(|| Some(" · read lines or a symbol".to_owned())))
        }
    }
}

/// The lines of the definition that is meant, and the others: of those that were found by name alone the first, if the
/// file still has it; else those of the file.
fn meant(items: &[Item], name: &str, file: &File, mut found: Vec<Defined>) -> Result<(Lines, Vec<Defined>), Refused> {
    if found.first().is_some_and(|best| items.contains(&best.item)) {
        let best = found.remove(0);
        return Ok((best.item.lines, found));
    }
    let named = symbol(items, name);
    let Some((best, others)) = named.split_first() else { return Err(not_called(items, name, &file.path)) };
    let here = |item: &&Item| Defined { path: file.path.clone(), item: (*item).clone() };
    Ok((best.lines, others.iter().map(here).collect()))
}

fn not_called(items: &[Item], name: &str, path: &str) -> Refused {
    let near = nearest(name, items.iter().map(|item| item.symbol.as_str()));
    let offered = match near.is_empty() {
        true => "its outline lists what there is".to_owned(),
        false => format!("nearest: {}", near.join(", ")),
    };
    Refused::new(format!("read: nothing in {} is called {}; {offered}", printable(path), printable(name)))
}

/// Writes as many of these lines as there is room for.
fn numbered(page: &mut Page, source: &Source<'_>, lines: Lines) -> Option<String> {
    let last = lines.last.min(source.len());
    for number in lines.first..=last {
        if !page.push(&source.numbered(Lines { first: number, last: number })) {
            return Some(format!(" · for the rest: read lines {number}-{last}, or raise max_tokens"));
        }
    }
    None
}

/// Writes as many items as there is room for; where that is not all, without fields and variants.
fn listed(page: &mut Page, items: &[Item]) -> Option<String> {
    let fits = items.iter().map(|item| tokens(&item.to_string())).sum::<usize>() <= page.left();
    let items: Vec<_> = items.iter().filter(|item| fits || !item.is_part).collect();
    for (index, item) in items.iter().enumerate() {
        if !page.push(&item.to_string()) {
            let rest = counted((items.len() - index) as u64, "item");
            return Some(format!(" · {rest} have no room: raise max_tokens"));
        }
    }
    (!fits).then(|| " · fields and variants have no room: raise max_tokens".to_owned())
}

/// The path as the repository has it: an absolute one of the working tree is taken from its top.
fn relative(path: &str, here: Option<&Here>) -> String {
    let root = here.and_then(|here| here.checkout.as_ref()).and_then(|checkout| checkout.root.to_str());
    let below = root.and_then(|root| path.strip_prefix(root)?.strip_prefix('/'));
    let path = below.unwrap_or(path);
    path.strip_prefix("./").unwrap_or(path).to_owned()
}

/// The path is none of the repository: those are told that end like it.
async fn no_path(store: &dyn Store, scope: &Scope, known: &Known, path: &str) -> Result<Refused, Refused> {
    let found = same_name(store, scope, known.id(), path).await?;
    let offered = match found.is_empty() {
        true => "`search` finds files by what they do".to_owned(),
        false => format!("files of that name: {}", found.into_iter().collect::<Vec<_>>().join(", ")),
    };
    Ok(Refused::new(format!("read: {} has no file {}; {offered}", known.name, printable(path))))
}

async fn same_name(
    store: &dyn Store,
    scope: &Scope,
    repository: RepositoryId,
    path: &str,
) -> Result<BTreeSet<String>, Refused> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let (mut pages, mut found, mut looked) = (Pages::of(store, scope, repository), BTreeSet::new(), 0);
    while let Some(page) = pages.next().await? {
        looked += page.len();
        let same = page.into_iter().filter(|entry| entry.path.rsplit('/').next() == Some(name));
        found.extend(same.map(|entry| printable(&entry.path).into_owned()).take(OFFERED - found.len()));
        if found.len() == OFFERED || looked >= PATHS_MAX {
            break;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outline_without_room_for_all_leaves_fields_out_before_anything_else_and_says_so() {
        let item = |is_part: bool, number: u32| {
            let lines = Lines { first: number, last: number };
            let mut item = Item::named(&format!("Queue::name_{number}"), lines);
            item.is_part = is_part;
            item
        };
        let items: Vec<_> = (1..60).map(|number| item(number % 2 > 0, number)).collect();
        let told = |max_tokens| {
            let mut page = Page::new(max_tokens);
            let rest = listed(&mut page, &items).unwrap_or_default();
            (page.close(0, |_| String::new()).lines().count(), rest)
        };
        assert_eq!(told(2000), (59, String::new()));
        assert_eq!(told(300), (29, " · fields and variants have no room: raise max_tokens".to_owned()));
        let (shown, rest) = told(200);
        assert_eq!(rest, format!(" · {} items have no room: raise max_tokens", 29 - shown));
    }
}
