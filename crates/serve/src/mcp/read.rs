//! The tool `read`: a file at the served commit, lines of it, a symbol, or its outline.

use std::collections::BTreeSet;

use warmer_query::text::{counted, printable};
use warmer_query::{File, Pages, QueryError, Scope};
use warmer_store::{RepositoryId, Store};

use super::arguments::ReadArguments;
use super::budget::Page;
use super::cache::Opened;
use super::chosen::{Chosen, Here};
use super::head;
use super::known::Known;
use super::nearest::nearest;
use super::outline::{Item, outline, symbol};
use super::place::{Lines, Place};
use super::refused::Refused;
use super::source::Source;

/// The most bytes of the last line.
const LAST_BYTES: usize = 150;

/// Paths that are looked at for one of the same name.
const PATHS_MAX: usize = 50_000;

/// Paths that are offered instead of one that is not there.
const OFFERED: usize = 5;

/// What of the file is wanted.
#[derive(Debug)]
enum Wanted {
    Lines(Lines),
    Symbol(String),
    Outline,
    Whole,
}

/// Which file, in the words of the call.
#[derive(Debug)]
pub(super) struct Asked {
    /// The repository that it names, by itself or in front of the path.
    pub(super) repository: Option<String>,
    path: String,
    wanted: Wanted,
    max_tokens: usize,
}

impl Asked {
    /// Of these arguments. `names` are those that may stand in front of a path.
    pub(super) fn of(arguments: ReadArguments, names: &[Known]) -> Result<Self, Refused> {
        let Place { file, lines } = Place::parse(&arguments.path);
        let named = file.split_once(':').filter(|(name, _)| names.iter().any(|known| known.name == *name));
        let (name, path) = match (arguments.repository, named) {
            (None, Some((name, path))) => (Some(name.to_owned()), path.to_owned()),
            (Some(given), Some((name, path))) if given == name => (Some(given), path.to_owned()),
            (given, _) => (given, file),
        };
        let wanted = match (arguments.lines, lines, arguments.symbol) {
            _ if arguments.outline => Wanted::Outline,
            (_, _, Some(symbol)) => Wanted::Symbol(symbol),
            (Some(text), ..) => Wanted::Lines(Lines::parse(text.trim()).ok_or_else(|| {
                Refused::new(format!("read: lines is {text:?}, and must be like 40-80, counted from 1"))
            })?),
            (None, Some(lines), None) => Wanted::Lines(lines),
            (None, None, None) => Wanted::Whole,
        };
        Ok(Self { repository: name, path, wanted, max_tokens: arguments.max_tokens.0 })
    }
}

/// Answers a call about the one repository that is chosen.
pub(super) async fn read(opened: &Opened, asked: Asked, chosen: Chosen) -> Result<String, Refused> {
    let (store, scope) = (opened.store().await?, &opened.cache.scope);
    let known = match chosen.known.as_slice() {
        [] => return Err(Refused::new("there is nothing in the cache yet: `warmer warm` brings a repository in")),
        [one] => one,
        several => {
            let names: Vec<_> = several.iter().take(OFFERED).map(Known::shown).collect();
            return Err(Refused::new(format!("read: name one `repository`: {}", names.join(", "))));
        }
    };
    let here = chosen.here.as_ref().map(|(_, here)| here);
    let path = relative(&asked.path, here);
    let file = match File::of(store, scope, known.id(), &path).await {
        Err(QueryError::NoPath { .. }) => return Err(no_path(store, scope, known, &path).await?),
        file => file?,
    };
    let Some(text) = &file.text else {
        let why = file.skip.map_or("unknown", warmer_content::SkipReason::as_str);
        return Err(Refused::new(format!("{path} of {} is not indexed ({why}): read it in a checkout", known.name)));
    };
    let mut page = Page::new(asked.max_tokens);
    page.keep(LAST_BYTES);
    head::write(&mut page, store, &[known]).await?;
    if let Some(line) = here.and_then(|here| here.differs(known.row.commit.as_deref())) {
        page.push(&line);
    }
    let source = Source::new(text, 1);
    let differs =
        if here.is_some_and(|here| here.has_changed(&path)) { " [differs in the working directory]" } else { "" };
    page.push(&format!("{} ({}){differs}\n", printable(&path), counted(source.len().into(), "line")));
    let rest = write(&mut page, &source, &file, &asked.wanted)?;
    Ok(page.close(LAST_BYTES, |used| format!("{used}{}\n", rest.unwrap_or_default())))
}

/// Writes what is wanted; what is to be told of what has no room.
fn write(page: &mut Page, source: &Source<'_>, file: &File, wanted: &Wanted) -> Result<Option<String>, Refused> {
    let items = outline(file, source);
    match wanted {
        Wanted::Lines(lines) if lines.first > source.len() => {
            Err(Refused::new(format!("read: there is no line {}: the file has {}", lines.first, source.len())))
        }
        Wanted::Lines(lines) => Ok(numbered(page, source, *lines)),
        Wanted::Symbol(name) => {
            let found = symbol(&items, name);
            if found.is_empty() {
                let near = nearest(name, items.iter().map(|item| item.symbol.as_str()));
                let offered = if near.is_empty() { "its outline lists them".to_owned() } else { near.join(", ") };
                return Err(Refused::new(format!("read: nothing in it is called {}: {offered}", printable(name))));
            }
            Ok(found.into_iter().find_map(|lines| numbered(page, source, lines)))
        }
        Wanted::Outline => Ok(listed(page, &items)),
        Wanted::Whole => {
            let whole = Lines { first: 1, last: source.len() };
            // An outline of nothing helps nobody.
            if source.numbered(whole).len() <= page.left() || items.is_empty() {
                return Ok(numbered(page, source, whole));
            }
            page.push("too long to be shown whole: its outline\n");
            let rest = listed(page, &items);
            Ok(rest.or_else(|| Some(" · read lines or a symbol".to_owned())))
        }
    }
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

/// Writes as many items as there is room for.
fn listed(page: &mut Page, items: &[Item]) -> Option<String> {
    for (index, item) in items.iter().enumerate() {
        if !page.push(&item.to_string()) {
            return Some(format!(
                " · {} have no room: raise max_tokens",
                counted((items.len() - index) as u64, "item")
            ));
        }
    }
    None
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
    Ok(Refused::new(format!("read: {} is no path of {}; {offered}", printable(path), known.name)))
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
