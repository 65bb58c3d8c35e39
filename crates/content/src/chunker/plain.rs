//! The outline of a text without a grammar: indentation is structure, and a blank line is a better border than none.

use crate::chunker::border::{CLOSING, Line, Outline, lines};

/// Deeper indentation is one level: beyond it text is aligned, not nested.
const INDENT_MAX: u32 = 64;

pub(super) fn outline(text: &str) -> Outline {
    let border = |line: Line<'_>| {
        let level = if line.is_closing() { CLOSING } else { line.level(line.indent().min(INDENT_MAX)) };
        line.border(level, false)
    };
    Outline { borders: lines(text).map(border).collect(), scopes: vec![] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_go_before_lines_and_outer_lines_before_inner_ones() {
        let borders = outline("a:\n  b: [\n  ]\n\n  c\nd\n\ne\n").borders;
        let levels: Vec<_> = borders.iter().map(|border| (border.at, border.level)).collect();
        assert_eq!(levels, [(0, 0), (3, 5), (10, CLOSING), (15, 4), (19, 1), (22, 0)]);
    }
}
