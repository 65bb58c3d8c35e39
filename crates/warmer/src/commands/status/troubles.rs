//! Whom somebody should look at: repositories by name, and the last errors of jobs.

use std::time::Duration;

use warmer_query::{Instance, Trouble, label};
use warmer_store::TroubleKind;

use crate::output::{Cell, Colour, Column, Style, Table, ago, duration, printable, printable_line};

/// Errors that are shown, the newest ones.
const ERRORS: usize = 2;

/// The repositories that are overdue, dead, in quarantine, stale or refused, each with its reason.
pub(super) fn named(troubles: &[Trouble], style: Style) -> String {
    if troubles.is_empty() {
        return String::new();
    }
    let columns = [Column::left("TROUBLE"), Column::left("SINCE"), Column::name("REPOSITORY")];
    let mut table = Table::new(style, columns);
    for Trouble { kind, reason, reference, repository, since } in troubles {
        let colour = if *kind == TroubleKind::Overdue { Colour::Yellow } else { Colour::Red };
        let cells =
            [Cell::new(kind.as_str(), colour), ago(*since).into(), label(repository, reference.as_deref()).into()];
        table.row(cells, reason.as_deref().map(|reason| printable_line(reason).into_owned()));
    }
    let ways = "The longest five of each. `warmer repos list` shows all, `warmer jobs list` who refused what; \
                `warmer jobs retry REPOSITORY` tries one at once.";
    format!("\n{}{}", table.text(), style.wrapped(ways, ""))
}

/// The newest errors of jobs, or a configuration that is not taken, and which process had them.
pub(super) fn last_errors(instances: &[Instance], style: Style) -> String {
    let error = |instance: &Instance| {
        let figures = instance.figures.as_ref()?;
        let error = figures.last_error.as_deref()?;
        let process = format!("process {} on host {}", instance.pid, printable(&instance.host));
        Some((figures.age_seconds + figures.last_error_seconds, format!("{process}: {}", printable_line(error))))
    };
    let mut errors: Vec<_> = instances.iter().filter_map(error).collect();
    errors.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let lines = errors.iter().take(ERRORS).map(|(seconds, sentence)| {
        let age = duration(Duration::try_from_secs_f64(*seconds).unwrap_or_default());
        style.wrapped(&format!("{age} ago, {sentence}"), "    ")
    });
    let lines: String = lines.collect();
    if lines.is_empty() { lines } else { format!("\nLast errors:\n{lines}") }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use warmer_query::{Figures, Moment};
    use warmer_store::InstanceId;

    use super::*;

    const NARROW: Style = Style { width: Some(80), coloured: false };

    fn trouble(kind: TroubleKind, repository: &str, reason: Option<&str>) -> Trouble {
        Trouble {
            kind,
            reason: reason.map(str::to_owned),
            reference: None,
            repository: repository.to_owned(),
            since: Moment(SystemTime::now() - Duration::from_secs(7_265)),
        }
    }

    #[test]
    fn who_is_in_trouble_is_named_with_the_way_out_on_80_columns() {
        assert_eq!(named(&[], NARROW), "");
        let long = format!("https://git.example.com/{}/app.git", "team".repeat(30));
        let troubles = vec![
            trouble(TroubleKind::Overdue, "https://h/late", None),
            trouble(TroubleKind::Dead, &long, Some(&"no route to the host ".repeat(9))),
            trouble(TroubleKind::Refused, "https://h/a\u{1b}[31mb", Some("no token\u{1b}[2J\nfor h")),
        ];
        let text = named(&troubles, NARROW);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(
            text.starts_with("\nTROUBLE  SINCE      REPOSITORY\noverdue  2h 1m ago  https://h/late HEAD\n"),
            "{text}"
        );
        assert!(text.contains("/app.git HEAD\n    no route to the host"), "{text}");
        assert!(text.contains("a\\u{1b}[31mb HEAD\n    no token\\u{1b}[2J"), "{text}");
        assert!(!text.contains('\u{1b}') && text.contains("`warmer jobs"), "{text}");
    }

    #[test]
    fn the_newest_two_errors_are_shown_with_their_process() {
        assert_eq!(last_errors(&[], NARROW), "");
        let instance = |pid, seconds| {
            let last_error = Some(format!("cannot reach https://h/{pid}\u{1b}[31m"));
            let figures = Figures { last_error, last_error_seconds: seconds, age_seconds: 2.0, ..Figures::default() };
            let now = Moment(SystemTime::now());
            Instance {
                capacity: 4,
                differs: vec![],
                figures: Some(figures),
                host: "box".to_owned(),
                id: InstanceId::random().0,
                model: None,
                pid,
                running: 0,
                seen_at: now,
                started_at: now,
                tuned: vec![],
                version: "1.2.3".to_owned(),
            }
        };
        let instances = vec![instance(1, 60.0), instance(2, 10.0), instance(3, 600.0)];
        let text = last_errors(&instances, NARROW);
        let expected = "\nLast errors:\n    \
                        12s ago, process 2 on host box: cannot reach https://h/2\\u{1b}[31m\n    \
                        1m 2s ago, process 1 on host box: cannot reach https://h/1\\u{1b}[31m\n";
        assert_eq!(text, expected);
    }
}
