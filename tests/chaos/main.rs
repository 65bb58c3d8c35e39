//! `cargo xtask chaos` ends here: runs the rows and prints the table.

#![expect(clippy::disallowed_methods, reason = "a round that missed a bound ends with its own code")]

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use warmer_tests::chaos::{Environment, ROWS, Report, Round, Row, json, text};

const USAGE: &str = "\
usage: cargo xtask chaos [--minutes N] [--seed S] [--row NAME]... [--json] [--logs DIRECTORY]

  --minutes N       of faults, shared by the rows; 20 where nothing is said, 1 for each row that is named
  --seed S          from which everything random follows; another one each time where nothing is said
  --row NAME        only this row; may be repeated
  --json            the table as JSON, on stdout
  --logs DIRECTORY  leaves there what the processes of a row wrote that misses a bound

rows:
";

struct Arguments {
    time: Option<Duration>,
    seed: u64,
    rows: Vec<&'static Row>,
    json: bool,
    logs: Option<PathBuf>,
}

fn main() -> ExitCode {
    match parse().and_then(|arguments| run(&arguments)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::from(2)
        }
    }
}

/// Progress and mistakes go to standard error; a closed terminal is no reason to stop.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

fn parse() -> Result<Arguments> {
    let fresh = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let mut arguments = Arguments { time: None, seed: fresh, rows: vec![], json: false, logs: None };
    let mut rest = std::env::args().skip(1);
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().with_context(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--minutes" => arguments.time = Some(Duration::from_secs_f64(60.0 * value()?.parse::<f64>()?)),
            "--seed" => arguments.seed = value()?.parse()?,
            "--row" => {
                let name = value()?;
                let row = ROWS.iter().find(|row| row.name == name).with_context(|| format!("no row is {name}"))?;
                arguments.rows.push(row);
            }
            "--help" | "-h" => {
                say(&usage());
                std::process::exit(0);
            }
            "--json" => arguments.json = true,
            "--logs" => arguments.logs = Some(value()?.into()),
            _ => bail!("{argument} is not known\n{}", usage()),
        }
    }
    if arguments.rows.is_empty() {
        arguments.rows = ROWS.iter().collect();
        arguments.time.get_or_insert(Duration::from_mins(20));
    }
    Ok(arguments)
}

fn usage() -> String {
    let rows = ROWS.iter().map(|row| format!("  {:<17} {}\n", row.name, row.fault));
    USAGE.to_owned() + &rows.collect::<String>()
}

fn run(arguments: &Arguments) -> Result<bool> {
    let environment = Environment::own()?;
    let shares: u32 = arguments.rows.iter().map(|row| row.share).sum();
    let time = arguments.time.unwrap_or(Duration::from_mins(1) * u32::try_from(arguments.rows.len())?);
    let mut reports = vec![];
    for row in &arguments.rows {
        say(&format!("== {}: {}", row.name, row.fault));
        let logs = arguments.logs.as_ref().map(|directory| directory.join(row.name));
        let time = time * row.share / shares.max(1);
        let report = Round { environment: &environment, seed: arguments.seed, time, logs }.run(row);
        reports.push(report.unwrap_or_else(|error| broken(row, &error)));
        say(&text(&reports[reports.len() - 1..], arguments.seed));
    }
    let table = match arguments.json {
        true => format!("{:#}\n", json(&reports, arguments.seed)),
        false => text(&reports, arguments.seed),
    };
    std::io::stdout().lock().write_all(table.as_bytes())?;
    Ok(reports.iter().all(Report::holds))
}

/// A row that could not be run to its end has proved nothing.
fn broken(row: &Row, error: &anyhow::Error) -> Report {
    let bound = warmer_tests::chaos::Bound { text: "runs to its end".to_owned(), holds: false };
    Report { row: row.name.to_owned(), bounds: vec![bound], notes: vec![format!("{error:#}")], ..Report::default() }
}
