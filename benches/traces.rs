//! What do traces cost a refresh in CPU, and how much of a job's time do they explain?
//!
//! Whole processes of a cold `warmer warm` of many small files with the toy model, each in a home of its own, with and
//! without a collector, in turn: who goes first changes with each pair. The collector is in this process, which is not
//! counted. What is bounded is not the mean of the ratios but what that is below with 95 %: a few noisy pairs miss it.
//!
//! `cargo bench -p warmer-benches --bench traces [-- --files N --pairs N]`; where a bound is missed the exit code is 1.

use std::process::ExitCode;

use warmer_benches::{Bounds, cpu_seconds, figure, mean, mean_at_most, median, wanted, warm};
use warmer_tests::traces::{attempts, covered, ended};
use warmer_tests::{GIT, Need, Repo, Traces, Warmer};

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
    refresh(&repo, None);
    let (mut with, mut without, mut shares) = (vec![], vec![], vec![]);
    for pair in 0..pairs {
        for traced in [pair % 2 == 0, pair % 2 == 1] {
            if traced {
                let traces = Traces::receive();
                with.push(refresh(&repo, Some(&traces)));
                shares.extend(explained(&traces));
            } else {
                without.push(refresh(&repo, None));
            }
        }
    }
    let ratios: Vec<_> = with.iter().zip(&without).map(|(with, without)| with / without).collect();
    figure("files, pairs", format!("{files}, {pairs}"));
    let seconds = [with, without].map(|cpu| format!("{:.2}", median(cpu)));
    figure("CPU seconds with traces and without, median", seconds.join(", "));
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

/// CPU seconds of a whole cold warm.
fn refresh(repo: &Repo, traces: Option<&Traces>) -> f64 {
    let mut warmer = Warmer::toy();
    if let Some(traces) = traces {
        warmer.env("OTEL_EXPORTER_OTLP_ENDPOINT", traces.endpoint());
    }
    let before = cpu_seconds().1;
    let (warmed, _) = warm(&warmer, &[repo.url()]);
    let spent = cpu_seconds().1 - before;
    assert_eq!(warmed.one().verdict(), "warmed", "{:?}", warmed.ran);
    spent
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
