//! Hits on a page: as much of each as there is room for. A hit becomes shorter before another is left out.

use std::fmt::Write as _;

use warmer_query::text::printable;

use super::budget::Page;
use super::found::Hit;
use super::place::{Lines, printed};
use super::source::Source;
use super::tokens::tokens;

/// Lines of a hit that are shown before all hits are shown whole.
const LINES_SHOWN: u32 = 10;

/// How much of a hit is shown, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Where it is.
    Place,
    /// And the line that names it.
    Signature,
    /// And its first lines.
    Lines,
    /// And all lines.
    Whole,
}

/// A hit with what is told of it beside its own lines.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    pub(super) hit: &'a Hit,
    /// The repository's name, where an answer is about several.
    pub(super) repository: Option<&'a str>,
    /// The file is another in the working directory.
    pub(super) differs: bool,
}

/// What became of the hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Laid {
    /// How many are on the page.
    pub(super) shown: usize,
    /// Whether all lines of those are.
    pub(super) whole: bool,
}

/// Writes the hits onto the page. First each gets its place, then in the order of the hits the line that names it, then
/// the first ten lines, then all: the best hits are the longest.
pub(super) fn lay(page: &mut Page, hits: &[Shown<'_>]) -> Laid {
    let mut room = page.left();
    let mut texts: Vec<String> = vec![];
    for (index, hit) in hits.iter().enumerate() {
        let text = hit.text(index + 1, Form::Place);
        let Some(left) = room.checked_sub(tokens(&text)) else { break };
        room = left;
        texts.push(text);
    }
    let mut whole = true;
    for form in [Form::Signature, Form::Lines, Form::Whole] {
        whole = true;
        for (index, (text, hit)) in texts.iter_mut().zip(hits).enumerate() {
            let longer = hit.text(index + 1, form);
            match (room + tokens(text)).checked_sub(tokens(&longer)) {
                Some(left) => (room, *text) = (left, longer),
                None => whole = false,
            }
        }
    }
    let shown = texts.iter().filter(|text| page.push(text)).count();
    Laid { shown, whole }
}

impl Shown<'_> {
    /// `3. src/a.rs:40-58 Queue::claim +2 copies`, and lines of it.
    fn text(&self, number: usize, form: Form) -> String {
        let Hit { path, lines, symbol, text, copies, .. } = self.hit;
        let mut shown = format!("{number}. {}:{lines}", printed(self.repository, path));
        if let Some(symbol) = symbol {
            let _ = write!(shown, " {}", printable(symbol));
        }
        if *copies > 0 {
            let _ = write!(shown, " +{copies} {}", if *copies == 1 { "copy" } else { "copies" });
        }
        if self.differs {
            shown.push_str(" [differs in the working directory]");
        }
        shown.push('\n');
        let source = Source::new(text, lines.first);
        match form {
            Form::Place => {}
            Form::Signature => {
                let line = source.signature(symbol.as_deref());
                shown += &source.numbered(Lines { first: line, last: line });
            }
            // A word on the rest takes as much as two lines of it.
            Form::Lines if source.len() > LINES_SHOWN + 2 => {
                let last = lines.first + LINES_SHOWN - 1;
                shown += &source.numbered(Lines { first: lines.first, last });
                let _ = writeln!(shown, "… {} more lines", source.last() - last);
            }
            Form::Lines | Form::Whole => shown += &source.numbered(Lines { first: lines.first, last: source.last() }),
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use warmer_store::RepositoryId;

    use super::super::budget::{LEAST, MOST};
    use super::*;

    fn hit(path: &str, count: u32) -> Hit {
        let text = (0..count).map(|line| format!("    statement_{line}();\n")).collect();
        let lines = Lines { first: 1, last: count };
        let symbol = Some("Queue::statement_3".to_owned());
        Hit { repository: RepositoryId(1), path: path.to_owned(), lines, symbol, text, copies: 0 }
    }

    fn laid(hits: &[Hit], max: usize) -> (Laid, String) {
        let mut page = Page::new(max);
        let shown: Vec<_> = hits.iter().map(|hit| Shown { hit, repository: None, differs: false }).collect();
        let laid = lay(&mut page, &shown);
        (laid, page.close(0, |_| String::new()))
    }

    #[test]
    fn with_room_for_all_every_line_is_shown() {
        let (laid, text) = laid(&[hit("a.rs", 30), hit("b.rs", 2)], 8000);
        assert_eq!(laid, Laid { shown: 2, whole: true });
        assert!(text.starts_with("1. a.rs:1-30 Queue::statement_3\n1\t    statement_0();\n2\t"), "{text}");
        assert!(text.contains("\n30\t    statement_29();\n2. b.rs:1-2 Queue::statement_3\n1\t"), "{text}");
    }

    #[test]
    fn a_hit_becomes_shorter_before_another_is_left_out() {
        let hits: Vec<_> = (0..12).map(|number| hit(&format!("src/file_{number}.rs"), 40)).collect();
        let mut before = 0;
        for max in [200, 300, 600, 1200, 2400, 8000] {
            let (laid, text) = laid(&hits, max);
            assert!(tokens(&text) <= max, "{max}: {}", tokens(&text));
            assert!(text.len() > before, "more room shows more");
            before = text.len();
            let places = text.matches("Queue::").count();
            assert_eq!(laid.shown, places);
            assert!(places == 12 || max == 200, "{max}: twelve places take 250 tokens\n{text}");
        }
    }

    /// Files with one to three ranges each, as a search gives them.
    fn any_hits() -> impl Strategy<Value = Vec<Hit>> {
        let lines = prop::collection::vec("[ -~äß\u{1b}\t]{0,60}", 1..24);
        let range = (lines, 1..2000_u32, prop::option::of("[A-Za-z:]{0,30}"), 0..3_u64);
        let hit = range.prop_map(|(lines, first, symbol, copies)| {
            let (count, text) = (u32::try_from(lines.len()).unwrap(), lines.join("\n"));
            let lines = Lines { first, last: first + count - 1 };
            Hit { repository: RepositoryId(1), path: String::new(), lines, symbol, text, copies }
        });
        let file = ("[a-z/ \u{202e}]{1,80}", prop::collection::vec(hit, 1..=3));
        let named = file
            .prop_map(|(path, hits)| hits.into_iter().map(|hit| Hit { path: path.clone(), ..hit }).collect::<Vec<_>>());
        prop::collection::vec(named, 0..16).prop_map(|files| files.concat())
    }

    proptest! {
        // Each lays out some hundred lines five times.
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn whatever_is_found_the_page_keeps_its_tokens_and_names_no_line_that_is_not_there(
            hits in any_hits(),
            max in LEAST..=MOST,
        ) {
            let (laid, text) = laid(&hits, max);
            prop_assert!(tokens(&text) <= max, "{} of {max}", tokens(&text));
            let (mut shown, mut numbered, mut now) = (0, 0, None);
            for line in text.lines() {
                let place = line.strip_prefix(&format!("{}. ", shown + 1)).filter(|_| !line.contains('\t'));
                match (place, line.split_once('\t')) {
                    (Some(place), _) => {
                        let hit = &hits[shown];
                        let expected = format!("{}:{}", printed(None, &hit.path), hit.lines);
                        prop_assert!(place.starts_with(&expected), "{place} is not {expected}");
                        (shown, now) = (shown + 1, Some(Source::new(&hit.text, hit.lines.first)));
                    }
                    (None, Some((number, _))) => {
                        let number: u32 = number.parse().unwrap();
                        let expected = now.as_ref().unwrap().numbered(Lines { first: number, last: number });
                        prop_assert_eq!(format!("{line}\n"), expected);
                        numbered += 1;
                    }
                    (None, None) => prop_assert!(line.starts_with("… "), "{line}"),
                }
            }
            prop_assert_eq!(laid.shown, shown);
            if shown < hits.len() {
                let places = (1..).zip(&hits[..=shown]).map(|(number, hit)| {
                    tokens(&Shown { hit, repository: None, differs: false }.text(number, Form::Place))
                });
                prop_assert!(places.sum::<usize>() > max, "there is room for one more place");
            }
            if laid.whole && shown == hits.len() {
                let all: u32 = hits.iter().map(|hit| Source::new(&hit.text, 1).len()).sum();
                prop_assert_eq!(numbered, all, "none is lost");
            }
        }
    }

    #[test]
    fn the_best_hits_are_the_longest_and_what_is_left_out_of_one_is_counted() {
        let (laid, text) = laid(&[hit("a.rs", 40), hit("b.rs", 40), hit("c.rs", 40)], 330);
        assert_eq!(laid, Laid { shown: 3, whole: false });
        let hits: Vec<_> = text.split(". ").skip(1).map(|hit| hit.lines().count()).collect();
        assert!(hits.is_sorted_by(|one, next| one >= next), "{text}");
        assert!(text.contains("10\t    statement_9();\n… 30 more lines\n"), "{text}");
        assert!(text.contains("4\t    statement_3();\n"), "the line that names the symbol: {text}");
    }
}
