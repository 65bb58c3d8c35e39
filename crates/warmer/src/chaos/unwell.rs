//! An embedder that is not well, as long as a file is there.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use warmer_content::EmbeddingId;
use warmer_embedding::{CallLimits, EmbedError, Embedding, Provider};

/// Between two looks whether the file is there still.
const LOOK: Duration = Duration::from_millis(50);

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Illness {
    /// `dead`: the worker that asks it dies.
    Dead,
    /// `stalled`: it does not answer.
    Stalled,
    /// `unfit`: it has no model.
    Unfit,
    /// `refused`: it has no budget.
    Refused,
}

/// As a variable asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unwell {
    illness: Illness,
    file: PathBuf,
}

impl FromStr for Unwell {
    type Err = anyhow::Error;

    /// `ILLNESS:FILE`
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (illness, file) = text.split_once(':').context("WARMER_CHAOS_EMBEDDER is not ILLNESS:FILE")?;
        let illness = match illness {
            "dead" => Illness::Dead,
            "stalled" => Illness::Stalled,
            "unfit" => Illness::Unfit,
            "refused" => Illness::Refused,
            _ => bail!("{illness} is no illness: dead, stalled, unfit or refused"),
        };
        Ok(Self { illness, file: file.into() })
    }
}

impl Unwell {
    /// Whether who asks now dies of it.
    pub(super) fn kills(&self) -> bool {
        self.illness == Illness::Dead && self.is_unwell()
    }

    /// In front of one that is well.
    pub(super) fn before(self, well: Arc<dyn Provider>) -> Arc<dyn Provider> {
        Arc::new(Patient { unwell: self, well })
    }

    fn is_unwell(&self) -> bool {
        self.file.is_file()
    }
}

struct Patient {
    unwell: Unwell,
    well: Arc<dyn Provider>,
}

#[async_trait]
impl Provider for Patient {
    fn embedding_id(&self) -> EmbeddingId {
        self.well.embedding_id()
    }

    fn dimensions(&self) -> Option<usize> {
        self.well.dimensions()
    }

    fn limits(&self) -> CallLimits {
        self.well.limits()
    }

    fn uploads(&self) -> bool {
        self.well.uploads()
    }

    fn keep_for(&self, calls: usize) {
        self.well.keep_for(calls);
    }

    async fn embed(&self, texts: Vec<String>, stop: CancellationToken) -> Vec<Result<Embedding, EmbedError>> {
        while self.unwell.is_unwell() {
            let error = match self.unwell.illness {
                Illness::Unfit => EmbedError::Unfit("there is no model".to_owned()),
                Illness::Refused => EmbedError::Retry { why: "the budget is spent".to_owned(), after: None },
                Illness::Dead | Illness::Stalled => {
                    if tokio::time::timeout(LOOK, stop.cancelled()).await.is_err() {
                        continue;
                    }
                    EmbedError::Stopped
                }
            };
            return vec![Err(error); texts.len()];
        }
        self.well.embed(texts, stop).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_illness_lasts_as_long_as_its_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("unwell");
        let unwell: Unwell = format!("dead:{}", file.display()).parse().unwrap();
        assert!(!unwell.kills());
        std::fs::write(file, "").unwrap();
        assert!(unwell.kills());
        assert!("dead".parse::<Unwell>().is_err() && "ill:file".parse::<Unwell>().is_err());
    }
}
