//! `cargo xtask bench`: set-up, then one benchmark, in the profile of what users get.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;

use anyhow::{Context as _, Result, bail};

use crate::paths;
use crate::workspace;

/// Replaces this process by `cargo bench` of the benchmark that the first argument names; returns only on an error.
pub fn run(arguments: &[OsString]) -> Result<()> {
    let Some((name, rest)) = arguments.split_first() else {
        bail!("which benchmark? benches/lib.rs has a table of them: `cargo xtask bench NAME [OPTION]...`");
    };
    warmer_setup::setup(&paths::cache())?;
    let mut command = workspace::cargo();
    command.args(["bench", "--quiet", "--package", "warmer-benches", "--bench"]).arg(name).arg("--").args(rest);
    Err(command.current_dir(workspace::root()).exec()).context("cargo cannot be started")
}
