//! Borders inside a line that is too large for one piece: behind sentences, words, marks, at last anywhere.

use std::ops::Range;

use crate::chunker::border::{Border, FORCED, MARK, SENTENCE, WORD};
use crate::size::units;

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

/// The borders inside of a word: where units of its size begin.
pub(super) fn forced(text: &str, word: &Range<u32>) -> impl Iterator<Item = Border> {
    let behind_the_first = units(&text[word.start as usize..word.end as usize]).skip(1);
    // A text of 4 GiB or more was refused before.
    let at = |offset| word.start + u32::try_from(offset).unwrap_or(u32::MAX);
    behind_the_first.map(move |offset| Border { at: at(offset), level: FORCED, item: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_in_a_line_stand_behind_sentences_words_and_marks() {
        let text = "One. Two (3),x";
        let borders: Vec<_> = words(text, &(0..14)).iter().map(|border| (border.at, border.level)).collect();
        assert_eq!(borders, [(5, SENTENCE), (9, WORD), (10, MARK), (12, MARK), (13, MARK)]);
        assert_eq!(words("  a", &(0..3)), [], "nothing but white space is before it");
    }

    #[test]
    fn a_word_has_borders_where_units_begin_but_the_first() {
        for (text, expected) in [("abcdefghijklmn", &[6, 12][..]), ("üüü", &[2, 4]), ("  abc", &[])] {
            let borders: Vec<_> = forced(text, &(0..text.len() as u32)).map(|border| border.at).collect();
            assert_eq!(borders, expected, "{text}");
        }
        assert_eq!(forced("x abcdefg y", &(2..9)).map(|border| border.at).collect::<Vec<_>>(), [8]);
    }
}
