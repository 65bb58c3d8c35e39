//! The head of an answer: how fresh each repository is that it is about.

use warmer_store::Store;

use super::budget::Page;
use super::known::{Known, Work};
use super::refused::Refused;

/// The most repositories whose freshness is told in front of an answer; an answer names fewer, as a rule.
const LINES_MAX: usize = 12;

/// Writes the line of each of these, and how many more there are.
pub(super) async fn write(page: &mut Page, store: &dyn Store, known: &[&Known]) -> Result<(), Refused> {
    let mut written = 0;
    for one in known.iter().take(LINES_MAX) {
        let (line, tokens) = one.line(Work::of(store, one.id()).await?);
        // The rest of the page is for the answer itself.
        if tokens > page.left() / 2 && written > 0 || !page.push_as(&line, tokens) {
            break;
        }
        written += 1;
    }
    if written < known.len() {
        page.push(&format!("and {} more: the tool `repositories` tells how fresh they are\n", known.len() - written));
    }
    Ok(())
}
