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

/// `text` without anything that would move the cursor, colour the terminal or reorder what is shown: control characters but
/// tabs, and the marks that change the direction of writing, become their escapes. Paths and sources come from strangers.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_unsafe(character) { safe.extend(character.escape_default()) } else { safe.push(character) }
    }
    Cow::Owned(safe)
}

fn is_unsafe(character: char) -> bool {
    let direction = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    direction || (character.is_control() && character != '\t')
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

/// A count with its noun: `1 file`, `2 files`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
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
        assert_eq!(plain("fn a() {\tb }"), "fn a() {\tb }");
        assert_eq!(plain("\u{1b}[2J\u{202e}x\u{9b}\r"), "\\u{1b}[2J\\u{202e}x\\u{9b}\\r");
    }
}
