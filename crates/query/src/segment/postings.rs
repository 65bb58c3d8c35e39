//! The chunks of a word: ascending, with how often it stands in each field.
//!
//! ```text
//! entry  = varint( step << 1 | plain )  [ fields (1 byte)  varint( count ) for each field that has its bit set ]
//! ```
//!
//! `step` is the distance to the chunk before. `plain`: once in the text and nowhere else, which is true of most
//! entries, and nothing follows.

use super::field::{Counts, FIELDS};
use super::numbers::{push_varint, take_varint};

const PLAIN: Counts = [1, 0, 0, 0];

/// The entries of one word as they are gathered.
#[derive(Debug, Default)]
pub(super) struct NewPostings {
    pub(super) bytes: Vec<u8>,
    /// How many chunks there are so far.
    pub(super) chunks: u32,
    last: u32,
}

impl NewPostings {
    /// Appends a chunk that is behind all before.
    pub(super) fn push(&mut self, chunk: u32, counts: Counts) {
        let step = u64::from(chunk.wrapping_sub(self.last));
        push_varint(&mut self.bytes, step << 1 | u64::from(counts == PLAIN));
        if counts != PLAIN {
            let fields = counts.iter().enumerate().filter(|(_, count)| **count > 0);
            self.bytes.push(fields.fold(0, |fields, (field, _)| fields | 1 << field));
            for count in counts.into_iter().filter(|count| *count > 0) {
                push_varint(&mut self.bytes, u64::from(count));
            }
        }
        self.last = chunk;
        self.chunks += 1;
    }
}

/// The chunks of one word, ascending, and how often it stands in each field of them. What does not read as that ends
/// it.
#[derive(Clone, Debug)]
pub(crate) struct Postings<'a> {
    bytes: &'a [u8],
    /// Chunks of the word in all.
    chunks: u32,
    left: u32,
    last: Option<u32>,
    /// Chunks of the segment.
    end: u32,
}

impl<'a> Postings<'a> {
    pub(super) fn new(bytes: &'a [u8], chunks: u32, end: u32) -> Self {
        Self { bytes, chunks, left: chunks, last: None, end }
    }

    /// In how many chunks the word stands, those before included.
    pub(crate) fn len(&self) -> u32 {
        self.chunks
    }

    fn read(&mut self) -> Option<(u32, Counts)> {
        let head = take_varint(&mut self.bytes)?;
        let step = u32::try_from(head >> 1).ok()?;
        let chunk = match self.last {
            Some(_) if step == 0 => return None,
            Some(last) => last.checked_add(step)?,
            None => step,
        };
        if chunk >= self.end {
            return None;
        }
        self.last = Some(chunk);
        if head & 1 == 1 {
            return Some((chunk, PLAIN));
        }
        let (fields, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        let mut counts = [0; FIELDS];
        for (field, count) in counts.iter_mut().enumerate() {
            if fields & 1 << field != 0 {
                *count = u16::try_from(take_varint(&mut self.bytes)?).ok()?;
            }
        }
        Some((chunk, counts))
    }
}

impl Iterator for Postings<'_> {
    type Item = (u32, Counts);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let read = self.read();
        if read.is_none() {
            self.left = 0;
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRIES: [(u32, Counts); 5] =
        [(0, PLAIN), (1, [2, 0, 0, 0]), (7, [0, 1, 0, 3]), (300, [1, 1, 1, 1]), (90_000, [u16::MAX, 0, 0, 0])];

    fn bytes() -> NewPostings {
        let mut new = NewPostings::default();
        ENTRIES.iter().for_each(|(chunk, counts)| new.push(*chunk, *counts));
        new
    }

    #[test]
    fn chunks_and_counts_are_read_as_they_were_written() {
        let new = bytes();
        let read = Postings::new(&new.bytes, new.chunks, 100_000);
        assert_eq!(read.len(), 5);
        assert_eq!(read.collect::<Vec<_>>(), ENTRIES);
        assert!(new.bytes.len() <= 22, "{} bytes", new.bytes.len());
    }

    #[test]
    fn a_chunk_that_the_segment_does_not_have_ends_them() {
        let new = bytes();
        assert_eq!(Postings::new(&new.bytes, new.chunks, 90_000).count(), 4);
        assert_eq!(Postings::new(&new.bytes, 99, 100_000).count(), 5, "and so does the end of the bytes");
    }
}
