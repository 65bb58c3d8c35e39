//! Which files may be hits.

use std::sync::Arc;

use super::request::Search;
use crate::paths::{BadPattern, Paths};
use crate::rank::Sides;
use crate::segment::Snapshot;

/// The filters of a search over files.
pub(super) struct Filter {
    paths: Option<Paths>,
    language: Option<String>,
    sides: Sides,
}

impl Filter {
    /// Of a search; `language` is its language by the name in the table.
    ///
    /// # Errors
    /// When the filter over paths names none and does not read as a glob.
    pub(super) fn of(search: &Search, language: Option<String>, all: &[Arc<Snapshot>]) -> Result<Self, BadPattern> {
        let served = all.iter().flat_map(|snapshot| {
            let path = move |(part, file)| snapshot.part(part).map(|part| part.path(file));
            snapshot.live_files().filter_map(path)
        });
        let paths = search.path.as_deref().map(|filter| Paths::new(filter, served)).transpose()?;
        Ok(Self { paths, language, sides: search.sides })
    }

    /// Whether the file of this path and language may be one.
    pub(super) fn wants(&self, path: &str, language: &str) -> bool {
        let is_in = self.paths.as_ref().is_none_or(|paths| paths.has(path));
        is_in && self.language.as_deref().is_none_or(|wanted| wanted == language) && self.sides.have(path, language)
    }
}
