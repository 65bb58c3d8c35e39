//! What does a refresh cost when nothing changed, against `git ls-remote` of the same remote?
//!
//! Both are whole processes: the least that anybody can do is start, ask the remote for its refs, and end. Warmer reads
//! its configuration, the model's fingerprint and its database on top, and asks from a process of its own. A file is
//! asked within 4 ms, which those two starts alone are more than twice of: only a remote over a network has a bound.

#![expect(clippy::disallowed_types, reason = "a benchmark starts and measures programs")]

use std::process::{Command, ExitCode};

use criterion::Criterion;
use warmer_benches::{Bounds, Pairs, criterion, figure, in_turn, milliseconds, timed, wanted, warm};
use warmer_tests::{GIT, Need, Repo, Server, Warmer};

/// The size is of no matter, as long as nothing changed.
const FILES: usize = 200;
const FILE_BYTES: usize = 1_000;

fn main() -> ExitCode {
    if !wanted(&[GIT, Need::Runtime]) {
        return ExitCode::SUCCESS;
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
    let mut bounds = Bounds::default();
    for (name, url) in [("refresh_file", repo.url()), ("refresh_http", server.url())] {
        let pairs = compare(&mut criterion, name, &warmer, url);
        let (refresh, ls_remote) = pairs.medians();
        figure("refresh, ls-remote", format!("{}, {}", milliseconds(refresh), milliseconds(ls_remote)));
        if name == "refresh_http" {
            bounds.at_most(name, pairs.ratio(), 2.0);
        } else {
            let starts = (2.0 * version.as_secs_f64() + ls_remote) / ls_remote;
            figure(
                "refresh of a file, of ls-remote; the same of two starts and ls-remote",
                format!("{:.1}, {starts:.1}", pairs.ratio()),
            );
        }
    }
    criterion.final_summary();
    bounds.end()
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
