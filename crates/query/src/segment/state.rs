//! What a snapshot is of.

use serde::{Deserialize, Serialize};
use warmer_content::{Digest, KeyBuilder, Recipe};
use warmer_store::Repository;

/// What is served of a repository: the publication that made it, and what that published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// How it was chunked and embedded.
    pub(super) recipe: Recipe,
    /// Its number among those of the repository.
    pub(super) publication: u64,
    /// Of which commit and by which rules: a database that was put back to an older state counts on with the same
    /// numbers.
    content: Digest,
}

impl State {
    /// What is served of this repository under this recipe; `None` where nothing is.
    pub(super) fn of(repository: &Repository, recipe: Recipe) -> Option<Self> {
        let served = repository.served.as_ref().filter(|served| served.recipe == recipe)?;
        let content = KeyBuilder::new("warmer segment state v1").field(&served.commit).field(served.rules.0.0);
        Some(Self { recipe, publication: repository.publication, content: content.finish() })
    }

    /// The first of a repository.
    #[cfg(test)]
    pub(super) fn test(recipe: Recipe) -> Self {
        Self { recipe, publication: 1, content: Digest([0; 32]) }
    }
}
