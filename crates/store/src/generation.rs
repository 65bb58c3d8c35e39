//! A generation: an embedding and a chunking that belong together, and where it stands.

use std::time::SystemTime;

use crate::text_enum::text_enum;
use warmer_content::Recipe;

text_enum! {
    /// Where a generation stands.
    GenerationState {
        /// Repositories are published under it; searches use another one's embedding.
        Building => "building",
        /// Searches use its embedding. There is one at most.
        Active => "active",
        /// It was active, or was left: kept for a while, so that a command can bring it back.
        Retired => "retired",
    }
}

/// An embedding and a chunking that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation {
    /// What it is made by.
    pub recipe: Recipe,
    /// Where it stands.
    pub state: GenerationState,
    /// When it came to that, by the database's clock.
    pub changed_at: SystemTime,
    /// Repositories whose last publication under its chunking was by its embedding, and that lack no vector of it.
    pub covered: u64,
}
