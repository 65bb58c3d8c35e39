use warmer_query::{Standing, State};
use warmer_store::{RepositoryId, RepositoryState};

use super::*;

fn searched(id: i64, remote: &str) -> Searched {
    Searched {
        commit: None,
        failing_since: None,
        last_error: None,
        published_at: None,
        reference: None,
        repository: remote.to_owned(),
        served_at: None,
        stale_since: None,
        standing: Standing::Served,
        state: RepositoryState::Active,
        id: RepositoryId(id),
    }
}

fn report(hits: Vec<Hit>) -> Report {
    let repositories = vec![searched(1, "https://h/one"), searched(2, "https://h/two")];
    Report { repositories, hits, notes: vec![], query: None, schema_version: 1, state: State::Found, why: None }
}

fn range(start_line: u32, end_line: u32, text: &str) -> Range {
    Range { defines: vec![], end_line, start_line, symbol: Some("Queue::claim".to_owned()), text: text.to_owned() }
}

fn hit(id: i64, text: &str, also_in: Vec<Location>) -> Hit {
    Hit {
        also_in,
        commit: None,
        failing_since: None,
        language: "rust".to_owned(),
        last_error: None,
        more_places: 0,
        path: "src/\u{1b}a.rs".to_owned(),
        ranges: vec![range(3, 5, text)],
        repository: format!("https://h/{id}"),
        score: 0.71234,
        served_at: None,
        similarity: None,
        stale_since: None,
        state: RepositoryState::Active,
        why: vec![Reason::Definition, Reason::FileName],
        id: RepositoryId(id),
    }
}

fn location(id: i64) -> Location {
    Location {
        end_line: 2,
        path: "b.rs".to_owned(),
        repository: "https://h/2".to_owned(),
        start_line: 1,
        id: RepositoryId(id),
    }
}

fn plain(report: &Report) -> String {
    text(report, 0, Style::PLAIN)
}

#[test]
fn a_hit_is_where_and_what_and_why_on_one_line_then_its_ranges() {
    let mut hit = hit(1, "fn a() {\n\u{1b}[2J\n}\n\n", vec![location(1), location(2)]);
    hit.ranges.push(range(9, 9, "fn b() {}\n"));
    let expected = "one  src/\\u{1b}a.rs:3-5  Queue::claim  (definition, file name)\n    fn a() {\n    \\u{1b}[2J\n    \
                    }\n  9-9  Queue::claim\n    fn b() {}\n  also in b.rs:1-2\n  also in b.rs:1-2  two, never \
                    served\n\none, never served\n\n";
    assert_eq!(plain(&report(vec![hit])), expected);
}

#[test]
fn long_texts_and_many_locations_are_cut() {
    let long = format!("{}\n{}", "x".repeat(200), "y\n".repeat(20));
    let shown = plain(&report(vec![hit(1, &long, (0..8).map(|_| location(1)).collect())]));
    assert!(shown.contains(&format!("    {}…\n", "x".repeat(WIDTH_SHOWN))), "{shown}");
    assert!(shown.contains("    … 9 more lines\n") && shown.contains("  and in 3 more places\n"), "{shown}");
    let around = text(&report(vec![hit(1, &long, vec![])]), 4, Style::PLAIN);
    assert!(around.contains("    … 1 more line\n"), "what was asked for is shown: {around}");
}

#[test]
fn nothing_is_wider_than_the_terminal() {
    let mut long = hit(1, &"x".repeat(200), vec![]);
    long.path = format!("{}/the_end.rs", "directory/".repeat(12));
    long.ranges[0].symbol = Some("Name".repeat(30));
    let mut gone = report(vec![long]);
    gone.repositories[0].failing_since = Some(std::time::SystemTime::UNIX_EPOCH.into());
    gone.repositories[0].published_at = gone.repositories[0].failing_since;
    gone.repositories[0].served_at = gone.repositories[0].failing_since;
    gone.repositories[0].commit = Some("1".repeat(40));
    gone.repositories[0].last_error = Some("no route to the host ".repeat(9));
    let shown = text(&gone, 0, Style { width: Some(80), ..Style::PLAIN });
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    assert!(shown.contains("the_end.rs:3-5\n") && shown.contains("(definition, file name)\n"), "{shown}");
}

#[test]
fn how_old_it_is_is_told_once_for_neighbours_of_one_repository() {
    let hits = vec![hit(1, "a", vec![]), hit(1, "b", vec![]), hit(2, "c", vec![])];
    let shown = plain(&report(hits));
    assert_eq!((shown.matches("one, never").count(), shown.matches("two, never").count()), (1, 1), "{shown}");
}

#[test]
fn repositories_of_the_same_name_are_told_apart_on_the_first_line() {
    let named = |hits| Report {
        repositories: vec![searched(1, "https://h/1/app"), searched(2, "https://h/2/app")],
        ..report(hits)
    };
    let one = plain(&named(vec![hit(1, "a", vec![])]));
    assert!(one.starts_with("app  src/\\u{1b}a.rs:3-5  Queue::claim"), "{one}");
    let two = plain(&named(vec![hit(1, "a", vec![]), hit(2, "b", vec![])]));
    assert!(two.contains("https://h/1  src/") && two.contains("https://h/2  src/"), "{two}");
}
