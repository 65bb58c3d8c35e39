//! The answers of a search as people read them.

use std::fmt::Write as _;

use warmer_query::{Answer, Location, Report, Searched};

use crate::output::{Style, counted, printable};

/// Lines of a chunk that are shown.
const LINES_SHOWN: usize = 12;

/// Characters of a line that are shown, on a terminal no more than it has.
const WIDTH_SHOWN: usize = 160;

/// In front of each.
const INDENT: &str = "    ";

/// Further locations of the same text that are told; a vendored file may be in hundreds.
const LOCATIONS_SHOWN: usize = 5;

/// The answers, best first.
pub(super) fn text(report: &Report, style: Style) -> String {
    let mut text = String::new();
    for (index, answer) in report.answers.iter().enumerate() {
        write_answer(&mut text, answer, report, style);
        // How old an answer is stands once below all answers of a repository that follow each other.
        if report.answers.get(index + 1).is_none_or(|next| next.id != answer.id)
            && let Some(repository) = report.searched(answer.id)
        {
            let _ = writeln!(text, "{}\n", repository.freshness());
        }
    }
    text
}

/// The short name of an answer's repository; the URL where others among the answers are called the same.
fn name(answer: &Answer, report: &Report) -> String {
    let name = |id| report.searched(id).map(Searched::name);
    let own = name(answer.id);
    match own {
        Some(own)
            if report.answers.iter().all(|other| other.id == answer.id || name(other.id).as_ref() != Some(&own)) =>
        {
            own
        }
        _ => printable(&answer.repository).into_owned(),
    }
}

fn write_answer(text: &mut String, answer: &Answer, report: &Report, style: Style) {
    let (symbol, name) = (answer.symbol.as_deref().unwrap_or("-"), name(answer, report));
    let (path, start, end) = (printable(&answer.path), answer.start_line, answer.end_line);
    let _ = writeln!(text, "{path}:{start}-{end}  {name}  {}  {:.3}", printable(symbol), answer.score);
    let mut lines = answer.text.trim_end().lines();
    for line in lines.by_ref().take(LINES_SHOWN) {
        let _ = writeln!(text, "{INDENT}{}", cut(&printable(line), style));
    }
    let more = lines.count();
    if more > 0 {
        let _ = writeln!(text, "    … {}", counted(more as u64, "more line"));
    }
    for location in answer.also_in.iter().take(LOCATIONS_SHOWN) {
        let Location { path, start_line, end_line, .. } = location;
        let _ = write!(text, "  also in {}:{start_line}-{end_line}", printable(path));
        match report.searched(location.id).filter(|other| other.id != answer.id) {
            Some(other) => drop(writeln!(text, "  {}", other.freshness())),
            None => text.push('\n'),
        }
    }
    let more = answer.also_in.len().saturating_sub(LOCATIONS_SHOWN) as u64 + answer.more_places;
    if more > 0 {
        let _ = writeln!(text, "  and in {}", counted(more, "more place"));
    }
    text.push('\n');
}

/// The line as far as the terminal shows it.
fn cut(line: &str, style: Style) -> String {
    let width = style.width.map_or(WIDTH_SHOWN, |width| (width - INDENT.len() - 1).min(WIDTH_SHOWN));
    match line.char_indices().nth(width) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use warmer_query::{Standing, State};
    use warmer_store::{RepositoryId, RepositoryState};

    use super::*;

    fn searched(id: i64, remote: &str) -> Searched {
        Searched {
            commit: None,
            failing_since: None,
            last_error: None,
            reference: None,
            repository: remote.to_owned(),
            served_at: None,
            stale_since: None,
            standing: Standing::Served,
            state: RepositoryState::Active,
            id: RepositoryId(id),
        }
    }

    fn report(answers: Vec<Answer>) -> Report {
        let repositories = vec![searched(1, "https://h/one"), searched(2, "https://h/two")];
        Report { answers, notes: vec![], query: None, repositories, state: State::Found, why: None }
    }

    fn answer(id: i64, text: &str, also_in: Vec<Location>) -> Answer {
        Answer {
            repository: format!("https://h/{id}"),
            path: "src/\u{1b}a.rs".to_owned(),
            start_line: 3,
            end_line: 5,
            symbol: Some("Queue::claim".to_owned()),
            language: "rust".to_owned(),
            score: 0.71234,
            text: text.to_owned(),
            commit: None,
            served_at: None,
            state: RepositoryState::Active,
            stale_since: None,
            failing_since: None,
            last_error: None,
            also_in,
            more_places: 0,
            id: RepositoryId(id),
        }
    }

    fn location(id: i64) -> Location {
        Location {
            repository: "https://h/2".to_owned(),
            path: "b.rs".to_owned(),
            start_line: 1,
            end_line: 2,
            id: RepositoryId(id),
        }
    }

    #[test]
    fn an_answer_is_where_what_and_how_near_on_one_line_then_its_lines() {
        let answer = answer(1, "fn a() {\n\u{1b}[2J\n}\n\n", vec![location(1), location(2)]);
        let expected = "src/\\u{1b}a.rs:3-5  one  Queue::claim  0.712\n    fn a() {\n    \\u{1b}[2J\n    }\n  also in \
            b.rs:1-2\n  \
                        also in b.rs:1-2  two, never served\n\none, never served\n\n";
        assert_eq!(text(&report(vec![answer]), Style::PLAIN), expected);
    }

    #[test]
    fn long_texts_and_many_locations_are_cut() {
        let long = format!("{}\n{}", "x".repeat(200), "y\n".repeat(20));
        let text = text(&report(vec![answer(1, &long, (0..8).map(|_| location(1)).collect())]), Style::PLAIN);
        assert!(text.contains(&format!("    {}…\n", "x".repeat(WIDTH_SHOWN))), "{text}");
        let narrow = Style { width: Some(80), ..Style::PLAIN };
        let fitted = super::text(&report(vec![answer(1, &long, vec![])]), narrow);
        assert!(fitted.lines().all(|line| line.chars().count() <= 80), "{fitted}");
        assert!(text.contains("    … 9 more lines\n") && text.contains("  and in 3 more places\n"), "{text}");
    }

    #[test]
    fn how_old_it_is_is_told_once_for_neighbours_of_one_repository() {
        let answers = vec![answer(1, "a", vec![]), answer(1, "b", vec![]), answer(2, "c", vec![])];
        let text = text(&report(answers), Style::PLAIN);
        assert_eq!((text.matches("one, never").count(), text.matches("two, never").count()), (1, 1), "{text}");
    }

    #[test]
    fn repositories_of_the_same_name_are_told_apart_on_the_first_line() {
        let named = |answers| Report {
            repositories: vec![searched(1, "https://h/1/app"), searched(2, "https://h/2/app")],
            ..report(answers)
        };
        let one = text(&named(vec![answer(1, "a", vec![])]), Style::PLAIN);
        assert!(one.starts_with("src/\\u{1b}a.rs:3-5  app  Queue::claim"), "{one}");
        let two = text(&named(vec![answer(1, "a", vec![]), answer(2, "b", vec![])]), Style::PLAIN);
        assert!(two.contains("a.rs:3-5  https://h/1  Queue") && two.contains("a.rs:3-5  https://h/2  Queue"), "{two}");
    }
}
