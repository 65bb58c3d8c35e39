//! Borders inside a line that is too large for one piece: behind sentences, words, marks, at last anywhere.

use std::ops::Range;

use crate::chunker::border::{Border, FORCED, MARK, SENTENCE, WORD};
use crate::chunker::measure::Measure;

/// In a word that is too large, borders are at most this part of the byte budget apart.
const FORCED_PART: u32 = 8;

/// The borders inside of this line; none before white space.
pub(super) fn words(text: &str, line: &Range<u32>) -> Vec<Border> {
    let mut borders = vec![];
    // The last character, and the last one that is not white space.
    let (mut before, mut ink) = ('\n', None);
    let line_text = &text[line.start as usize..line.end as usize];
    let mut at = line.start;
    for c in line_text.chars() {
        if let Some(ink) = ink
            && !c.is_whitespace()
            && let Some(level) = level(ink, before)
        {
            borders.push(Border { at, level, item: false });
        }
        at += u32::try_from(c.len_utf8()).unwrap_or(0);
        before = c;
        ink = if c.is_whitespace() { ink } else { Some(c) };
    }
    borders
}

/// The level of a border behind `before`, whose last character that is not white space is `ink`.
fn level(ink: char, before: char) -> Option<u32> {
    match before.is_whitespace() {
        true if matches!(ink, '.' | '!' | '?') => Some(SENTENCE),
        true => Some(WORD),
        false => (!before.is_alphanumeric()).then_some(MARK),
    }
}

/// The borders inside of a word: where tokens start, and never far apart.
pub(super) fn forced(text: &str, word: &Range<u32>, measure: &Measure, bytes: u32) -> Vec<Border> {
    let step = (bytes / FORCED_PART).max(1);
    let mut borders = vec![];
    let mut last = word.start;
    for stop in measure.token_starts(word).iter().copied().chain([word.end]) {
        while stop - last > step {
            // At least one character further.
            let at = text.ceil_char_boundary(last as usize + step as usize);
            last = u32::try_from(at).unwrap_or(word.end).min(stop);
            borders.extend((last < stop).then_some(last));
        }
        if stop > word.start && stop < word.end && text.is_char_boundary(stop as usize) {
            borders.push(stop);
            last = stop;
        }
    }
    borders.into_iter().map(|at| Border { at, level: FORCED, item: false }).collect()
}
