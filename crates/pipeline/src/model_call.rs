//! A call of the embedding provider, as it is counted: how long it took, and what came of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use warmer_embedding::{EmbedError, Embedding};

/// One call that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelCall {
    /// Until the answer, or until nobody waited for it any more.
    pub took: Duration,
    /// Tokens of the texts that were embedded by it.
    pub tokens: u64,
    /// What came of it.
    pub outcome: ModelOutcome,
}

/// What came of a call of the embedding provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ModelOutcome {
    /// Each text has its vector.
    Ok,
    /// At least one of them has none.
    Failed,
    /// It did not end in time.
    TimedOut,
}

impl ModelOutcome {
    /// The class of the failure, as spans and metrics spell it.
    #[must_use]
    pub fn failure(self) -> Option<&'static str> {
        match self {
            Self::Ok => None,
            Self::Failed => Some("_OTHER"),
            Self::TimedOut => Some("timeout"),
        }
    }
}

impl ModelCall {
    /// With this answer; `None`: it did not end in time.
    pub(crate) fn of(answer: Option<&[Result<Embedding, EmbedError>]>, took: Duration) -> Self {
        let Some(made) = answer else { return Self { took, tokens: 0, outcome: ModelOutcome::TimedOut } };
        let tokens = made.iter().flatten().map(|made| made.tokens).sum();
        let outcome = if made.iter().all(Result::is_ok) { ModelOutcome::Ok } else { ModelOutcome::Failed };
        Self { took, tokens, outcome }
    }
}
