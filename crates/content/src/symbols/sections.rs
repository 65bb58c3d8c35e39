//! The headings of Markdown as definitions: a section ends where the next of its level or above begins.

use super::record::{DEFINITIONS_MAX, Definition, DefinitionKind, Symbols, qualified, signature, small};
use crate::headings::{closes, fence_of, heading, underlined};
use crate::node_text::tidy;

/// What stands between the names of sections.
const SEPARATOR: &str = " > ";

pub(super) fn of(text: &str) -> Symbols {
    let mut sections = Sections::default();
    let mut fence: Option<&str> = None;
    let mut front_matter = text.starts_with("---\n") || text.starts_with("---\r\n");
    let mut at = 0;
    let mut lines = (1..).zip(text.split_inclusive('\n')).peekable();
    while let Some((number, line)) = lines.next() {
        let start = at;
        at += line.len();
        let bare = line.trim_end_matches(['\n', '\r']);
        if front_matter {
            front_matter = number == 1 || bare.trim_end() != "---";
        } else if let Some(open) = fence {
            fence = fence.filter(|_| !closes(bare, open));
        } else if let Some((level, title)) =
            heading(bare).or_else(|| underlined(bare, lines.peek().map_or("", |(_, next)| next.trim_end())))
        {
            sections.begin(level, title, bare, (start, number));
        } else {
            fence = fence_of(bare);
        }
    }
    let lines = text.lines().count();
    sections.close(0, (text.len(), lines + 1));
    Symbols { definitions: sections.definitions, references: vec![] }
}

#[derive(Default)]
struct Sections {
    definitions: Vec<Definition>,
    /// Level and index of the sections that are open.
    open: Vec<(usize, usize)>,
}

/// A byte and the number of its line.
type Place = (usize, usize);

impl Sections {
    fn begin(&mut self, level: usize, title: &str, line: &str, place: Place) {
        self.close(level, place);
        let name = tidy(title);
        if name.is_empty() || self.definitions.len() == DEFINITIONS_MAX {
            return;
        }
        let parent = self.open.last().map(|(_, index)| *index);
        let outer = parent.map(|parent| self.definitions[parent].qualified.as_str());
        let (start, start_line) = (small(place.0), small(place.1));
        self.open.push((level, self.definitions.len()));
        self.definitions.push(Definition {
            qualified: qualified(outer, SEPARATOR, &name),
            name,
            kind: DefinitionKind::Section,
            signature: signature(line),
            start,
            end: start,
            start_line,
            end_line: start_line,
            parent: parent.map(small),
        });
    }

    /// Ends the sections of this level and below, before this place.
    fn close(&mut self, level: usize, (at, line): Place) {
        while let Some((_, index)) = self.open.pop_if(|(open, _)| *open >= level) {
            let section = &mut self.definitions[index];
            (section.end, section.end_line) = (small(at), small(line - 1).max(section.start_line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_nest_and_end_before_the_next_of_their_level() {
        let text = "# A\na\n```sh\n# no\n```\n## B\nb\n### C\nc\n## D\n\nE\n===\n";
        let symbols = of(text);
        let shown: Vec<_> =
            symbols.definitions.iter().map(|of| (of.qualified.as_str(), of.start_line, of.end_line)).collect();
        assert_eq!(shown, [("A", 1, 11), ("A > B", 6, 9), ("A > B > C", 8, 9), ("A > D", 10, 11), ("E", 12, 13)]);
        let c = &symbols.definitions[2];
        assert_eq!(&text[c.start as usize..c.end as usize], "### C\nc\n");
    }
}
