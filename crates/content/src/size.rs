//! The size of a text: about how many tokens it is, to whatever model.
//!
//! Chunks are measured in it, so that their borders do not depend on the model that embeds them, and cutting a file
//! needs none. Tokenizers keep common words whole, cut others into parts of some letters and digits into groups, and
//! give marks a token each; they differ in where. Bytes are a worse measure: code in C has nearly a third more tokens
//! for its bytes than code in Python.
//!
//! Chunks of at most 250, 146 in the mean, are by a WordPiece and by a byte-level BPE tokenizer (30,000 and 65,000
//! words) 148 and 128 tokens in Rust, 148 and 127 in Python, 167 and 142 in C (`benches/reading.rs`; 9,600, 2,300 and
//! 6,900 chunks). Above 254 tokens are 0.1, 0.4 and 5.9 % of them, and 0, 0 and 0.5 %.

/// Letters of a word that are one unit of size.
const LETTERS: u32 = 6;
/// Digits of a number that are one.
const DIGITS: u32 = 3;

/// What a character is to the size of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Blank,
    Small,
    Capital,
    Digit,
    /// A unit each: marks, and letters of other alphabets, of which few tokenizers keep words whole.
    Other,
}

impl Kind {
    fn of(c: char) -> Self {
        match c {
            'a'..='z' => Self::Small,
            'A'..='Z' => Self::Capital,
            '0'..='9' => Self::Digit,
            _ if c.is_whitespace() => Self::Blank,
            _ => Self::Other,
        }
    }

    /// Whether it goes on with the word or the number that the character before is in. A capital behind a small letter
    /// begins a word of its own.
    fn continues(self, before: Self) -> bool {
        matches!(
            (before, self),
            (Self::Small | Self::Capital, Self::Small) | (Self::Capital, Self::Capital) | (Self::Digit, Self::Digit)
        )
    }

    /// Whether the `place`th character of its word or number, from 0, begins a unit.
    fn begins_unit(self, place: u32) -> bool {
        match self {
            Self::Blank => false,
            Self::Small | Self::Capital => place.is_multiple_of(LETTERS),
            Self::Digit => place.is_multiple_of(DIGITS),
            Self::Other => true,
        }
    }
}

/// The byte offset at which each unit of the text's size begins, ascending. A text that is cut there has the size of
/// its two parts.
pub(crate) fn units(text: &str) -> impl Iterator<Item = usize> {
    let (mut before, mut place) = (Kind::Blank, 0);
    text.char_indices().filter_map(move |(at, c)| {
        let kind = Kind::of(c);
        place = if kind.continues(before) { place + 1 } else { 0 };
        before = kind;
        kind.begins_unit(place).then_some(at)
    })
}

/// The size of a text: of each word a sixth of its letters, of each number a third of its digits, both rounded up, and
/// one for any other character that is not white space. `readJobs2` has words of four letters each and a number: 3.
#[must_use]
pub fn size(text: &str) -> u32 {
    u32::try_from(units(text).count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_count_by_their_length_and_other_characters_one_each() {
        for (text, expected) in [
            ("", 0),
            (" \t\n\u{3000}", 0),
            ("queue", 1),
            ("queued", 1),
            ("queuing", 2),
            ("readJobs2", 3),
            ("HTTPServer", 2),
            ("aB", 2),
            ("12", 1),
            ("123", 1),
            ("1234", 2),
            ("x2y", 3),
            ("a_b::c()", 8),
            ("fn claim(job: Job) -> u32 {}", 13),
            ("größe", 4),
            ("日本語", 3),
            ("🦀", 1),
        ] {
            assert_eq!(size(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_text_that_is_cut_where_a_unit_begins_has_the_size_of_its_parts() {
        let text = "The quickBrownFoxJumps over 1234567 dogs, größer als XMLHttpRequest_v2; 日本\n\tend";
        let starts: Vec<_> = units(text).collect();
        assert_eq!(starts.len(), size(text) as usize);
        for (number, start) in starts.into_iter().enumerate() {
            let (before, behind) = text.split_at(start);
            assert_eq!((size(before) as usize, size(before) + size(behind)), (number, size(text)), "{before:?}");
        }
    }
}
