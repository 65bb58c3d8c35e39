//! What was done for one job: counters that every stage adds to and the summary reads.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::{Deserialize, Serialize};

/// The stages, in the order of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// git.
    Fetcher,
    /// CPU.
    Hasher,
    /// Stored texts that lack a vector.
    Filler,
    /// The model.
    Embedder,
    /// The database.
    Storer,
}

impl Stage {
    /// All of them, in the order of the data.
    pub const ALL: [Self; 5] = [Self::Fetcher, Self::Hasher, Self::Filler, Self::Embedder, Self::Storer];

    /// As the configuration and the output spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fetcher => "fetcher",
            Self::Hasher => "hasher",
            Self::Filler => "filler",
            Self::Embedder => "embedder",
            Self::Storer => "storer",
        }
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counters of one attempt.
        #[derive(Debug, Default)]
        pub struct Counters {
            $($(#[$doc])* pub $name: Counter,)*
        }

        impl Counters {
            fn all(&self) -> impl Iterator<Item = &Counter> {
                [$(&self.$name,)*].into_iter()
            }
        }
    };
}

counters! {
    /// Files the Fetcher listed, the removed ones included.
    listed,
    /// Files that left the Storer.
    stored,
    /// Files whose bytes were read from the mirror.
    read,
    /// Bytes read from the mirror.
    bytes,
    /// Bytes of pack received.
    received,
    /// Chunks of the files that are new or changed.
    chunks,
    /// Texts that wait for a vector or have one by now.
    wanted,
    /// Texts embedded for this job.
    embedded,
    /// Of those, texts that were embedded for another job at the same time, or by another instance.
    reused,
    /// Of those again, texts that another instance had stored meanwhile.
    elsewhere,
    /// Chunks of what was published whose text had a vector already, or stands in another of the files.
    spared,
    /// Chunks of it whose text cannot be embedded, as was found before.
    hopeless,
    /// Texts that were given up.
    failed,
    /// Tokens embedded for this job.
    tokens,
    /// Vectors and artifacts that the cache did not have before: an attempt that brought some is progress.
    new_rows,
}

impl Counters {
    /// Every counter, always in the same order.
    pub(crate) fn figures(&self) -> Vec<u64> {
        self.all().map(Counter::get).collect()
    }

    /// Takes over the [`Self::figures`] of another process of this version.
    pub(crate) fn set(&self, figures: &[u64]) {
        self.all().zip(figures).for_each(|(counter, figure)| counter.set(*figure));
    }
}

/// One number that many workers add to.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Relaxed);
    }

    /// Sets: for figures that arrive as a running total.
    pub fn set(&self, total: u64) {
        self.0.store(total, Relaxed);
    }

    /// The sum so far.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
