//! Where a fault can be brought into a stage: the door for fault tests, which the product leaves closed.

use async_trait::async_trait;
use warmer_supervision::Crash;

use crate::counters::Stage;

/// Before or after a stage's work on one message (for the Embedder: on one text).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Edge {
    /// Nothing is done yet.
    Before,
    /// The work is done and its result not yet handed on.
    After,
}

/// Is asked at each edge of each stage; may give an error, panic, or not come back.
#[async_trait]
pub trait Faults: Send + Sync {
    /// `Err` makes the worker die.
    async fn at(&self, stage: Stage, edge: Edge) -> Result<(), Crash>;

    /// On the thread that chunks the file at `path`.
    fn file(&self, _path: &str) {}

    /// In the call that embeds this text.
    fn text(&self, _text: &str) {}

    /// Before and after the commit of a publication.
    async fn publication(&self, _edge: Edge) {}
}

/// What the product uses: nothing ever happens.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFaults;

#[async_trait]
impl Faults for NoFaults {
    async fn at(&self, _: Stage, _: Edge) -> Result<(), Crash> {
        Ok(())
    }
}
