//! Tokens per second of a whole cold warm, against another binary: that of the commit before, say.
//!
//! In turn, with the default model and everything else as it is by default; tokens are those that each says itself.

use std::path::Path;

use warmer_benches::{Bounds, figure, median, warm};
use warmer_tests::needs::met;
use warmer_tests::{GIT, Need, Repo, Warmer};

use crate::options::Options;
use crate::served::generated;

/// Half a minute on two cores.
const CHUNKS: usize = 1_500;
const ROUNDS: usize = 3;

pub(crate) fn measure(options: &Options, bounds: &mut Bounds) {
    if !met(&[GIT, Need::Model, Need::Runtime]) {
        return;
    }
    let Some(other) = options.against("before") else { return };
    let repo = generated(options.number("--chunks", CHUNKS), 1);
    let rounds: Vec<_> =
        (0..options.number("--rounds", ROUNDS)).map(|_| (speed(&repo, None), speed(&repo, Some(&other)))).collect();
    let of = |speeds: Vec<f64>| format!("{:.0} tokens/s", median(speeds));
    figure("whole cold warm", of(rounds.iter().map(|(ours, _)| *ours).collect()));
    figure(&other.display().to_string(), of(rounds.iter().map(|(_, theirs)| *theirs).collect()));
    bounds.at_least("before", median(rounds.iter().map(|(ours, theirs)| ours / theirs).collect()), 0.97);
}

/// Tokens per second.
fn speed(repo: &Repo, program: Option<&Path>) -> f64 {
    let mut warmer = Warmer::real();
    if let Some(program) = program {
        warmer = warmer.with_program(program.to_owned());
    }
    let (warmed, took) = warm(&warmer, &[repo.url()]);
    let summary = warmed.one();
    assert_eq!(summary.verdict(), "warmed", "{:?}", warmed.ran);
    let tokens = summary.number("/tokens");
    figure("texts, tokens, seconds", format!("{}, {tokens}, {:.1}", summary.embedded(), took.as_secs_f64()));
    tokens as f64 / took.as_secs_f64()
}
