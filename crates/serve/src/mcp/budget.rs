//! How much an answer may be, in tokens.

use super::tokens::tokens;

/// Tokens of an answer whose caller names none: at 2,000 the right code was among the answers of 94 of 100 questions,
/// at 4,000 of 98 (semble's published benchmark).
pub(super) const DEFAULT: usize = 2000;

/// The most tokens that may be asked for: clients warn above 10,000.
pub(super) const MOST: usize = 8000;

/// The fewest: less has no room for an answer beside what is told of its repository.
pub(super) const LEAST: usize = 200;

/// A text that stays within its tokens.
#[derive(Debug)]
pub(super) struct Page {
    text: String,
    /// Tokens that are taken: more than the text has where room was left.
    taken: usize,
    max_tokens: usize,
}

impl Page {
    /// An empty one.
    pub(super) fn new(max_tokens: usize) -> Self {
        Self { text: String::new(), taken: 0, max_tokens }
    }

    /// Tokens that are left.
    pub(super) fn left(&self) -> usize {
        self.max_tokens.saturating_sub(self.taken)
    }

    /// Keeps room for what is written at the end.
    pub(super) fn keep(&mut self, tokens: usize) {
        self.taken += tokens;
    }

    /// Writes a text, if it fits.
    pub(super) fn push(&mut self, text: &str) -> bool {
        self.push_as(text, 0)
    }

    /// Writes a text that counts as so many tokens, if those are more than it has: one that holds an age, so that the
    /// same answer a minute later has room for the same.
    pub(super) fn push_as(&mut self, text: &str, counted: usize) -> bool {
        let tokens = tokens(text).max(counted);
        let fits = tokens <= self.left();
        if fits {
            self.text.push_str(text);
            self.taken += tokens;
        }
        fits
    }

    /// The text with its last line, for which so many tokens were kept. It is told what the answer counts as, and what
    /// it might.
    pub(super) fn close(mut self, kept: usize, last: impl FnOnce(&str) -> String) -> String {
        let line = last(&format!("{} of {} tokens", self.taken, self.max_tokens));
        self.taken -= kept;
        if !self.push(&line) {
            // It was to be shorter than that: better none than too much.
            debug_assert!(false, "no room for {line:?}");
        }
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_never_takes_more_than_its_tokens() {
        for max in [LEAST, 201, 333, DEFAULT, MOST] {
            let mut page = Page::new(max);
            page.keep(20);
            while page.push("let x = 1;\n") {}
            let text = page.close(20, |used| format!("{used}\n"));
            assert!(tokens(&text) <= max && tokens(&text) > max - 25, "{max}: {}", tokens(&text));
        }
    }

    #[test]
    fn what_holds_an_age_counts_the_same_however_old_it_is() {
        let rest = |age: &str| {
            let mut page = Page::new(LEAST);
            assert!(page.push_as(age, 12));
            page.left()
        };
        assert_eq!(rest("4m"), rest("13d 22h ago"));
        assert!(!Page::new(1).push("a b") && Page::new(1).push("ab"));
    }
}
