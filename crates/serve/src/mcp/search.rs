//! The tool `search`.

use std::collections::HashMap;

use warmer_query::{FilterNames, Search};
use warmer_store::{RepositoryId, Store};

use super::arguments::{Kind, SearchArguments};
use super::budget::Page;
use super::cache::Cache;
use super::chosen::Chosen;
use super::found::{Found, Hit};
use super::head;
use super::known::Known;
use super::laid::{Laid, Shown, lay};
use super::place::{Place, printed};
use super::refused::Refused;

/// Tokens that a place takes at least, for the number of places to show: where it is, the line that names it, and some
/// of its own.
const TOKENS_PER_PLACE: usize = 130;

/// The fewest and the most places that are shown. A file has up to three.
const PLACES: (usize, usize) = (5, 60);

/// The most tokens of the last line.
const LAST_TOKENS: usize = 50;

/// The names that the arguments have in sentences.
const NAMES: FilterNames =
    FilterNames { path: "path", language: "language", sides: ["kind code", "kind docs", "kind tests"] };

/// Answers a call.
pub(super) async fn search(
    cache: &Cache,
    store: &dyn Store,
    arguments: SearchArguments,
    mut chosen: Chosen,
) -> Result<String, Refused> {
    if arguments.query.trim().is_empty() {
        return Err(Refused::new("search: the query is empty: give words, an identifier, or a sentence"));
    }
    let exclude: Vec<_> = arguments.exclude.iter().map(|place| Place::parse(place)).collect();
    let places = (arguments.max_tokens.0 / TOKENS_PER_PLACE).clamp(PLACES.0, PLACES.1);
    let asked = Search {
        repositories: Some(chosen.known.iter().map(Known::id).collect()),
        path: arguments.path,
        language: arguments.language,
        sides: arguments.kind.map(Kind::sides).unwrap_or_default(),
        // Files: each has a place at least.
        limit: places + exclude.len(),
        names: NAMES,
        ..Search::of(arguments.query)
    };
    let found =
        Found::from(warmer_query::search(store, &cache.scope, &cache.snapshots, &*cache.session, &asked).await?);
    for searched in &found.searched {
        if let Some(known) = chosen.known.iter_mut().find(|known| known.id() == searched.id) {
            known.as_answered(searched.freshness());
        }
    }
    page(store, arguments.max_tokens.0, &chosen, &found, &exclude, places).await
}

/// The answer: how fresh it is, what it lacks, the hits, and how much of them there is.
async fn page(
    store: &dyn Store,
    max_tokens: usize,
    chosen: &Chosen,
    found: &Found,
    exclude: &[Place],
    places: usize,
) -> Result<String, Refused> {
    let names: HashMap<RepositoryId, &Known> = chosen.known.iter().map(|known| (known.id(), known)).collect();
    let hits: Vec<_> = found.hits.iter().filter_map(|hit| shown(hit, chosen, &names)).collect();
    let seen = |shown: &Shown<'_>| {
        let file = printed(shown.repository, &shown.hit.path);
        exclude.iter().any(|place| place.covers(&file, shown.hit.lines))
    };
    let hits: Vec<_> = hits.into_iter().filter(|shown| !seen(shown)).take(places).collect();
    let mut page = Page::new(max_tokens);
    page.keep(LAST_TOKENS);
    head::write(&mut page, store, &answered(&hits, chosen)).await?;
    page.push(&chosen.note);
    if let Some((id, here)) = &chosen.here
        && let Some(line) = here.differs(names.get(id).and_then(|known| known.row.commit.as_deref()))
    {
        page.push(&line);
    }
    for note in &found.notes {
        page.push(&format!("{note}\n"));
    }
    let laid = lay(&mut page, &hits);
    if hits.is_empty() {
        page.push(&empty(found, exclude));
    }
    Ok(page.close(LAST_TOKENS, |used| last(laid, hits.len(), used)))
}

/// The repositories that the hits are from, in that order; all that were asked where there are none.
fn answered<'a>(hits: &[Shown<'_>], chosen: &'a Chosen) -> Vec<&'a Known> {
    let mut all: Vec<&Known> = vec![];
    for id in hits.iter().map(|shown| shown.hit.repository) {
        if !all.iter().any(|known| known.id() == id) {
            all.extend(chosen.known.iter().find(|known| known.id() == id));
        }
    }
    if all.is_empty() { chosen.known.iter().collect() } else { all }
}

fn shown<'a>(hit: &'a Hit, chosen: &Chosen, names: &HashMap<RepositoryId, &'a Known>) -> Option<Shown<'a>> {
    let known = *names.get(&hit.repository)?;
    let here = chosen.here.as_ref().filter(|(id, _)| *id == hit.repository);
    let differs = here.is_some_and(|(_, here)| here.has_changed(&hit.path));
    Some(Shown { hit, repository: chosen.label(known), differs })
}

/// Why nothing is shown, and what to do about it.
fn empty(found: &Found, exclude: &[Place]) -> String {
    match &found.why {
        Some(why) => format!("{why}\n"),
        None if !exclude.is_empty() => "nothing but what is excluded was found: ask in other words\n".to_owned(),
        None => {
            "nothing found: ask in other words, without `path` or `language`, or in other `repositories`\n".to_owned()
        }
    }
}

/// `shown 4 of 12 · 1870 of 2000 tokens · for more: …`
fn last(laid: Laid, hits: usize, used: &str) -> String {
    let more = match laid {
        _ if hits == 0 => "",
        Laid { shown, .. } if shown < hits => " · for more: raise max_tokens, or exclude what is shown",
        Laid { whole: false, .. } => " · for a hit's other lines: read its place",
        _ => " · for others: exclude what is shown",
    };
    format!("shown {} of {hits} · {used}{more}\n", laid.shown)
}

#[cfg(test)]
mod tests {
    use super::super::tokens::tokens;
    use super::*;

    #[test]
    fn the_last_line_fits_into_the_room_that_is_kept_for_it() {
        let used = "8000 of 8000 tokens";
        for laid in
            [Laid { shown: 10, whole: false }, Laid { shown: 60, whole: true }, Laid { shown: 60, whole: false }]
        {
            let line = last(laid, 60, used);
            assert!(tokens(&line) <= LAST_TOKENS, "{line}");
        }
        assert_eq!(last(Laid { shown: 0, whole: true }, 0, used), "shown 0 of 0 · 8000 of 8000 tokens\n");
    }
}
