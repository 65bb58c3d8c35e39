//! From a cold start until searches find a repository, against the whole warm.
//!
//! One `warmer warm` with the default model, by the moments at which it says so itself, its start included.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Instant;

use warmer_benches::{Bounds, figure};
use warmer_tests::needs::met;
use warmer_tests::{GIT, Need, Ran, Repo, Warmed, Warmer};

use crate::options::Options;

/// Two or three minutes on two cores.
const CHUNKS: usize = 8_000;
/// What a warm says on stderr of a repository that can be searched.
const SERVED: &str = "served after";

pub(crate) fn measure(options: &Options, bounds: &mut Bounds) {
    if !met(&[GIT, Need::Model, Need::Runtime]) {
        return;
    }
    let repo = generated(options.number("--chunks", CHUNKS), 1);
    let warmer = Warmer::real();
    let mut command = warmer.command();
    command.args(["warm", "--json", &repo.url()]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let began = Instant::now();
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let (mut served, mut stderr) = (None, String::new());
    for line in BufReader::new(child.stderr.take().expect("it is piped")).lines() {
        let line = line.expect("a warm writes text");
        if line.contains(SERVED) {
            served.get_or_insert_with(|| began.elapsed());
        }
        stderr += &format!("{line}\n");
    }
    let output = child.wait_with_output().expect("it ends");
    let whole = began.elapsed().as_secs_f64();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let warmed = Warmed::of(Ran { code: output.status.code(), stdout, stderr, ..Ran::default() });
    warmed.ran.exits(0);
    let (summary, served) = (warmed.one(), served.expect("it says when it is served").as_secs_f64());
    assert_eq!(summary.number("/coverage/missing"), 0, "all vectors are there: {:?}", warmed.ran);
    figure("chunks, texts embedded", format!("{}, {}", summary.chunks(), summary.embedded()));
    figure("served after, whole warm", format!("{served:.2} s, {whole:.1} s"));
    bounds.at_most("served", served / whole, 0.05);
}

/// A repository of about so many chunks.
pub(crate) fn generated(chunks: usize, seed: u64) -> Repo {
    // 8.8 chunks a file.
    Repo::generated(chunks.div_ceil(9), 3_000, seed)
}
