//! Words, or names, with the chunks that they stand in: gathered chunk by chunk, written as a sorted table.

use std::collections::HashMap;

use super::field::{Counts, FIELDS, Field};
use super::layout::TERM_BYTES;
use super::numbers::small;
use super::postings::NewPostings;
use super::strings::Strings;

/// Words as they are gathered.
#[derive(Default)]
pub(super) struct Terms {
    known: HashMap<Box<str>, usize>,
    lists: Vec<NewPostings>,
    /// How often each stands in the chunk under way.
    counts: Vec<Counts>,
    /// Those that stand in it at all.
    here: Vec<usize>,
}

impl Terms {
    /// The number of a word among those gathered.
    pub(super) fn number(&mut self, word: &str) -> usize {
        if let Some(number) = self.known.get(word) {
            return *number;
        }
        let number = self.lists.len();
        self.known.insert(word.into(), number);
        self.lists.push(NewPostings::default());
        self.counts.push([0; FIELDS]);
        number
    }

    /// Counts a word, by its number, in a field of the chunk under way.
    pub(super) fn count(&mut self, number: usize, field: Field) {
        let Some(counts) = self.counts.get_mut(number) else { return };
        if *counts == [0; FIELDS] {
            self.here.push(number);
        }
        let count = &mut counts[field as usize];
        *count = count.saturating_add(1);
    }

    /// Appends an entry for a word, by its number, as it is; by ascending chunks.
    pub(super) fn push(&mut self, number: usize, chunk: u32, counts: Counts) {
        if let Some(list) = self.lists.get_mut(number) {
            list.push(chunk, counts);
        }
    }

    /// The chunk under way ends; it is this one.
    pub(super) fn end_chunk(&mut self, chunk: u32) {
        for number in std::mem::take(&mut self.here) {
            let counts = std::mem::take(&mut self.counts[number]);
            self.lists[number].push(chunk, counts);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.lists.len()
    }

    /// The table, in the order of the words' bytes; appends the words and their chunks to where those of all lie.
    pub(super) fn finish(self, strings: &mut Strings, postings: &mut Vec<u8>) -> Vec<u8> {
        let Self { known, lists, .. } = self;
        let mut words: Vec<_> = known.into_iter().collect();
        words.sort_unstable();
        let mut table = Vec::with_capacity(words.len() * TERM_BYTES);
        for (word, number) in words {
            let list = &lists[number];
            table.extend_from_slice(&strings.push(&word).to_bytes());
            table.extend_from_slice(&(postings.len() as u64).to_le_bytes());
            table.extend_from_slice(&small(list.bytes.len()).to_le_bytes());
            table.extend_from_slice(&list.chunks.to_le_bytes());
            postings.extend_from_slice(&list.bytes);
        }
        table
    }
}
