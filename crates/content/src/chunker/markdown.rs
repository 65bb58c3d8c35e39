//! The outline of Markdown: sections, then paragraphs, then lines. Fenced code and front matter have no headings.

use crate::chunker::border::{Border, INNER, Line, Outline, lines};
use crate::chunker::symbols::Scope;
use crate::headings::{closes, fence_of, heading, underlined};
use crate::node_text::tidy;

/// Below all six levels of headings.
const PARAGRAPH: u32 = 8;
/// Below paragraphs and lists of any indentation.
const FENCED: u32 = PARAGRAPH + 64;
const INDENT_MAX: u32 = 24;

#[derive(Default)]
struct Sections {
    outline: Outline,
    /// The open sections: number of the heading's level, index of the scope.
    open: Vec<(usize, usize)>,
}

pub(super) fn outline(text: &str) -> Outline {
    let mut sections = Sections::default();
    let mut fence: Option<&str> = None;
    let mut front_matter = text.starts_with("---\n") || text.starts_with("---\r\n");
    let mut behind_heading = false;
    let mut lines = lines(text).peekable();
    while let Some(line) = lines.next() {
        if front_matter {
            sections.push(line.border(if line.at == 0 { 0 } else { INNER }, false));
            front_matter = line.at == 0 || line.text.trim_end() != "---";
            continue;
        }
        if let Some(open) = fence {
            sections.push(line.border(line.level(FENCED), false));
            if closes(line.text, open) {
                fence = None;
            }
            continue;
        }
        let underline =
            lines.peek().filter(|next| !next.behind_blank).and_then(|next| underlined(line.text, next.text));
        if let Some((number, title)) = heading(line.text).or(underline) {
            sections.begin(line, number, title);
            if underline.is_some()
                && let Some(next) = lines.next()
            {
                sections.push(next.border(INNER, false));
            }
            behind_heading = true;
            continue;
        }
        fence = fence_of(line.text);
        // A heading stays with what it is the heading of.
        let level = if behind_heading { INNER } else { line.level(PARAGRAPH + line.indent().min(INDENT_MAX)) };
        behind_heading = false;
        sections.push(line.border(level, false));
    }
    sections.end(text)
}

impl Sections {
    fn push(&mut self, border: Border) {
        self.outline.borders.push(border);
    }

    fn begin(&mut self, line: Line<'_>, number: usize, title: &str) {
        let border = line.border(u32::try_from(number).unwrap_or(PARAGRAPH), true);
        self.close(number, border.at);
        self.push(border);
        let name = tidy(title);
        let parent = self.open.last().map(|(_, scope)| *scope);
        self.open.push((number, self.outline.scopes.len()));
        self.outline.scopes.push(Scope { start: border.at, end: border.at, parent, label: name.clone(), name });
    }

    /// Ends the sections of this level and below.
    fn close(&mut self, number: usize, at: u32) {
        while let Some((_, scope)) = self.open.pop_if(|(open, _)| *open >= number) {
            self.outline.scopes[scope].end = at;
        }
    }

    fn end(mut self, text: &str) -> Outline {
        self.close(0, u32::try_from(text.len()).unwrap_or(u32::MAX));
        self.outline
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(text: &str) -> Vec<(String, Option<usize>, String)> {
        let scopes = outline(text).scopes;
        let of = |scope: &Scope| {
            (scope.name.clone(), scope.parent, text[scope.start as usize..scope.end as usize].to_owned())
        };
        scopes.iter().map(of).collect()
    }

    #[test]
    fn sections_nest_by_the_number_of_their_marks() {
        let text = "# A #\n\na\n\n## B\nb\n### C\nc\n## D\nd\n";
        let owned = |name: &str, parent, text: &str| (name.to_owned(), parent, text.to_owned());
        assert_eq!(
            titles(text),
            [
                owned("A", None, text),
                owned("B", Some(0), "## B\nb\n### C\nc\n"),
                owned("C", Some(1), "### C\nc\n"),
                owned("D", Some(0), "## D\nd\n"),
            ]
        );
    }

    #[test]
    fn underlined_titles_are_headings_and_rules_lists_and_tables_are_not() {
        let names = |text: &str| titles(text).into_iter().map(|(name, ..)| name).collect::<Vec<_>>();
        assert_eq!(names("One\n===\n\nTwo\n---\ntext\n"), ["One", "Two"]);
        assert_eq!(names("text\n\n---\n\n- a\n---\n| a |\n---\n"), [""; 0]);
        assert_eq!(names("#hash\n    # code\n####### seven\n"), [""; 0]);
    }

    #[test]
    fn fenced_code_and_front_matter_have_no_headings() {
        let names = |text: &str| titles(text).into_iter().map(|(name, ..)| name).collect::<Vec<_>>();
        assert_eq!(names("```sh\n# comment\n~~~\n# comment\n```\n# A\n"), ["A"]);
        assert_eq!(names("~~~~\n# comment\n~~~\n# comment\n~~~~~\n# A\n"), ["A"]);
        assert_eq!(names("---\ntitle: x\n# y\n---\n# A\n"), ["A"]);
        assert_eq!(names("``` inline ``` code\n# A\n"), ["A"]);
    }

    #[test]
    fn a_heading_stays_with_its_text() {
        let borders = outline("# A\n\ntext\nmore\n").borders;
        let levels: Vec<_> = borders.iter().map(|border| (border.at, border.level, border.item)).collect();
        assert_eq!(levels, [(0, 1, true), (5, INNER, false), (10, 17, false)]);
    }
}
