//! What does each further session of a model cost in memory, and what does sharing the weights save? Is a call of
//! several texts any faster?
//!
//! Each row is a process of its own, for memory that was used once is not given back: the anonymous memory when so many
//! sessions are open and have embedded a text of the greatest length each, less what it was before.

#![expect(clippy::disallowed_types, reason = "a benchmark starts and measures programs")]

use std::process::{Command, id};
use std::sync::Arc;
use std::time::Instant;

use tokio_util::sync::CancellationToken;
use warmer_benches::{MIB, anonymous, cpu_seconds, figure, median, milliseconds, ratio, wanted};
use warmer_embedding::{Local, Model, ModelFiles, Provider as _, Terminator};
use warmer_tests::Need;
use warmer_tests::model::{real_model, runtime_library};

const SESSIONS: [usize; 4] = [1, 2, 4, 8];
/// Runs of each session that are timed.
const RUNS: usize = 20;
/// Texts, and rounds of them, that show what a call costs.
const TEXTS: usize = 64;
const ROUNDS: usize = 5;
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
    ratio("calls_of_8_texts", calls(), ">= 0.97");
}

/// How long texts take that the provider is given one by one, against eight a call; each round is both in turn.
fn calls() -> f64 {
    let tokio = tokio::runtime::Runtime::new().expect("a runtime can be started");
    let local = Local::new(Arc::new(model()));
    let texts: Vec<_> = (0..TEXTS).map(|n| format!("let answer_{n} = forty_two(); ").repeat(20)).collect();
    let took = |many: usize| {
        let began = Instant::now();
        for group in texts.chunks(many) {
            let made = tokio.block_on(local.embed(group.to_vec(), CancellationToken::new()));
            assert!(made.iter().all(Result::is_ok), "{made:?}");
        }
        began.elapsed().as_secs_f64()
    };
    took(TEXTS);
    let (alone, grouped): (Vec<_>, Vec<_>) = (0..ROUNDS).map(|_| (took(1), took(8))).unzip();
    let (alone, grouped) = (median(alone), median(grouped));
    let each = |seconds: f64| milliseconds(seconds / TEXTS as f64);
    figure("a text, in calls of 1 and of 8", format!("{}, {}", each(alone), each(grouped)));
    alone / grouped
}

fn model() -> Model {
    let files = ModelFiles::locate(&real_model(), None).expect("the model is there");
    let fingerprint = files.fingerprint().expect("the model is whole");
    Model::new(files, fingerprint, runtime_library(), 1)
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
    let model = model();
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
