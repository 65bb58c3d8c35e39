//! A publication: the one transaction that makes what a job found visible, all of it or nothing.

use std::time::SystemTime;

use serde_json::Value;

use crate::job::ClaimId;
use crate::repository::Served;

/// What is to be made visible: the rows staged under `claim`.
#[derive(Clone, Debug, PartialEq)]
pub struct Publication {
    /// The fence.
    pub claim: ClaimId,
    /// What was served when the difference was taken.
    pub base: Option<Served>,
    /// What is served from now on.
    pub served: Served,
    /// The time of its commit, as that says itself; `None` where it is not known.
    pub committed_at: Option<SystemTime>,
    /// The staged rows are the full listing: entries that are not among them are removed.
    pub complete: bool,
    /// It is what was published last, cut anew from what is stored: the remote was not heard. The claim runs on,
    /// nothing says that what is served is current, and who reaches the remote reads all files again.
    pub cut_anew: bool,
    /// How much time a file and a text of it may take here: a number that grows with each of these limits.
    pub patience: u64,
    /// Fills are put in the queue for what it brings. Where not, they are only while an instance lives that takes any
    /// job: what it brings is noted all the same.
    pub fills: bool,
    /// What the pipeline has to say about the attempt, for the history.
    pub summary: Value,
    /// The attempt's trace, where [`crate::Queue::note_trace`] did not tell it before.
    pub traceparent: Option<String>,
}

/// Texts of what was published that have no vector: as it was noted, of each content once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublishedTexts {
    /// A fill makes theirs.
    pub lacking: u64,
    /// They cannot be embedded, as was found before: these of each path.
    pub failed: u64,
}

/// What became of it. Only `Done` changed anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// Visible, and the job finished, unless that was cut anew.
    Done {
        /// By an earlier call, whose acknowledgement was lost; the counts are then zero.
        recognised: bool,
        /// Entries that show an artifact they did not show before.
        indexed: u64,
        /// Entries that are no longer there.
        removed: u64,
        /// What becomes of its texts; `None` where nobody is to make vectors for it.
        texts: Option<PublishedTexts>,
    },
    /// The claim was lost; counted.
    Stale,
    /// Something else than `base` is served now.
    Moved,
    /// Artifacts that the entries need are gone: collected or damaged. The retry makes them again.
    Incomplete {
        /// How many; what several files need counts for each.
        missing: u64,
    },
}
