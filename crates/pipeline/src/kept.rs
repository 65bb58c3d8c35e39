//! How much of an attempt's timeline is kept one by one. All of it is summed, and what is left out is counted.

/// The bounds of what is kept of each attempt while it runs, and becomes spans at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Batches of each stage, the slowest, and one more, its last: with their calls about 2 KiB each at most.
    pub batches: usize,
    /// Calls of each batch, the slowest. Most batches have three.
    pub calls: usize,
}

impl Kept {
    /// What may be: a job's own process tells all of it in one message, which may have 16 MiB.
    pub const MOST: Self = Self { batches: 256, calls: 64 };
}

impl Default for Kept {
    fn default() -> Self {
        Self { batches: 64, calls: 16 }
    }
}
