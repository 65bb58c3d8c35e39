//! The provider of a process that can embed nothing: no model, or no runtime.

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use warmer_content::EmbeddingId;

use crate::provider::{CallLimits, EmbedError, Embedding, Provider};

/// Says what is missing, whatever it is asked.
#[derive(Clone, Debug)]
pub struct Absent {
    id: EmbeddingId,
    why: String,
}

impl Absent {
    /// In the place of what makes vectors of this embedding elsewhere. `why` is one sentence with the way out.
    #[must_use]
    pub fn new(id: EmbeddingId, why: impl Into<String>) -> Self {
        Self { id, why: why.into() }
    }
}

#[async_trait]
impl Provider for Absent {
    fn embedding_id(&self) -> EmbeddingId {
        self.id
    }

    fn dimensions(&self) -> Option<usize> {
        None
    }

    fn limits(&self) -> CallLimits {
        CallLimits { texts: 1, size: u64::MAX }
    }

    fn uploads(&self) -> bool {
        false
    }

    fn missing(&self) -> Option<&str> {
        Some(&self.why)
    }

    async fn embed(&self, texts: Vec<String>, _: CancellationToken) -> Vec<Result<Embedding, EmbedError>> {
        texts.iter().map(|_| Err(EmbedError::Unfit(self.why.clone()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_text_is_answered_by_what_is_missing() {
        let absent = Absent::new(EmbeddingId::NONE, "there is no model");
        let made = absent.embed(vec!["a".into(), "b".into()], CancellationToken::new()).await;
        assert_eq!(made, vec![Err(EmbedError::Unfit("there is no model".into())); 2]);
        assert_eq!((absent.missing(), absent.embedding_id()), (Some("there is no model"), EmbeddingId::NONE));
    }
}
