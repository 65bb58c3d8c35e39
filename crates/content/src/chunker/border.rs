//! Where a text may be cut, and how well: a border stands at the start of a line and has a level.
//!
//! Code and text use the levels from 0: the depth of what begins there, an even number behind a blank line. Above
//! them are the fixed levels of what is cut only when nothing else is left.

use crate::chunker::symbols::Scope;

/// The start of a line inside of something, a comment, a string, a call; behind a line without a word.
pub(super) const INNER: u32 = u32::MAX - 8;
/// The same behind any other line.
pub(super) const INNER_LINE: u32 = INNER + 1;
/// A line that begins with a closing bracket: it belongs to the lines above.
pub(super) const CLOSING: u32 = INNER + 2;
/// Inside a line, behind a sentence.
pub(super) const SENTENCE: u32 = INNER + 3;
/// Inside a line, behind white space.
pub(super) const WORD: u32 = INNER + 4;
/// Inside a line, behind a punctuation mark.
pub(super) const MARK: u32 = INNER + 5;
/// Inside a word.
pub(super) const FORCED: u32 = INNER + 6;

/// A place at which the text may be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Border {
    /// The byte it stands before.
    pub(super) at: u32,
    /// The lower, the better.
    pub(super) level: u32,
    /// Whether an item (or a section) begins here: a chunk of its own, unless it is small.
    pub(super) item: bool,
}

/// What is known of a text's structure.
#[derive(Debug, Default)]
pub(super) struct Outline {
    /// At the starts of lines that are not blank, ascending.
    pub(super) borders: Vec<Border>,
    /// Every item before those inside it, ascending by start.
    pub(super) scopes: Vec<Scope>,
}

/// A line that is not blank.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    pub(super) at: usize,
    /// Without its line end.
    pub(super) text: &'a str,
    pub(super) behind_blank: bool,
    /// Behind a line without a letter or digit: blank, a bracket, the marks of an empty comment.
    pub(super) behind_wordless: bool,
}

impl Line<'_> {
    /// The level of this line where what begins here is so deep inside other things.
    pub(super) fn level(&self, depth: u32) -> u32 {
        depth * 2 + u32::from(!self.behind_blank)
    }

    /// The level of this line where nothing begins that has a depth.
    pub(super) fn inner_level(&self) -> u32 {
        match (self.is_closing(), self.behind_wordless) {
            (true, _) => CLOSING,
            (_, true) => INNER,
            _ => INNER_LINE,
        }
    }

    pub(super) fn is_closing(&self) -> bool {
        self.text.trim_start().starts_with(['}', ')', ']'])
    }

    /// The width of its indentation; a tab counts as four.
    pub(super) fn indent(&self) -> u32 {
        self.text.chars().map_while(|c| Some(if c == '\t' { 4 } else { u32::from(c == ' ') }).filter(|n| *n > 0)).sum()
    }

    pub(super) fn border(&self, level: u32, item: bool) -> Border {
        // A text of 4 GiB or more was refused before.
        Border { at: u32::try_from(self.at).unwrap_or(u32::MAX), level, item }
    }
}

/// The lines that are not blank.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let (mut at, mut behind_blank, mut behind_wordless) = (0, true, true);
    text.split_inclusive('\n').filter_map(move |line| {
        let start = at;
        at += line.len();
        let blank = line.trim().is_empty();
        let found = Line { at: start, text: line.trim_end_matches(['\r', '\n']), behind_blank, behind_wordless };
        behind_blank = blank;
        behind_wordless = !line.contains(char::is_alphanumeric);
        (!blank).then_some(found)
    })
}
