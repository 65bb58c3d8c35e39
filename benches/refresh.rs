//! What does a refresh cost when nothing changed, against `git ls-remote` of the same remote?
//!
//! Both are whole processes: the least that anybody can do is start, ask the remote for its refs, and end. Warmer reads
//! its configuration, the model's fingerprint and its database on top.

#![expect(clippy::disallowed_types, reason = "a benchmark starts and measures programs")]

use std::process::Command;

use criterion::Criterion;
use warmer_benches::{Pairs, criterion, figure, in_turn, milliseconds, ratio, timed, wanted, warm};
use warmer_tests::{GIT, Need, Repo, Server, Warmer};

/// The size is of no matter, as long as nothing changed.
const FILES: usize = 200;
const FILE_BYTES: usize = 1_000;

fn main() {
    if !wanted(&[GIT, Need::Runtime]) {
        return;
    }
    let mut criterion = criterion();
    let repo = Repo::generated(FILES, FILE_BYTES, 1);
    let server = Server::serve(repo.path());
    let mut warmer = Warmer::toy();
    warmer.set("git.protocols", r#"["file", "http"]"#);
    let mut version = warmer.command();
    version.arg("--version");
    let (_, version) = timed(version);
    figure("the start of the process alone", milliseconds(version.as_secs_f64()));
    for (name, url) in [("refresh_file", repo.url()), ("refresh_http", server.url())] {
        let pairs = compare(&mut criterion, name, &warmer, url);
        let (refresh, ls_remote) = pairs.medians();
        figure("refresh, ls-remote", format!("{}, {}", milliseconds(refresh), milliseconds(ls_remote)));
        ratio(name, pairs.ratio(), "<= 3");
    }
    criterion.final_summary();
}

fn compare(criterion: &mut Criterion, name: &str, warmer: &Warmer, url: String) -> Pairs {
    let urls = [url];
    warm(warmer, &urls);
    let refresh = || {
        let (warmed, took) = warm(warmer, &urls);
        assert_eq!(warmed.one().verdict(), "fresh");
        took
    };
    let ls_remote = || {
        let mut command = Command::new("git");
        command.args(["ls-remote", &urls[0], "HEAD"]);
        timed(command).1
    };
    let mut group = criterion.benchmark_group(name);
    in_turn(&mut group, ("warmer warm", refresh), ("git ls-remote", ls_remote))
}
