//! Words for people: names that strangers chose made harmless, durations, counts.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::SystemTime;

pub use warmer_settings::duration;

use crate::moment::Moment;

/// The most characters that are shown of a name that a stranger chose: a path, a ref, a URL, a symbol. File systems
/// take 255 in each part of a path; a remote may name a ref of 65,000.
const NAME_MAX: usize = 500;

/// The same for a sentence or a log line, which quotes such names.
const SENTENCE_MAX: usize = 4000;

/// What a stranger named, fit to be shown: characters that would move the cursor, colour the terminal, reorder or hide
/// what is shown become their escapes, and of a very long name only the beginning is there. Whatever comes from a
/// remote, a file or a database is shown through this.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    within(text, NAME_MAX)
}

/// A sentence or a line that may quote what strangers named: as [`printable`], but longer.
#[must_use]
pub fn printable_line(text: &str) -> Cow<'_, str> {
    within(text, SENTENCE_MAX)
}

fn within(text: &str, most: usize) -> Cow<'_, str> {
    // So many bytes are at most so many characters.
    if text.len() <= most && !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let (mut safe, mut printed) = (String::with_capacity(text.len().min(most) + 32), 0);
    for (at, character) in text.char_indices() {
        if printed >= most {
            let _ = write!(safe, "… ({})", counted(text[at..].chars().count() as u64, "more character"));
            break;
        }
        if is_unsafe(character) {
            let escape = character.escape_default();
            printed += escape.len();
            safe.extend(escape);
        } else {
            printed += 1;
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

/// A line of source as it can be seen: without the characters that [`printable`] would show the escapes of.
#[must_use]
pub fn visible(line: &str) -> Cow<'_, str> {
    match line.contains(is_unsafe) {
        true => Cow::Owned(line.replace(is_unsafe, "")),
        false => Cow::Borrowed(line),
    }
}

/// Control characters but tabs, and the format characters (category Cf) that turn the direction of writing around or
/// are nowhere seen. The two joiners U+200C and U+200D stay: Persian, Hindi and emoji are written with them.
fn is_unsafe(character: char) -> bool {
    let format = matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    format || (character.is_control() && character != '\t')
}

/// How long ago a moment was, by this machine's clock: `3m 22s ago`.
#[must_use]
pub fn ago(time: impl Into<Moment>) -> String {
    format!("{} ago", duration(time.into().age()))
}

/// How long it is until a moment, by this machine's clock: `in 3m 22s`; `now` where it has come.
#[must_use]
pub fn until(time: impl Into<Moment>) -> String {
    match time.into().0.duration_since(SystemTime::now()) {
        Ok(left) if !left.is_zero() => format!("in {}", duration(left)),
        _ => "now".to_owned(),
    }
}

/// A count with its noun: `1 file`, `2 files`, `2 repositories`.
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    match noun.strip_suffix("ry") {
        _ if count == 1 => format!("{count} {noun}"),
        Some(stem) => format!("{count} {stem}ries"),
        None => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_name_without_end_the_beginning_is_printed_and_how_much_is_left_out() {
        let name = "ä".repeat(NAME_MAX);
        assert_eq!(printable(&name), name);
        assert_eq!(printable(&format!("{name}bcd")), format!("{name}… (3 more characters)"));
        let escapes = "\u{1b}".repeat(65_000);
        assert!(printable(&escapes).len() < NAME_MAX + 50 && printable_line(&escapes).len() < SENTENCE_MAX + 50);
    }

    #[test]
    fn of_a_line_of_source_what_can_be_seen_is_left_as_it_is() {
        assert_eq!(visible("\tfn a() {\u{1b}[2J\u{202e} }\r"), "\tfn a() {[2J }");
        assert!(matches!(visible("let ä = '👩\u{200d}💻';"), Cow::Borrowed("let ä = '👩\u{200d}💻';")));
    }

    #[test]
    fn nothing_shown_can_move_the_cursor_or_turn_the_line_around() {
        for text in ["fn a() {\tb }", "نمی\u{200c}خواهم", "👩\u{200d}💻", ""] {
            assert_eq!(printable(text), text);
        }
        assert_eq!(printable("\u{1b}[2J\u{202e}x\u{9b}\r"), "\\u{1b}[2J\\u{202e}x\\u{9b}\\r");
        for hidden in ['\u{61c}', '\u{200b}', '\u{200f}', '\u{2028}', '\u{2066}', '\u{feff}', '\u{ad}', '\u{e0041}'] {
            assert_eq!(printable(&format!("a{hidden}b")), format!("a{}b", hidden.escape_default()));
        }
    }
}
