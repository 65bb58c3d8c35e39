//! What goes to stdout: data, and nothing but data.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use serde::Serialize;

/// Whoever read our stdout has gone (`warmer show … | head`): no failure, and nothing to say.
#[derive(Debug, thiserror::Error)]
#[error("the reader of the output has gone")]
pub(crate) struct Closed;

/// Writes `text` to stdout.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Closed.into()),
        result => result.context("the output cannot be written to stdout"),
    }
}

/// Writes `value` to stdout as indented JSON.
pub(crate) fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(value).context("the output cannot be written as JSON")?;
    text.push('\n');
    print(&text)
}

/// Writes one line to stderr; a closed stderr is no reason to fail.
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// The most characters that are printed of a name that a stranger chose: a path, a ref, a URL, a symbol. File systems take
/// 255 in each part of a path; a remote may name a ref of 65,000.
const NAME_MAX: usize = 500;

/// The same for a sentence or a log line, which quotes such names.
const SENTENCE_MAX: usize = 4000;

/// What a stranger named, fit to be printed: characters that would move the cursor, colour the terminal, reorder or hide
/// what is shown become their escapes, and of a very long name only the beginning is there. Every command prints what
/// comes from a remote, a file or a database through this.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    within(text, NAME_MAX)
}

/// A sentence or a line that may quote what strangers named: as [`printable`], but longer.
pub(crate) fn printable_line(text: &str) -> Cow<'_, str> {
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

/// Control characters but tabs, and the format characters (category Cf) that turn the direction of writing around or
/// are nowhere seen. The two joiners U+200C and U+200D stay: Persian, Hindi and emoji are written with them.
fn is_unsafe(character: char) -> bool {
    let format = matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    format || (character.is_control() && character != '\t')
}

/// A duration for people, in its two largest units: `12s`, `3m 22s`, `5h 2m`, `3d 1h`.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [(seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let largest = units.iter().position(|(count, _)| *count > 0).unwrap_or(3);
    let mut text = String::new();
    for (count, unit) in units.iter().skip(largest).take(2).filter(|(count, _)| *count > 0) {
        let _ = write!(text, "{}{count}{unit}", if text.is_empty() { "" } else { " " });
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// How long ago `time` was, by this machine's clock: only shown, never decided on.
pub(crate) fn ago(time: SystemTime) -> String {
    format!("{} ago", duration(SystemTime::now().duration_since(time).unwrap_or_default()))
}

/// The moment in RFC 3339, in UTC, to the second; years have four digits there, and a commit says any.
pub(crate) fn timestamp(time: SystemTime) -> String {
    const LAST: Duration = Duration::from_secs(253_402_300_799);
    humantime::format_rfc3339_seconds(time.clamp(SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH + LAST)).to_string()
}

/// A count with its noun: `1 file`, `2 files`, `2 repositories`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
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
    fn moments_that_have_no_name_are_the_nearest_that_has() {
        let shown = |seconds| timestamp(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(shown(1_700_000_000), "2023-11-14T22:13:20Z");
        assert_eq!(shown(253_402_300_800), "9999-12-31T23:59:59Z");
        assert_eq!(timestamp(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn of_a_name_without_end_the_beginning_is_printed_and_how_much_is_left_out() {
        let name = "ä".repeat(NAME_MAX);
        assert_eq!(printable(&name), name);
        assert_eq!(printable(&format!("{name}bcd")), format!("{name}… (3 more characters)"));
        let escapes = "\u{1b}".repeat(65_000);
        assert!(printable(&escapes).len() < NAME_MAX + 50 && printable_line(&escapes).len() < SENTENCE_MAX + 50);
    }

    #[test]
    fn durations_show_their_two_largest_units() {
        let shown = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!(shown(0), "0s");
        assert_eq!(shown(202), "3m 22s");
        assert_eq!(shown(3600), "1h");
        assert_eq!(shown(3605), "1h");
        assert_eq!(shown(90_061), "1d 1h");
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
