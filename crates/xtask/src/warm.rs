//! `cargo xtask warm`: the first command. Set-up, release build, then `warmer warm` in place of this process.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::paths;
use crate::workspace;

/// Replaces this process by `warmer warm ARGUMENTS`, by default on the directory it stands in; returns only on an
/// error.
pub fn warm(arguments: &[OsString]) -> Result<()> {
    warmer_setup::setup(&paths::cache())?;
    let program = build()?;
    let mut command = Command::new(&program);
    command.arg("warm");
    if arguments.is_empty() {
        command.arg(".");
    }
    Err(command.args(arguments).exec()).with_context(|| format!("cannot start {}", program.display()))
}

/// Builds the program. Not `cargo run`: that would print the arguments, which may hold a password by mistake.
fn build() -> Result<PathBuf> {
    let mut command = workspace::cargo();
    command.args(["build", "--release", "--package", "warmer", "--bin", "warmer"]);
    workspace::built(&mut command)
}
