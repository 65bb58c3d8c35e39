//! Speed and memory: one file for each question, and here what they share.
//!
//! | benchmark | question |
//! |---|---|
//! | `efficiency` | how much of the model's own speed does a cold warm reach? |
//! | `refresh` | what does a refresh cost when nothing changed, against `git ls-remote`? |
//! | `gitwork` | what does it cost to do git's work in another process, and how much memory at most? |
//! | `change` | what does one changed file cost in a large repository, against a small one? |
//! | `memory` | does memory grow with the repository? |
//! | `sessions` | what does each further session of a model cost in memory, and what does sharing save? |
//! | `reading` | what does reading a file cost, against cutting it into chunks; how many tokens are these? |
//! | `search` | how long does a search of 100,000 chunks take, warm and as a process, and what does its index cost? |
//! | `queue` | what does the queue in PostgreSQL do in a second, how soon does a job start, what does waiting cost? |
//! | `retrieval` | do searches find what is asked? |
//! | `traces` | what do traces cost a refresh in CPU, and how much of a job's time do they explain? |
//! | `tiers` | how soon is a repository served, what does a push wait for, what do instances share? |
//!
//! Both sides of a ratio are measured in turn, in one run: what else the machine does then hits both. Each prints a
//! line `ratio NAME VALUE (bound BOUND)`, and the figures that it is made of. Time never fails a benchmark; a warm that
//! goes wrong does; of `refresh`, `tiers` and `traces` a bound that is missed.

#![expect(clippy::disallowed_types, reason = "a benchmark starts and measures programs")]

mod anonymous;
mod bounds;
mod mean;
pub mod retrieval;

use std::fmt::Display;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub use anonymous::{Watch, anonymous};
pub use bounds::Bounds;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, measurement::WallTime};
pub use mean::{mean, mean_at_most};
use warmer_tests::needs::{Need, met};
use warmer_tests::{Ran, Summary, Warmed, Warmer};

/// Bytes of a mebibyte.
pub const MIB: f64 = 1024.0 * 1024.0;

/// The stages, in the order of the data.
pub const STAGES: [&str; 5] = ["fetcher", "hasher", "filler", "embedder", "storer"];

/// Whether to measure: `cargo bench` asks for it (`cargo test --benches` does not), and what is needed is there.
#[must_use]
pub fn wanted(needs: &[Need]) -> bool {
    std::env::args().any(|argument| argument == "--bench") && met(needs)
}

/// Criterion for things that take milliseconds because they are whole processes: few samples, no plots.
#[must_use]
pub fn criterion() -> Criterion {
    Criterion::default().without_plots().configure_from_args().sample_size(20)
}

/// Two things in turn, A, B, A, B; Criterion reports each. Both give the time they took, so that what prepares them
/// is not measured.
pub fn in_turn(
    group: &mut BenchmarkGroup<'_, WallTime>,
    (one, mut first): (&str, impl FnMut() -> Duration),
    (other, mut second): (&str, impl FnMut() -> Duration),
) -> Pairs {
    let mut pairs = Pairs::default();
    let mut turn = || {
        let pair = (first(), second());
        pairs.0.push(pair);
        pair
    };
    group.sampling_mode(SamplingMode::Flat);
    group.bench_function(one, |bencher| bencher.iter_custom(|times| (0..times).map(|_| turn().0).sum()));
    group.bench_function(other, |bencher| bencher.iter_custom(|times| (0..times).map(|_| turn().1).sum()));
    pairs
}

/// The times of two things that were measured in turn.
#[derive(Clone, Debug, Default)]
pub struct Pairs(pub Vec<(Duration, Duration)>);

impl Pairs {
    /// The medians of both, in seconds.
    #[must_use]
    pub fn medians(&self) -> (f64, f64) {
        let (one, other): (Vec<_>, Vec<_>) = self.0.iter().map(|(a, b)| (a.as_secs_f64(), b.as_secs_f64())).unzip();
        (median(one), median(other))
    }

    /// The median of what each first took, compared with the second beside it.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        median(self.0.iter().map(|(a, b)| a.as_secs_f64() / b.as_secs_f64()).collect())
    }
}

/// The middle one; the lower of two.
///
/// # Panics
/// When there are none.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() - 1) / 2]
}

/// How long a command takes, from its start to its end.
///
/// # Panics
/// When it does not start, or fails.
pub fn timed(mut command: Command) -> (Ran, Duration) {
    let began = Instant::now();
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let took = began.elapsed();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    let ran = Ran { code: output.status.code(), stdout, stderr, ..Ran::default() };
    ran.exits(0);
    (ran, took)
}

/// `warmer warm --json`, and how long it took, the start of the process included.
pub fn warm(warmer: &Warmer, urls: &[String]) -> (Warmed, Duration) {
    let mut command = warmer.command();
    command.args(["warm", "--quiet", "--json"]).args(urls);
    let (ran, took) = timed(command);
    (Warmed::of(ran), took)
}

/// The same for anonymous memory at its peak, in bytes, whatever becomes of the warm.
///
/// # Panics
/// When it does not start.
#[must_use]
pub fn peak(warmer: &Warmer, targets: &[String]) -> (Warmed, f64) {
    let mut command = warmer.command();
    command.args(["warm", "--quiet", "--json"]).args(targets).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let watched = Watch::of(child.id());
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    let ran = Ran { code: output.status.code(), stdout, stderr, ..Ran::default() };
    (Warmed::of(ran), watched.end() as f64)
}

/// CPU seconds that this process has used so far, and those of the processes it has started and seen the end of.
///
/// # Panics
/// Where there is no Linux to ask.
#[must_use]
pub fn cpu_seconds() -> (f64, f64) {
    ticks("self").expect("Linux tells")
}

/// CPU seconds that a process has used so far, with all that it started.
#[must_use]
pub fn cpu_seconds_of(process: u32) -> f64 {
    // One that ended meanwhile is counted by who started it.
    let (own, ended) = ticks(&process.to_string()).unwrap_or_default();
    own + ended + anonymous::children(process).into_iter().map(cpu_seconds_of).sum::<f64>()
}

/// Seconds of a process, and of those of its children that ended.
fn ticks(process: &str) -> Option<(f64, f64)> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ").expect("the program's name is in parentheses");
    let ticks: Vec<f64> = fields.split(' ').skip(11).take(4).map(|field| field.parse().expect("a number")).collect();
    // Linux counts these in hundredths of a second, on every machine.
    Some(((ticks[0] + ticks[1]) / 100.0, (ticks[2] + ticks[3]) / 100.0))
}

/// A stage's working time, summed over its workers.
#[must_use]
pub fn work_seconds(summary: Summary<'_>, stage: &str) -> f64 {
    summary.0["stages"][stage]["work_seconds"].as_f64().expect("a number of seconds")
}

/// Seconds as people read them where they are few.
#[must_use]
pub fn milliseconds(seconds: f64) -> String {
    format!("{:.1} ms", seconds * 1e3)
}

/// Prints a ratio beside what it should be.
pub fn ratio(name: &str, value: f64, bound: &str) {
    say(format_args!("ratio {name} {value:.2} (bound {bound})"));
}

/// Prints a figure behind a ratio.
pub fn figure(name: &str, value: impl Display) {
    say(format_args!("  {name:<56} {value}"));
}

fn say(line: impl Display) {
    writeln!(std::io::stdout().lock(), "{line}").expect("stdout is open");
}
