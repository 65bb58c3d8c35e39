//! Lines of a repository as an answer shows them: each behind its number, so that none of them can pass for a line of
//! ours, and without anything that would move a cursor or hide what stands there.

use std::borrow::Cow;
use std::fmt::Write as _;

use warmer_query::text::visible;

use super::place::Lines;

/// Characters of a line that are shown; lines that are longer were not written by a person.
const WIDTH_SHOWN: usize = 300;

/// The lines of a text that begins at a line of its file. Line ends are those that the chunker counts.
#[derive(Clone, Debug)]
pub(super) struct Source<'a> {
    first: u32,
    lines: Vec<&'a str>,
}

impl<'a> Source<'a> {
    /// All of a text whose first line is the file's `first`, without blank lines at its end.
    pub(super) fn new(text: &'a str, first: u32) -> Self {
        Self { first, lines: text.trim_end().split('\n').map(|line| line.trim_end_matches('\r')).collect() }
    }

    /// How many there are.
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.lines.len()).unwrap_or(u32::MAX)
    }

    /// The number of the last one.
    pub(super) fn last(&self) -> u32 {
        self.first + self.len().saturating_sub(1)
    }

    /// The lines of these numbers, each as `number, tab, text`.
    pub(super) fn numbered(&self, lines: Lines) -> String {
        let mut text = String::new();
        let skipped = lines.first.saturating_sub(self.first) as usize;
        let numbers = lines.first.max(self.first)..=lines.last;
        for (number, line) in numbers.zip(self.lines.iter().skip(skipped)) {
            let _ = writeln!(text, "{number}\t{}", shown(line));
        }
        text
    }

    /// The first of these lines that has a name in it, as it is shown, without the blanks around.
    pub(super) fn line_of(&self, lines: Lines, name: &str) -> Option<String> {
        let skipped = lines.first.saturating_sub(self.first) as usize;
        let count = (lines.last + 1).saturating_sub(lines.first.max(self.first)) as usize;
        let mut among = self.lines.iter().skip(skipped).take(count);
        among.find(|line| !name.is_empty() && line.contains(name)).map(|line| shown(line.trim()).into_owned())
    }

    /// The number of the line that names a symbol: the first that has the last part of its name, else the first with
    /// anything on it.
    pub(super) fn signature(&self, symbol: Option<&str>) -> u32 {
        let name = symbol.map(last_part).filter(|name| !name.is_empty());
        let named = name.and_then(|name| self.lines.iter().position(|line| line.contains(name)));
        let at = named.or_else(|| self.lines.iter().position(|line| !line.trim().is_empty())).unwrap_or(0);
        self.first + u32::try_from(at).unwrap_or(0)
    }
}

/// The last part of a qualified name: `claim` of `Queue::claim` and of `queue.claim`.
pub(super) fn last_part(symbol: &str) -> &str {
    symbol.rsplit(['.', ':', '#', '/', '\\']).next().unwrap_or(symbol).trim()
}

/// A line without what cannot be seen, cut where it is too long to read.
fn shown(line: &str) -> Cow<'_, str> {
    let line = visible(line);
    match line.char_indices().nth(WIDTH_SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}… (+{})", &line[..end], line[end..].chars().count())),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(first: u32, last: u32) -> Lines {
        Lines { first, last }
    }

    #[test]
    fn every_line_stands_behind_its_number_and_shows_nothing_that_is_not_there() {
        let source = Source::new("fn a() {\r\n\t\u{1b}[2Jb();\u{202e}\n}\n\n", 9);
        assert_eq!(source.numbered(lines(9, 11)), "9\tfn a() {\n10\t\t[2Jb();\n11\t}\n");
        assert_eq!(source.numbered(lines(10, 10)), "10\t\t[2Jb();\n");
        assert_eq!((source.len(), source.last()), (3, 11));
        assert_eq!(source.numbered(lines(1, 9)), "9\tfn a() {\n");
        assert_eq!(source.numbered(lines(12, 20)), "");
    }

    #[test]
    fn a_line_without_end_is_cut_with_what_is_left_out() {
        let long = "ä".repeat(WIDTH_SHOWN + 7);
        assert_eq!(Source::new(&long, 1).numbered(lines(1, 1)), format!("1\t{}… (+7)\n", "ä".repeat(WIDTH_SHOWN)));
    }

    #[test]
    fn the_signature_is_the_line_that_names_the_symbol() {
        let source = Source::new("\n/// Claims.\n#[must_use]\npub fn claim(&self) -> Job {\n", 40);
        assert_eq!(source.signature(Some("Queue::claim")), 43);
        assert_eq!(source.signature(Some("other")), 41);
        assert_eq!(source.signature(None), 41);
    }
}
