//! All rows: one aligned table for people, JSON for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::report::Report;

const HEAD: [&str; 10] =
    ["row", "jobs", "faults", "lost", "double", "overlap", "over cap", "recovery p50/p95/max", "verdict", "bound"];

/// The table, with the seed that makes it again.
#[must_use]
pub fn text(reports: &[Report], seed: u64) -> String {
    let rows: Vec<[String; 10]> = std::iter::once(HEAD.map(str::to_owned)).chain(reports.iter().map(cells)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for row in &rows {
        for (column, cell) in row.iter().enumerate() {
            let width = if column + 1 == row.len() { 0 } else { width(column) + 2 };
            // Writing to a string cannot fail.
            let _ = write!(text, "{cell:<width$}");
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    for report in reports {
        for note in &report.notes {
            let _ = writeln!(text, "{}: {note}", report.row);
        }
        if let Some(what) = &report.not_run {
            let _ = writeln!(text, "{}: not run: {what} missing", report.row);
        }
    }
    let _ = writeln!(text, "seed {seed}");
    text
}

fn cells(report: &Report) -> [String; 10] {
    let recovery = match (report.recovery(50), report.recovery(95), report.recovery(100)) {
        (Some(half), Some(most), Some(max)) => format!("{half:.1} / {most:.1} / {max:.1} s"),
        _ => "-".to_owned(),
    };
    let bounds = report.bounds.iter().map(|bound| match bound.holds {
        true => bound.text.clone(),
        false => format!("MISSES {}", bound.text),
    });
    let verdict = match (&report.not_run, report.holds()) {
        (Some(_), _) => "not run",
        (None, true) => "holds",
        (None, false) => "MISSES",
    };
    [
        report.row.clone(),
        report.jobs.to_string(),
        report.faults.to_string(),
        report.lost.to_string(),
        report.doubles.to_string(),
        match report.overlaps {
            0 => "0".to_owned(),
            pairs => format!("{pairs} ({:.3} s)", report.overlap_seconds),
        },
        format!("{:.3} s", report.over_cap_seconds),
        recovery,
        verdict.to_owned(),
        bounds.collect::<Vec<_>>().join("; "),
    ]
}

/// The same for programs.
#[must_use]
pub fn json(reports: &[Report], seed: u64) -> Value {
    let rows: Vec<Value> = reports.iter().map(row).collect();
    json!({ "seed": seed, "holds": reports.iter().all(Report::holds), "rows": rows })
}

fn row(report: &Report) -> Value {
    let bounds: Vec<Value> =
        report.bounds.iter().map(|bound| json!({ "bound": bound.text, "holds": bound.holds })).collect();
    json!({
        "row": report.row,
        "not_run": report.not_run,
        "jobs": report.jobs,
        "faults": report.faults,
        "lost": report.lost,
        "double_commits": report.doubles,
        "overlapping_runs": report.overlaps,
        "overlapping_seconds": report.overlap_seconds,
        "over_cap_seconds": report.over_cap_seconds,
        "recoveries": report.recoveries.len(),
        "recovery_seconds_p50": report.recovery(50),
        "recovery_seconds_p95": report.recovery(95),
        "recovery_seconds_max": report.recovery(100),
        "recovery_wall_seconds_max": report.recovery_wall_max,
        "bounds": bounds,
        "notes": report.notes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_bound_is_named_and_columns_are_aligned() {
        let mut one = Report { row: "kill".to_owned(), lost: 1, recoveries: vec![1.0, 2.0, 4.0], ..Report::default() };
        one.must_be_exact().must_recover_within(5.0);
        let other = Report { row: "clock".to_owned(), ..Report::lacking("faketime") };
        let text = text(&[one.clone(), other], 7);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].ends_with("MISSES   MISSES lost 0; double commits 0; recovery max 4.0 <= 5 s"), "{text}");
        assert!(lines[1].contains("2.0 / 4.0 / 4.0 s"), "{text}");
        assert_eq!(lines[0].find("lost"), lines[1].find("1  "), "{text}");
        assert!(text.ends_with("clock: not run: faketime missing\nseed 7\n"), "{text}");
        assert_eq!(json(&[one], 7)["rows"][0]["bounds"][0]["holds"], false);
    }
}
