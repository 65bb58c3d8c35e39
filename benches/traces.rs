//! What do traces cost a refresh in CPU, and how much of a job's time do they explain?
//!
//! Whole processes of a cold `warmer warm` of many small files with the toy model, each in a home of its own. The two
//! of a pair, with a collector and without, work at the same time: what disturbs one disturbs the other, and their
//! ratio scatters by 0.6 %, where that of one after the other scattered by 4 %. Who starts first changes with each
//! pair. The collector is in this process, which is not counted. What is bounded is not the mean of the ratios but what
//! that is below with 95 %: a few noisy pairs miss it.
//!
//! `cargo bench -p warmer-benches --bench traces [-- --files N --pairs N]`; where a bound is missed the exit code is 1.

use std::process::ExitCode;

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use warmer_benches::{Bounds, cpu_seconds_of, figure, mean, mean_at_most, median, wanted};
use warmer_tests::traces::{attempts, covered, ended};
use warmer_tests::{GIT, Need, Repo, Running, Traces, Warmed, Warmer};

/// 625 batches of a refresh.
const FILES: usize = 20_000;
/// A function or two.
const FILE_BYTES: usize = 300;
/// Fewer have no bound that is worth something.
const PAIRS: usize = 10;

fn main() -> ExitCode {
    if !wanted(&[GIT, Need::Runtime]) {
        return ExitCode::SUCCESS;
    }
    let (files, pairs) = (option("--files", FILES), option("--pairs", PAIRS).max(2));
    let repo = Repo::generated(files, FILE_BYTES, 1);
    // What is read for the first time is not in the pages of the kernel yet.
    begin(&repo, None).end();
    let (mut with, mut without, mut shares) = (vec![], vec![], vec![]);
    for pair in 0..pairs {
        let traces = Traces::receive();
        let mut both = [pair % 2 == 0, pair % 2 == 1].map(|traced| (traced, begin(&repo, traced.then_some(&traces))));
        // What disturbs one disturbs the other: both work at the same time.
        both.sort_unstable_by_key(|(traced, _)| *traced);
        let [cpu_without, cpu_with] = both.map(|(_, warm)| warm.end());
        with.push(cpu_with);
        without.push(cpu_without);
        shares.extend(explained(&traces));
    }
    let ratios: Vec<_> = with.iter().zip(&without).map(|(with, without)| with / without).collect();
    figure("files, pairs", format!("{files}, {pairs}"));
    let seconds = [with, without].map(|cpu| format!("{:.2}", median(cpu)));
    figure("CPU seconds with traces and without, median", seconds.join(", "));
    let each: Vec<_> = ratios.iter().map(|ratio| format!("{ratio:.3}")).collect();
    figure("CPU with traces, of that without, each pair", each.join(" "));
    figure("CPU with traces, of that without, mean", format!("{:.3}", mean(&ratios)));
    let mut bounds = Bounds::default();
    bounds.at_most("traces (upper 95 % bound of the mean)", mean_at_most(&ratios), 1.03);
    bounds.at_least(
        "time of an attempt within spans of batches and calls",
        shares.into_iter().fold(1.0, f64::min),
        0.95,
    );
    bounds.end()
}

/// A cold warm that works.
struct Warm {
    _warmer: Warmer,
    running: Running,
}

fn begin(repo: &Repo, traces: Option<&Traces>) -> Warm {
    let mut warmer = Warmer::toy();
    if let Some(traces) = traces {
        warmer.env("OTEL_EXPORTER_OTLP_ENDPOINT", traces.endpoint());
    }
    let mut command = warmer.command();
    let running = Running::start(command.args(["warm", "--quiet", "--json", &repo.url()]));
    Warm { _warmer: warmer, running }
}

impl Warm {
    /// CPU seconds of the whole process, with those that it started.
    fn end(self) -> f64 {
        let pid = self.running.pid();
        let process = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id");
        // It stays in the table of processes, with its times.
        waitid(WaitId::Pid(process), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).expect("it ends");
        let spent = cpu_seconds_of(pid);
        let warmed = Warmed::of(self.running.finish());
        assert_eq!(warmed.one().verdict(), "warmed", "{:?}", warmed.ran);
        spent
    }
}

/// The share of each attempt's time that its spans explain.
fn explained(traces: &Traces) -> Vec<f64> {
    let spans = traces.wait_until(|spans| !ended(spans, "warmed").is_empty() && !ended(spans, "filled").is_empty());
    attempts(&spans).iter().map(|attempt| covered(&spans, attempt)).collect()
}

/// How many, or the usual number.
///
/// # Panics
/// When it is none.
fn option(name: &str, usual: usize) -> usize {
    let mut arguments = std::env::args().skip_while(|argument| argument != name).skip(1);
    arguments.next().map_or(usual, |value| value.parse().unwrap_or_else(|_| panic!("{name} is no number: {value}")))
}
