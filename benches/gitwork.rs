//! What does it cost that git's work is done by another process, and what memory does it take when a repository means
//! ill?
//!
//! Checks in this process, and by a worker process that is told requests, in turn: the CPU of all processes together.
//! The first check of a worker, its start included, beside one in this process: what a one-shot `warm` pays at most,
//! for there it runs beside the opening of the database. And the peak of anonymous memory, worker included, of warms of
//! repositories that are made to take much.

#![expect(clippy::disallowed_types, reason = "a benchmark starts and measures programs")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use tempfile::TempDir;
use warmer_benches::{MIB, cpu_seconds, figure, median, milliseconds, ratio, wanted};
use warmer_git::{Mirrors, Options, Remote, Request, Response};
use warmer_supervision::frame;
use warmer_tests::{GIT, Need, Repo, Warmer};

/// Rounds, of which the median counts, and checks in each.
const ROUNDS: usize = 11;
const CHECKS: usize = 40;
/// Levels of directories, each with an attribute file of about a mebibyte.
const LEVELS: usize = 20;
/// Entries of each tree of the bomb, and its levels: some hundred million files in a few kilobytes.
const ENTRIES: usize = 40;
const DEPTH: usize = 5;
/// A process, and one job in flight: ARCHITECTURE.md, "Operating it".
const BOUND_MIB: f64 = 768.0;

fn main() {
    if !wanted(&[GIT, Need::Runtime]) {
        return;
    }
    let (warmer, repo) = (Warmer::toy(), Repo::generated(200, 1_000, 1));
    checks(&warmer, &repo);
    let hostile = [
        ("20 levels of large attribute files", attributes()),
        ("a bomb of trees", bomb()),
        ("a file of 400 MiB of zeros", zeros()),
    ];
    for (name, repo) in hostile {
        let bytes = peak(name, repo.path());
        ratio("memory_hostile", bytes / (BOUND_MIB * MIB), "<= 1");
    }
}

fn checks(warmer: &Warmer, repo: &Repo) {
    let folder = TempDir::new().expect("a directory");
    let remote = Remote::parse(&repo.url(), folder.path()).expect("a repository");
    let mirrors = Mirrors::new(folder.path().to_owned(), u64::MAX, Options::default());
    let here = || drop(mirrors.tip(&remote, None, &AtomicBool::new(false)).expect("it answers"));
    let (mut cpu, mut first) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        let began = Instant::now();
        here();
        let alone = began.elapsed();
        let before = used();
        (0..CHECKS).for_each(|_| here());
        let in_process = used() - before;
        let (began, before) = (Instant::now(), used());
        let mut worker = Worker::start(warmer);
        worker.ask(&remote);
        first.push((began.elapsed().saturating_sub(alone)).as_secs_f64());
        worker.end();
        let start = used() - before;
        let before = used();
        let mut worker = Worker::start(warmer);
        (0..CHECKS).for_each(|_| worker.ask(&remote));
        worker.end();
        // A daemon starts it once.
        let by_worker = used() - before - start * (1.0 - 1.0 / CHECKS as f64);
        cpu.push(by_worker / in_process);
    }
    figure("the first check of a worker, more than one in process", milliseconds(median(first.clone())));
    ratio("gitwork_first_check", median(first) / 0.010, "<= 1, of 10 ms");
    ratio("gitwork_check_cpu", median(cpu), "<= 1.2");
}

/// CPU seconds of this process and of those that it has seen the end of.
fn used() -> f64 {
    let (own, children) = cpu_seconds();
    own + children
}

struct Worker {
    child: Child,
    to: ChildStdin,
    from: ChildStdout,
}

impl Worker {
    fn start(warmer: &Warmer) -> Self {
        let mut command = warmer.command();
        command.args(["git-worker", "1000000000"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let (to, from) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        Self { child, to, from }
    }

    fn ask(&mut self, remote: &Remote) {
        let request = Request::ask(remote, None, Options::default()).to_bytes().expect("a message");
        frame::write(&mut self.to, &request).expect("it reads");
        let answer = frame::read(&mut self.from).expect("a pipe").expect("it answers");
        assert!(matches!(Response::from_bytes(&answer), Ok(Response::Tip(Ok(_)))));
    }

    fn end(self) {
        let Self { mut child, to, .. } = self;
        drop(to);
        child.wait().expect("it ends with its stdin");
    }
}

/// Anonymous memory of a warm at its peak, in bytes, whatever became of the warm.
fn peak(name: &str, path: &Path) -> f64 {
    let warmer = Warmer::toy();
    let began = Instant::now();
    let (warmed, bytes) = warmer_benches::peak(&warmer, &[path.display().to_string()]);
    let verdict = warmed.json["repositories"][0]["verdict"].as_str().unwrap_or_default();
    figure(name, format!("{verdict}, {:.0} MiB, {:.1} s", bytes / MIB, began.elapsed().as_secs_f64()));
    bytes
}

fn attributes() -> Repo {
    let mut text = String::new();
    while text.len() < (1 << 20) - 64 {
        let number = text.len();
        writeln!(text, "{number}.x linguist-generated").expect("a text");
    }
    let mut repo = Repo::new();
    for level in 0..LEVELS {
        repo.write(format!("{}.gitattributes", "a/".repeat(level)), &text);
    }
    repo.write(format!("{}a.rs", "a/".repeat(LEVELS)), "fn a() {}\n").commit("one");
    repo
}

fn zeros() -> Repo {
    let mut repo = Repo::new();
    repo.write("zeros.bin", vec![0; 400 << 20]).commit("one");
    repo
}

fn bomb() -> Repo {
    let mut repo = Repo::new();
    repo.write("a", "a\n").commit("one");
    let mut below = ("100644 blob", repo.git(["rev-parse", "HEAD:a"]).trim().to_owned());
    for _ in 0..DEPTH {
        let lines: String = (0..ENTRIES).map(|number| format!("{} {}\t{number}\n", below.0, below.1)).collect();
        below = ("040000 tree", mktree(repo.path(), &lines));
    }
    let commit = repo.git(["commit-tree", "-m", "bomb", &below.1]);
    repo.git(["update-ref", "HEAD", commit.trim()]);
    repo
}

fn mktree(path: &Path, lines: &str) -> String {
    let mut command = Command::new("git");
    command.arg("-C").arg(path).arg("mktree").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("git");
    child.stdin.take().expect("it is piped").write_all(lines.as_bytes()).expect("git reads it");
    let output = child.wait_with_output().expect("git ends");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
