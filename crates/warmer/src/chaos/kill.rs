//! Deaths at named points.

use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, bail};
use rustix::process::{Signal, getpid, kill_process};

use super::ledger::Ledger;

/// Where a process can die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Point {
    /// `claimed`: after the claim, before anything is done for it.
    Claimed,
    /// `embedding`: before a text is embedded.
    Embedding,
    /// `publishing`: before the commit of a publication.
    Publishing,
    /// `published`: after that commit, before anyone is told.
    Published,
}

impl FromStr for Point {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        Ok(match text {
            "claimed" => Self::Claimed,
            "embedding" => Self::Embedding,
            "publishing" => Self::Publishing,
            "published" => Self::Published,
            _ => bail!("{text} is no point: claimed, embedding, publishing or published"),
        })
    }
}

/// One death, at the N-th passing of a point.
#[derive(Debug)]
pub(super) struct Kill {
    point: Point,
    passes: AtomicU32,
}

impl FromStr for Kill {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (point, passes) = text.split_once(':').context("a death is POINT:N")?;
        Ok(Self { point: point.parse()?, passes: AtomicU32::new(passes.parse().context("N is a number")?) })
    }
}

impl Kill {
    /// Counts this passing; the last one does not return.
    pub(super) fn pass(&self, point: Point, ledger: &Ledger) {
        if self.point == point && self.passes.fetch_sub(1, Ordering::Relaxed) == 1 {
            ledger.dies(&format!("killed at {point:?}"));
            if let Err(error) = kill_process(getpid(), Signal::KILL) {
                tracing::error!(%error, "this process could not kill itself");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_death_names_its_point_and_its_passing() {
        let kill: Kill = "published:3".parse().unwrap();
        assert_eq!((kill.point, kill.passes.into_inner()), (Point::Published, 3));
        for bad in ["", "published", "published:", "nowhere:1"] {
            assert!(bad.parse::<Kill>().is_err(), "{bad}");
        }
    }
}
