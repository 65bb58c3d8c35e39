//! How large a range of a text is: one tokenisation of the whole text, then every range is two binary searches.

use std::ops::Range;

use crate::chunk_error::{ChunkError, check};
use crate::deadline::Deadline;
use crate::lines::{count_before, line_starts};
use crate::tokens::TokenSpans;

/// At most this much is tokenised between two looks at the deadline, in bytes: 14 ms at 0.43 s/MB.
const PIECE_BYTES: usize = 32 << 10;

/// Where the tokens and the lines of a text start.
pub(super) struct Measure {
    tokens: Vec<u32>,
    lines: Vec<u32>,
}

impl Measure {
    pub(super) fn new(text: &str, tokens: &dyn TokenSpans, deadline: &Deadline) -> Result<Self, ChunkError> {
        let mut starts = vec![];
        let mut from = 0;
        while from < text.len() {
            check(deadline)?;
            let to = piece_end(text, from);
            // A text of 4 GiB or more was refused before.
            let base = u32::try_from(from).map_err(|_| ChunkError::TooLong)?;
            starts.extend(tokens.starts(&text[from..to])?.into_iter().map(|start| base + start));
            from = to;
        }
        Ok(Self { tokens: starts, lines: line_starts(text) })
    }

    /// How many tokens start before this byte.
    pub(super) fn tokens_before(&self, at: u32) -> u32 {
        count_before(&self.tokens, at)
    }

    /// The starts of the tokens that start in this range.
    pub(super) fn token_starts(&self, range: &Range<u32>) -> &[u32] {
        let index = |at| self.tokens.partition_point(|start| *start < at);
        &self.tokens[index(range.start)..index(range.end)]
    }

    /// The number of the line that has this byte, from 1.
    pub(super) fn line(&self, at: u32) -> u32 {
        count_before(&self.lines, at + 1)
    }
}

/// The end of the piece that starts at `from`: behind a line end if its second half has one, else at a character.
fn piece_end(text: &str, from: usize) -> usize {
    let to = text.floor_char_boundary(from + PIECE_BYTES);
    if to == text.len() {
        return to;
    }
    let half = from + (to - from) / 2;
    let line_end = text.as_bytes()[half..to].iter().rposition(|byte| *byte == b'\n');
    line_end.map_or(to, |line_end| half + line_end + 1)
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::tokens::TokenError;

    /// A token for every word.
    pub(in crate::chunker) struct Words;

    impl TokenSpans for Words {
        fn starts(&self, text: &str) -> Result<Vec<u32>, TokenError> {
            let word = |(at, c): (usize, char)| {
                let first = !c.is_whitespace() && !text[..at].ends_with(|before: char| !before.is_whitespace());
                first.then(|| u32::try_from(at).expect("a short text"))
            };
            assert!(text.len() <= PIECE_BYTES, "a piece of {} bytes", text.len());
            Ok(text.char_indices().filter_map(word).collect())
        }
    }

    /// A deadline that is far away.
    pub(in crate::chunker) fn patient() -> Deadline {
        Deadline { until: Instant::now() + Duration::from_secs(3600), cancelled: std::sync::Arc::default() }
    }

    #[test]
    fn a_long_text_is_measured_in_pieces_as_if_in_one() {
        let deadline = patient();
        let text = "über ein paar Wörter\n".repeat(10_000);
        let measure = Measure::new(&text, &Words, &deadline).expect("measured");
        assert_eq!(measure.tokens.len(), 40_000);
        assert!(measure.tokens.iter().all(|start| text.is_char_boundary(*start as usize)));
        assert_eq!((measure.line(0), measure.line(21), measure.line(22), measure.line(23)), (1, 1, 1, 2));
        assert_eq!(measure.tokens_before(23), 4);
        let word = "ü".repeat(100_000);
        assert_eq!(Measure::new(&word, &Words, &deadline).expect("measured").tokens.len(), 7);
    }
}
