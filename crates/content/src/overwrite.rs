//! Ranges of a text overwritten without moving what is around them: lengths in bytes, lines and line ends stay.

use std::ops::Range;

/// A secret is shown as at most so many asterisks, in bytes; blanks follow. A key of thirty lines is then one line, and
/// costs no chunks of its own.
const ASTERISKS: usize = 64;

/// What takes the place of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum With {
    /// Blanks, of which the chunker counts none.
    Blanks,
    /// Asterisks, then blanks.
    Asterisks,
}

/// `text` with these ranges overwritten; they are ascending, apart, and begin and end at characters.
pub(crate) fn overwrite(text: &str, ranges: &[Range<usize>], with: With) -> String {
    let mut out = String::with_capacity(text.len());
    let mut kept = 0;
    for range in ranges {
        out.push_str(&text[kept..range.start]);
        let mut asterisks = if with == With::Asterisks { ASTERISKS } else { 0 };
        for byte in text[range.clone()].bytes() {
            let stars = usize::from(asterisks > 0);
            out.push(match byte {
                b'\n' | b'\r' => char::from(byte),
                _ if stars > 0 => '*',
                _ => ' ',
            });
            asterisks -= stars;
        }
        kept = range.end;
    }
    out.push_str(&text[kept..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_and_lines_stay() {
        let text = "a sécret\r\nof two lines, here";
        let ranges = [2..13, 18..23];
        assert_eq!(overwrite(text, &ranges, With::Asterisks), "a *******\r\n** two *****, here");
        assert_eq!(overwrite(text, &ranges, With::Blanks), "a        \r\n   two      , here");
        let long = format!("<{}>", "k".repeat(100));
        let masked = overwrite(&long, &[1..101, 102..102], With::Asterisks);
        assert_eq!(masked, format!("<{}{}>", "*".repeat(ASTERISKS), " ".repeat(100 - ASTERISKS)));
    }
}
