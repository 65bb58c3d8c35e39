//! What does each further session of a model cost in memory, and what does sharing the weights save?
//!
//! Each row is a process of its own, for memory that was used once is not given back: the anonymous memory when so many sessions
//! are open and have embedded a text of the greatest length each, less what it was before.

use std::process::{Command, id};
use std::time::Instant;

use warmer_benches::{MIB, anonymous, cpu_seconds, figure, ratio, wanted};
use warmer_embedding::{Model, ModelFiles, Terminator};
use warmer_tests::Need;
use warmer_tests::model::{real_model, runtime_library};

const SESSIONS: [usize; 4] = [1, 2, 4, 8];
/// Runs of each session that are timed.
const RUNS: usize = 20;
/// What tells a child that it is one; its number of sessions follows, and whether they share.
const CHILD: &str = "--child";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, flag, sessions, how] = &arguments[..]
        && flag == CHILD
    {
        return child(sessions.parse().expect("a number"), how);
    }
    if !wanted(&[Need::Model, Need::Runtime]) {
        return;
    }
    let mut saved = 1.0;
    for sessions in SESSIONS {
        let [alone, shared] = ["alone", "shared"].map(|how| measured(sessions, how));
        figure(&format!("{sessions} sessions, each for itself"), &alone.1);
        figure(&format!("{sessions} sessions, sharing"), &shared.1);
        saved = shared.0 / alone.0;
    }
    ratio("sessions_8_shared", saved, "<= 0.5");
}

/// Mebibytes, and a line for people.
fn measured(sessions: usize, how: &str) -> (f64, String) {
    let program = std::env::current_exe().expect("this program has a path");
    let output = Command::new(program).args([CHILD, &sessions.to_string(), how]).output().expect("it starts");
    let line = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let mebibytes = line.split(' ').next().and_then(|number| number.parse().ok());
    (mebibytes.unwrap_or_else(|| panic!("{output:?}")), line)
}

#[expect(clippy::print_stdout, reason = "the parent reads it")]
fn child(sessions: usize, how: &str) {
    let files = ModelFiles::locate(&real_model(), None).expect("the model is there");
    let fingerprint = files.fingerprint().expect("the model is whole");
    let model = Model::new(files, fingerprint, runtime_library(), 1);
    let model = if how == "shared" { model.for_sessions(sessions) } else { model };
    model.tokenizer().expect("the tokenizer is whole");
    let before = anonymous(id());
    let began = Instant::now();
    let mut open: Vec<_> = (0..sessions).map(|_| model.open().expect("model and runtime are whole")).collect();
    let opened = began.elapsed().as_secs_f64() / sessions as f64;
    let text = "let answer = forty_two(); ".repeat(50);
    let cpu = cpu_seconds().0;
    for session in &mut open {
        for _ in 0..RUNS {
            session.embed(&text, &Terminator::default()).expect("a text");
        }
    }
    let run = (cpu_seconds().0 - cpu) / (RUNS * sessions) as f64;
    let after = anonymous(id());
    let mebibytes = (after - before) as f64 / MIB;
    println!("{mebibytes:.0} MiB, {:.0} ms to open one, {:.1} ms a text", opened * 1e3, run * 1e3);
}
