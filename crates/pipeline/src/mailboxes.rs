//! The doors of the stages.

use warmer_supervision::{Gauges, Limits, Mailbox, Occupied};

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

    /// Puts other limits in force, in the order of the data. What is inside over smaller ones stays to its end.
    pub(crate) fn resize(&self, limits: [Limits; 5]) {
        let Self { fetcher, hasher, filler, embedder, storer } = self;
        let [to_fetch, to_hash, to_fill, to_embed, to_store] = limits;
        fetcher.resize(to_fetch);
        hasher.resize(to_hash);
        filler.resize(to_fill);
        let more = to_embed.workers.saturating_sub(embedder.limits().workers);
        embedder.resize(to_embed);
        // Texts wait in a table, not in the mailbox: who is new looks there only when told to.
        (0..more).for_each(|_| embedder.notify(Embed::Look));
        storer.resize(to_store);
    }
}
