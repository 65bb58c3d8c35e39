//! A place: a file and lines of it, as it is printed and as it comes back in a later call.

use std::fmt;

use warmer_query::text::printable;

/// Lines of a file, counted from 1, the last inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lines {
    pub(super) first: u32,
    pub(super) last: u32,
}

impl Lines {
    /// `12`, `12-40`; nothing else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let lines = Self { first: number(first)?, last: number(last)? };
        (1 <= lines.first && lines.first <= lines.last).then_some(lines)
    }

    /// Whether all of `other` is in it.
    pub(super) fn hold(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }
}

/// Digits alone: a sign or a blank is part of a name.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

impl fmt::Display for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last } = self;
        if first == last { write!(f, "{first}") } else { write!(f, "{first}-{last}") }
    }
}

/// A file, and maybe lines of it. `file` has its repository's name in front where an answer is about several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: String,
    pub(super) lines: Option<Lines>,
}

impl Place {
    /// `path`, `path:12-40`, `repository:path:12-40`: what follows the last colon counts as lines only if it is some.
    pub(super) fn parse(text: &str) -> Self {
        let text = text.trim();
        match text.rsplit_once(':').map(|(file, lines)| (file, Lines::parse(lines))) {
            Some((file, Some(lines))) => Self { file: file.to_owned(), lines: Some(lines) },
            _ => Self { file: text.to_owned(), lines: None },
        }
    }

    /// Whether it covers these lines of a file, which is printed as `printed`.
    pub(super) fn covers(&self, printed: &str, lines: Lines) -> bool {
        self.file == printed && self.lines.is_none_or(|own| own.hold(lines))
    }
}

/// How a file is printed: with the name of its repository in front, where an answer is about several.
pub(super) fn printed(repository: Option<&str>, path: &str) -> String {
    let path = printable(path);
    match repository {
        Some(name) => format!("{}:{path}", printable(name)),
        None => path.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_as_it_was_printed() {
        let lines = |first, last| Some(Lines { first, last });
        for (text, file, expected) in [
            ("src/a.rs:3-40", "src/a.rs", lines(3, 40)),
            ("app:src/a.rs:3", "app:src/a.rs", lines(3, 3)),
            ("src/a.rs", "src/a.rs", None),
            (" a:b:c ", "a:b:c", None),
            ("a:-3", "a:-3", None),
            ("a:9-3", "a:9-3", None),
            ("a:0-3", "a:0-3", None),
            ("a:1-99999999999", "a:1-99999999999", None),
        ] {
            assert_eq!(Place::parse(text), Place { file: file.to_owned(), lines: expected }, "{text}");
        }
        assert_eq!(Lines { first: 3, last: 40 }.to_string(), "3-40");
        assert_eq!(printed(Some("app"), "a\u{1b}.rs"), "app:a\\u{1b}.rs");
    }

    #[test]
    fn a_place_covers_what_lies_within_it() {
        let seen = Place::parse("src/a.rs:3-40");
        let covers = |file, first, last| seen.covers(file, Lines { first, last });
        assert!(covers("src/a.rs", 3, 40) && covers("src/a.rs", 10, 12));
        assert!(!covers("src/a.rs", 2, 40) && !covers("src/a.rs", 30, 41) && !covers("a.rs", 10, 12));
        assert!(Place::parse("src/a.rs").covers("src/a.rs", Lines { first: 1, last: 900 }));
    }
}
