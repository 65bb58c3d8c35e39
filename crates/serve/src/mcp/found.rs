//! What a search found, as an answer needs it: the one place that knows how the library tells it.

use warmer_query::{Report, Searched};
use warmer_store::RepositoryId;

use super::place::Lines;

/// Lines of a file that answer a question.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    pub(super) repository: RepositoryId,
    pub(super) path: String,
    pub(super) lines: Lines,
    pub(super) symbol: Option<String>,
    pub(super) text: String,
    /// Other places of just the same text.
    pub(super) copies: u64,
}

/// What a search came to.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Best first.
    pub(super) hits: Vec<Hit>,
    /// Why there are none.
    pub(super) why: Option<String>,
    /// What the hits lack, a sentence each.
    pub(super) notes: Vec<String>,
    /// What was searched, as it was then.
    pub(super) searched: Vec<Searched>,
}

impl From<Report> for Found {
    /// Ranges of one file follow each other, in its order.
    fn from(report: Report) -> Self {
        let mut hits = vec![];
        for hit in report.hits {
            // Copies are those of one text; where there are several ranges it is not said which.
            let copies = if hit.ranges.len() == 1 { hit.also_in.len() as u64 + hit.more_places } else { 0 };
            hits.extend(hit.ranges.into_iter().map(|range| Hit {
                repository: hit.id,
                path: hit.path.clone(),
                lines: Lines { first: range.start_line, last: range.end_line },
                symbol: range.symbol,
                text: range.text,
                copies,
            }));
        }
        Self { hits, why: report.why, notes: report.notes, searched: report.repositories }
    }
}
