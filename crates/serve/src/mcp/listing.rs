//! The tool `repositories`.

use warmer_query::text::counted;
use warmer_store::Store;

use super::arguments::RepositoriesArguments;
use super::budget::Page;
use super::known::{Known, Work};
use super::nearest::nearest;
use super::refused::Refused;

/// The most tokens of the last line: a name may have 500 characters.
const LAST_TOKENS: usize = 130;

/// Bytes of a name that the last line repeats.
const NAME_SHOWN: usize = 80;

/// Answers a call.
pub(super) async fn list(
    store: &dyn Store,
    arguments: RepositoriesArguments,
    all: &[Known],
) -> Result<String, Refused> {
    let matching = arguments.matching.as_deref().unwrap_or_default().to_lowercase();
    let is = |known: &&Known| {
        known.name.to_lowercase().contains(&matching) || known.row.repository.to_lowercase().contains(&matching)
    };
    let wanted: Vec<_> = all.iter().filter(is).collect();
    let behind = |known: &&&Known| arguments.after.as_deref().is_none_or(|after| known.name.as_str() > after);
    let rest: Vec<_> = wanted.iter().filter(behind).copied().collect();
    let mut page = Page::new(arguments.max_tokens.0);
    page.keep(LAST_TOKENS);
    let mut shown: Option<&Known> = None;
    let mut count = 0;
    for known in rest.iter().copied() {
        let (line, tokens) = known.line_with_vectors(Work::of(store, known.id()).await?);
        if !page.push_as(&line, tokens) {
            break;
        }
        (shown, count) = (Some(known), count + 1);
    }
    if wanted.is_empty() {
        page.push(&nothing(all, &matching));
    }
    let more = shown.filter(|_| count < rest.len()).map(|known| {
        let name = known.shown();
        format!(" · for more: after {:?}, or `match`", &name[..name.floor_char_boundary(NAME_SHOWN)])
    });
    let of = counted(wanted.len() as u64, "repository");
    Ok(page.close(LAST_TOKENS, |used| format!("shown {count} of {of} · {used}{}\n", more.unwrap_or_default())))
}

/// None is called like that.
fn nothing(all: &[Known], matching: &str) -> String {
    if all.is_empty() {
        return "no repository is followed yet: `warmer warm PATH|URL` brings one in\n".to_owned();
    }
    let near = nearest(matching, all.iter().map(|known| known.name.as_str()));
    match near.is_empty() {
        true => format!("no name or URL contains that; there are {}\n", counted(all.len() as u64, "repository")),
        false => format!("no name or URL contains that; nearest: {}\n", near.join(", ")),
    }
}
