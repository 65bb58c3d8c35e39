//! `cargo xtask chaos`: builds the suite, hands over to it.
//!
//! In the dev profile: what it measures is waiting, for locks, leases and heartbeats, not work.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, ensure};

use crate::console::say;
use crate::workspace;

/// The suite's program, a neighbour of this one.
const PROGRAM: &str = "warmer-chaos";

/// Runs the suite with these arguments; its exit code.
pub fn run(arguments: &[OsString]) -> ExitCode {
    match suite(arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn suite(arguments: &[OsString]) -> Result<u8> {
    // All packages are named so that what they share is compiled once, with the features of `cargo xtask test`.
    let built = workspace::cargo()
        .args(["build", "--workspace", "--bin", PROGRAM])
        .current_dir(workspace::root())
        .status()
        .context("cargo does not start")?;
    ensure!(built.success(), "the chaos suite does not compile");
    let this = std::env::current_exe().context("this program has no path")?;
    let program = this.with_file_name(PROGRAM);
    let ended = Command::new(&program)
        .args(arguments)
        .status()
        .with_context(|| format!("{} does not start", program.display()))?;
    Ok(ended.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
