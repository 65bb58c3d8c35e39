//! The workspace that this program belongs to, and the cargo that builds it.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

/// The workspace's root directory.
pub fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).expect("this package lies two directories below the root")
}

/// The cargo that started this program, else the one in PATH.
pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// What cargo says about each thing it built; `executable` is there for programs.
#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
}

/// The program that this `cargo build` makes, with cargo's progress on the terminal. Cargo is asked where it is: the
/// target directory can be set anywhere.
///
/// # Errors
/// When it does not build.
pub fn built(cargo: &mut Command) -> Result<PathBuf> {
    cargo.arg("--message-format=json-render-diagnostics").current_dir(root()).stdout(Stdio::piped());
    let mut cargo = cargo.spawn().context("cargo cannot be started")?;
    let output = cargo.stdout.take().context("cargo has no output")?;
    let lines = BufReader::new(output).lines().map_while(Result::ok);
    let messages = lines.filter_map(|line| serde_json::from_str::<Message>(&line).ok());
    let program = messages.filter_map(|message| message.executable).last();
    ensure!(cargo.wait()?.success(), "warmer does not build: see above");
    program.context("cargo built no program")
}
