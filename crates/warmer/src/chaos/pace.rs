//! Work that takes its time without any processor: a toy model would else be done before a fault could meet it.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context as _;

/// Of each stage by its name: how much longer one message takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pace(BTreeMap<String, Duration>);

impl FromStr for Pace {
    type Err = anyhow::Error;

    /// `STAGE:MILLISECONDS,…`
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let one = |part: &str| {
            let (stage, millis) = part.split_once(':').context("a pace is STAGE:MILLISECONDS")?;
            Ok((stage.to_owned(), Duration::from_millis(millis.parse().context("MILLISECONDS is a number")?)))
        };
        text.split(',').map(one).collect::<anyhow::Result<_>>().map(Self)
    }
}

impl Pace {
    /// Waits as long as the stage is to take.
    pub(super) async fn keep(&self, stage: &str) {
        if let Some(delay) = self.0.get(stage) {
            tokio::time::sleep(*delay).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stage_has_a_pace_of_its_own() {
        let pace: Pace = "fetcher:800,embedder:5".parse().unwrap();
        assert_eq!(pace.0.get("embedder"), Some(&Duration::from_millis(5)));
        assert_eq!(pace.0.get("storer"), None);
        assert!("fetcher".parse::<Pace>().is_err());
    }
}
