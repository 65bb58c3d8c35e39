//! The doors of the stages.

use warmer_supervision::{Gauges, Mailbox, Occupied};

use crate::batch::{Claimed, Embed, Finished, Lacking, Listed};

/// The bounded doors of the five stages.
#[derive(Clone)]
pub struct Mailboxes {
    /// In front of the Fetcher.
    pub fetcher: Mailbox<Claimed>,
    /// In front of the Hasher.
    pub hasher: Mailbox<Listed>,
    /// In front of the Filler.
    pub filler: Mailbox<Lacking>,
    /// In front of the Embedder.
    pub embedder: Mailbox<Embed>,
    /// In front of the Storer.
    pub storer: Mailbox<Finished>,
}

impl Mailboxes {
    /// What each stage holds, in the order of the data.
    pub fn gauges(&self) -> [Gauges; 5] {
        let Self { fetcher, hasher, filler, embedder, storer } = self;
        [fetcher.gauges(), hasher.gauges(), filler.gauges(), embedder.gauges(), storer.gauges()]
    }

    /// What the workers of each stage have done with their time, in the order of the data.
    pub fn occupied(&self) -> [Occupied; 5] {
        let Self { fetcher, hasher, filler, embedder, storer } = self;
        [fetcher.occupied(), hasher.occupied(), filler.occupied(), embedder.occupied(), storer.occupied()]
    }
}
