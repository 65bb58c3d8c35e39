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
    /// When it last became active; `None`: it never was.
    pub active_at: Option<SystemTime>,
    /// Repositories that searches find under it, and that lack no vector of it.
    pub covered: u64,
    /// Texts that lack a vector of it, each counted for every artifact and repository that has it.
    pub missing: u64,
}

/// What became of a generation that a person does not want any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// It is gone, with what stood under it alone.
    Done,
    /// There is none of this recipe.
    Unknown,
    /// Searches use it.
    Active,
    /// The fleet makes it.
    Made,
    /// So many repositories show what it made, and would show nothing.
    Shown(u64),
}
