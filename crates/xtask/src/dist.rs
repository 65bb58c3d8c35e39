//! `cargo xtask dist`: builds what makes the archive, hands over to it.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::console::say;
use crate::workspace;

/// The package and its program.
const PROGRAM: &str = "warmer-dist";

/// Runs it with these arguments; its exit code.
pub fn run(arguments: &[OsString]) -> ExitCode {
    match made(arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn made(arguments: &[OsString]) -> Result<u8> {
    let program = workspace::built(workspace::cargo().args(["build", "--package", PROGRAM, "--bin", PROGRAM]))?;
    let ended = Command::new(&program).args(arguments).status();
    let ended = ended.with_context(|| format!("{} does not start", program.display()))?;
    Ok(ended.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
