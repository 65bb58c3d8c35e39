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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunker::measure::tests::{Words, patient};

    #[test]
    fn borders_in_a_line_stand_behind_sentences_words_and_marks() {
        let text = "One. Two (3),x";
        let borders: Vec<_> = words(text, &(0..14)).iter().map(|border| (border.at, border.level)).collect();
        assert_eq!(borders, [(5, SENTENCE), (9, WORD), (10, MARK), (12, MARK), (13, MARK)]);
        assert_eq!(words("  a", &(0..3)), [], "nothing but white space is before it");
    }

    #[test]
    fn a_word_has_borders_everywhere_but_inside_a_character() {
        let text = "ü".repeat(50);
        let measure = Measure::new(&text, &Words, &patient()).expect("measured");
        let borders = forced(&text, &(0..100), &measure, 40);
        assert!(borders.iter().all(|border| text.is_char_boundary(border.at as usize)));
        let ends: Vec<u32> = std::iter::once(0).chain(borders.iter().map(|border| border.at)).chain([100]).collect();
        assert!(ends.windows(2).all(|pair| (1..=6).contains(&(pair[1] - pair[0]))), "{ends:?}");
    }
}
