//! Refresh and fill as two kinds of work: how soon is a repository served, what does a push wait for while vectors are
//! made, what do several instances make of one work, and what does it cost?
//!
//! | question | ratio |
//! |---|---|
//! | `served` | from a cold start until searches find a repository, against the whole warm |
//! | `push` | from a push until it is served, and to its vectors, while a cold fill of another or the same one runs |
//! | `forks` | embeddings for each text where two instances fill two cold forks at once |
//! | `scale` | one repository filled by 1, 2 and 4 instances with an embedder of fixed latency |
//! | `before` | tokens/s of a whole cold warm, against another binary |
//! | `switch` | what 1,000 repositories read that get another model (counts, not time) |
//! | `check` | CPU of a check that finds nothing, over 1,000 repositories in the daemon, against another binary |
//! | `memory` | memory of a fill of a million texts, against 10,000 |
//!
//! `cargo bench -p warmer-benches --bench tiers [QUESTION...] [--OPTION VALUE...]`; all questions where none is named.
//! `before` and `check` need `--against BINARY`. Where a bound is missed the exit code is 1.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "a benchmark starts and measures programs")]

mod before;
mod check;
mod forks;
mod instance;
mod memory;
mod options;
mod process;
mod push;
mod rows;
mod scale;
mod served;
mod switch;

use std::io::Write as _;
use std::process::ExitCode;

use warmer_benches::{Bounds, wanted};

use options::Options;

/// A question, and what answers it.
type Question = (&'static str, fn(&Options, &mut Bounds));

const QUESTIONS: [Question; 8] = [
    ("served", served::measure),
    ("push", push::measure),
    ("forks", forks::measure),
    ("scale", scale::measure),
    ("before", before::measure),
    ("switch", switch::measure),
    ("check", check::measure),
    ("memory", memory::measure),
];

fn main() -> ExitCode {
    if memory::is_child() {
        return ExitCode::SUCCESS;
    }
    if !wanted(&[]) {
        return ExitCode::SUCCESS;
    }
    let options = match Options::parse(&QUESTIONS.map(|(name, _)| name)) {
        Ok(options) => options,
        Err(mistake) => {
            // A closed terminal is no reason to stop.
            let _ = writeln!(std::io::stderr().lock(), "error: {mistake}");
            return ExitCode::from(2);
        }
    };
    let mut bounds = Bounds::default();
    for (name, measure) in QUESTIONS {
        if options.asks(name) {
            measure(&options, &mut bounds);
        }
    }
    bounds.end()
}
