//! How much of a repository one fill is for.

/// Texts that a fill of what is new makes, about, before it goes back behind what else is due: 10 to 20 seconds of two
/// cores with the default model, for so long a push waits at most for one of before. In bulk what one of several fills
/// of a repository is for, so that 5,000 texts keep sixteen instances busy.
pub const SHARD_TEXTS: u64 = 512;

/// Texts that a publication may bring to be filled as what is new, before all that is not.
pub(crate) const NEW_TEXTS_MAX: u32 = 4096;

/// The same where a generation covers the repository from that publication on: a batch, for all of a repository is no
/// push.
pub(crate) const COLD_TEXTS_MAX: u32 = 128;

/// A range of the 256 buckets that artifacts fall in by the first byte of their keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard {
    /// Its first bucket.
    pub first: u8,
    /// Its last.
    pub last: u8,
}

impl Shard {
    /// All buckets.
    pub const ALL: Self = Self { first: 0, last: u8::MAX };

    /// The most that all buckets are split into.
    const PARTS_MAX: u64 = 64;

    /// All buckets in equal parts, as many as [`SHARD_TEXTS`] of so many texts need, about: a power of two up to 64.
    #[must_use]
    pub fn split(texts: u64) -> Vec<Self> {
        let parts = texts.div_ceil(SHARD_TEXTS).clamp(1, Self::PARTS_MAX).next_power_of_two();
        let width = u8::try_from(256 / parts - 1).unwrap_or(u8::MAX);
        (0..=u8::MAX).step_by(usize::from(width) + 1).map(|first| Self { first, last: first + width }).collect()
    }

    /// As it is stored.
    pub(crate) fn number(self) -> i64 {
        i64::from(self.first) * 256 + i64::from(self.last)
    }

    pub(crate) fn from_number(number: i64) -> Option<Self> {
        let bucket = |number: i64| u8::try_from(number).ok();
        Some(Self { first: bucket(number / 256)?, last: bucket(number % 256)? })
    }
}
