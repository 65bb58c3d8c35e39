//! The texts of a segment: one heap, and where each lies in it.

use std::collections::HashMap;

use super::numbers::small;

/// Where a text lies in the heap: its first byte and its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At {
    pub(super) start: u32,
    pub(super) length: u32,
}

impl At {
    /// Where there is no text, which is not the same as an empty one.
    pub(super) const NOWHERE: Self = Self { start: u32::MAX, length: 0 };

    pub(super) fn to_bytes(self) -> [u8; 8] {
        let mut bytes = [0; 8];
        bytes[..4].copy_from_slice(&self.start.to_le_bytes());
        bytes[4..].copy_from_slice(&self.length.to_le_bytes());
        bytes
    }
}

/// Texts as they are gathered.
#[derive(Default)]
pub(super) struct Strings {
    heap: Vec<u8>,
    known: HashMap<Box<str>, At>,
}

impl Strings {
    /// Appends a text that stands here once.
    pub(super) fn push(&mut self, text: &str) -> At {
        let at = At { start: small(self.heap.len()), length: small(text.len()) };
        self.heap.extend_from_slice(text.as_bytes());
        at
    }

    /// Appends a text unless it was before.
    pub(super) fn share(&mut self, text: &str) -> At {
        if let Some(at) = self.known.get(text) {
            return *at;
        }
        let at = self.push(text);
        self.known.insert(text.into(), at);
        at
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.heap
    }
}
