//! Texts of other programs and hosts, made fit to be shown: without secrets, without what moves a cursor or turns the
//! writing, not too long.

use crate::Options;

/// How much of a foreign text goes into our sentence.
const CHARS_MAX: usize = 300;

/// How many of the last lines are shown.
const LINES_MAX: usize = 4;

/// What begins a line that says nothing about a failure: progress, and ssh's remarks about itself.
const NOISE: [&str; 10] = [
    "Enumerating objects",
    "Counting objects",
    "Compressing objects",
    "Delta compression",
    "Total ",
    "Warning: ",
    "** ",
    "warning: lazy fetching disabled",
    "Please make sure you have the correct access rights",
    "and the repository exists.",
];

/// The lines of a foreign text that say something, without the marks that git and forges put before them.
pub(crate) fn lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.split(['\n', '\r']) {
        let line = line.trim();
        let line = line.strip_prefix("remote:").unwrap_or(line).trim();
        let informs = line.chars().any(char::is_alphanumeric) && !NOISE.iter().any(|noise| line.starts_with(noise));
        if informs && lines.last().is_none_or(|last| last != line) {
            lines.push(line.to_owned());
        }
    }
    lines
}

/// The last lines as one, fit to be shown.
pub(crate) fn shown(lines: &[String], options: &Options) -> String {
    let last = lines[lines.len().saturating_sub(LINES_MAX)..].join(" / ");
    // What decides is said at the end.
    let skipped = last.chars().count().saturating_sub(CHARS_MAX);
    let last: String = last.chars().skip(skipped).collect();
    scrub(&last, options)
}

/// Takes out of a foreign text what must not be printed.
pub(crate) fn scrub(text: &str, options: &Options) -> String {
    let mut text = text.to_owned();
    for secret in options.credentials.iter().filter_map(|credential| credential.token.read().ok()) {
        if !secret.expose().is_empty() {
            text = text.replace(secret.expose(), "[redacted]");
        }
    }
    printable(&text)
}

/// A foreign text without userinfo, control characters and marks of direction, and not too long.
pub(crate) fn printable(text: &str) -> String {
    let safe = |c: char| if is_unsafe(c) { ' ' } else { c };
    let text: String = without_colours(&without_userinfo(text)).chars().map(safe).take(CHARS_MAX).collect();
    text.trim().to_owned()
}

fn is_unsafe(c: char) -> bool {
    let direction =
        matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
    direction || c == '\u{feff}' || c.is_control()
}

/// A text without the sequences by which terminals are coloured.
fn without_colours(text: &str) -> String {
    let mut pieces = text.split("\u{1b}[");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        out.push_str(
            piece.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, ';' | '?')).get(1..).unwrap_or(""),
        );
    }
    out
}

/// `scheme://user:password@host` without what stands before the `@`.
fn without_userinfo(text: &str) -> String {
    let mut pieces = text.split("://");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'')).unwrap_or(piece.len());
        let (url, rest) = piece.split_at(end);
        let url = url.rsplit_once('@').map_or(url, |(_, host)| host);
        out.push_str("://");
        out.push_str(url);
        out.push_str(rest);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn userinfo_in_a_foreign_text_is_cut_out() {
        let text = "cannot read \"https://me:s3cr3t@example.org/a\" nor http://t0k3n@example.org but git@host stays";
        let want = "cannot read \"https://example.org/a\" nor http://example.org but git@host stays";
        assert_eq!(without_userinfo(text), want);
    }

    #[test]
    fn tokens_colours_and_marks_of_direction_in_a_foreign_text_do_not_reach_a_terminal() {
        let credential = crate::Credential {
            host: "example.org".into(),
            username: "me".into(),
            token: crate::SecretSource::Text(crate::Secret::new("s3cr3t")),
        };
        let options = Options { credentials: vec![credential], ..Options::default() };
        let text = scrub("bad token s3cr3t\n\u{1b}[1;31mred\u{1b}[0m \u{202e}\u{61c}\u{7}back", &options);
        assert_eq!(text, "bad token [redacted] red    back");
    }

    #[test]
    fn of_a_foreign_text_the_last_lines_that_say_something_are_shown() {
        let said = "Warning: Permanently added 'h' to the list of known hosts.\nremote: \nremote: =====\n\
                    remote: Counting objects: 100% (3/3), done.\rremote: ERROR: no such project\nremote: \n\
                    remote: =====\n";
        assert_eq!(shown(&lines(said), &Options::default()), "ERROR: no such project");
        let many: String = (0..9).map(|line| format!("line {line}\n")).collect();
        assert_eq!(shown(&lines(&many), &Options::default()), "line 5 / line 6 / line 7 / line 8");
        let long = format!("{}the end", "x".repeat(9000));
        let shown = shown(&lines(&long), &Options::default());
        assert!(shown.len() == CHARS_MAX && shown.ends_with("the end"), "{shown}");
    }
}
