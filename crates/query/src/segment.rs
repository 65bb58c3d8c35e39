//! The index of one repository as it lies on disk: words, names and vectors of its chunks, mapped, made when it is
//! published or first asked, and brought up to date with what a publication changed.
//!
//! ```text
//! store ──▶ SegmentWriter ──▶ a file of sections ──▶ Segment (mapped) ──▶ Snapshot: all segments of a repository
//! ```

mod aside;
mod field;
mod fill;
mod layout;
mod made_by;
mod merge;
mod nearest;
mod numbers;
mod postings;
mod reader;
mod shelf;
mod snapshot;
mod snapshots;
mod state;
mod strings;
mod terms;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod update;
mod writer;

pub(crate) use field::{Counts, FIELDS, Field};
pub(crate) use nearest::Probe;
pub(crate) use reader::Segment;
pub use shelf::SegmentFiles;
pub(crate) use snapshot::Snapshot;
pub use snapshots::Snapshots;
#[cfg(test)]
pub(crate) use writer::{NewChunk, NewFile, SegmentWriter};
