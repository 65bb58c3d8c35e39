//! `cargo xtask warm`: the first command. Set-up, release build, then `warmer warm` in place of this process.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::setup;
use crate::workspace;

/// Replaces this process by `warmer warm ARGUMENTS`, by default on the directory it stands in; returns only on an
/// error.
pub fn warm(arguments: &[OsString]) -> Result<()> {
    setup::setup()?;
    let program = build()?;
    let mut command = Command::new(&program);
    command.arg("warm");
    if arguments.is_empty() {
        command.arg(".");
    }
    Err(command.args(arguments).exec()).with_context(|| format!("cannot start {}", program.display()))
}

/// What cargo says about each thing it built; `executable` is there for programs.
#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
}

/// Builds the program with cargo's progress on the terminal, and asks cargo where it is (the target directory can be
/// set anywhere). Not `cargo run`: that would print the arguments, which may hold a password by mistake.
fn build() -> Result<PathBuf> {
    let mut command = workspace::cargo();
    command.args(["build", "--release", "--package", "warmer", "--bin", "warmer"]);
    command.arg("--message-format=json-render-diagnostics").current_dir(workspace::root());
    let mut cargo = command.stdout(Stdio::piped()).spawn().context("cargo cannot be started")?;
    let output = cargo.stdout.take().context("cargo has no output")?;
    let lines = BufReader::new(output).lines().map_while(Result::ok);
    let messages = lines.filter_map(|line| serde_json::from_str::<Message>(&line).ok());
    let program = messages.filter_map(|message| message.executable).last();
    ensure!(cargo.wait()?.success(), "warmer does not build: see above");
    program.context("cargo built no program")
}
