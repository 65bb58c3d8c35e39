//! How text is laid out: the width it must fit into, and whether it has colours.

use std::io::{self, IsTerminal as _};

use crate::environment::Environment;

/// Narrower than this nothing fits, whatever the terminal says.
const WIDTH_LEAST: u16 = 60;

/// How text is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    /// Characters in a line; `None` where whoever reads is no terminal, and nothing is cut.
    pub(crate) width: Option<usize>,
    /// Whether there are colours.
    pub(crate) coloured: bool,
}

/// What a word is to look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    Plain,
    /// A heading.
    Bold,
    /// As it should be.
    Green,
    /// To be looked at.
    Yellow,
    /// Wrong.
    Red,
}

impl Style {
    /// Of this process' stdout. `NO_COLOR` switches colours off (no-color.org), and so does `TERM=dumb`.
    pub(crate) fn of_stdout(environment: &Environment) -> Self {
        let stdout = io::stdout();
        if !stdout.is_terminal() {
            return Self::PLAIN;
        }
        let size = rustix::termios::tcgetwinsize(&stdout).map_or(80, |size| size.ws_col);
        let coloured = environment.get("NO_COLOR").is_none() && environment.text("TERM") != Some("dumb");
        // A terminal that does not know its width says 0.
        let width = if size == 0 { 80 } else { size.max(WIDTH_LEAST) };
        Self { width: Some(width.into()), coloured }
    }

    /// Of a file or a pipe.
    pub(crate) const PLAIN: Self = Self { width: None, coloured: false };

    /// The text in this colour.
    pub(crate) fn paint(self, text: &str, colour: Colour) -> String {
        let code = match colour {
            Colour::Plain => return text.to_owned(),
            Colour::Bold => "1",
            Colour::Green => "32",
            Colour::Yellow => "33",
            Colour::Red => "31",
        };
        if self.coloured && !text.is_empty() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// The text in lines that fit, each behind `indent`. It breaks between words; a word that is too long stays whole.
    pub(crate) fn wrapped(self, text: &str, indent: &str) -> String {
        let room = self.width.unwrap_or(usize::MAX).saturating_sub(indent.len()).max(1);
        let (mut lines, mut line) = (String::new(), String::new());
        for word in text.split(' ') {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > room {
                lines.push_str(&format!("{indent}{line}\n"));
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines + &format!("{indent}{line}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_sentence_breaks_between_words_and_hangs_on_its_indent() {
        let style = Style { width: Some(20), coloured: false };
        assert_eq!(style.wrapped("one two three four five six", "    "), "    one two three\n    four five six\n");
        assert_eq!(Style::PLAIN.wrapped("one two three four five six", "  "), "  one two three four five six\n");
    }

    #[test]
    fn without_colours_a_text_is_left_as_it_is() {
        assert_eq!(Style::PLAIN.paint("dead", Colour::Red), "dead");
        assert_eq!(Style { coloured: true, ..Style::PLAIN }.paint("dead", Colour::Red), "\u{1b}[31mdead\u{1b}[0m");
    }
}
