//! Why a text is not cut into chunks.

use crate::deadline::Deadline;

/// Why a text was not cut.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// Nobody wants the chunks any more.
    #[error("cutting a file into chunks was stopped")]
    Stopped,
    /// The deadline passed, or that of the parse.
    #[error("cutting a file into chunks took too long")]
    TooSlow,
    /// Offsets are 32 bits wide.
    #[error("the file is 4 GiB or larger: files must be smaller to be cut into chunks")]
    TooLong,
    /// The system gave no thread to parse on.
    #[error("no thread to parse a file on: {0}")]
    NoThread(String),
}

/// An error where the work has to end.
pub(crate) fn check(deadline: &Deadline) -> Result<(), ChunkError> {
    match (deadline.is_cancelled(), deadline.is_over()) {
        (true, _) => Err(ChunkError::Stopped),
        (_, true) => Err(ChunkError::TooSlow),
        _ => Ok(()),
    }
}
