//! The section `[search]`: what searches keep.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use warmer_settings::Size;

use crate::segment::SegmentFiles;

/// What searches keep on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchSettings {
    /// Whether indexes are kept at all.
    pub keep_segments: bool,
    /// The indexes of all repositories together, in bytes.
    #[serde(with = "Size")]
    pub segments_size_max: u64,
}

impl Default for SearchSettings {
    fn default() -> Self {
        Self { keep_segments: true, segments_size_max: 10 << 30 }
    }
}

impl SearchSettings {
    /// The indexes' files in this directory; `None` where none are kept.
    #[must_use]
    pub fn segment_files(&self, directory: PathBuf) -> Option<SegmentFiles> {
        self.keep_segments.then_some(SegmentFiles { directory, bytes_max: self.segments_size_max })
    }
}
