//! A program that reads a file and says whether it is right.

use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::check::counts::Counts;
use crate::check::step::timed;
use crate::console::say;

/// One check under its heading.
pub(super) fn counted(name: &str, command: &str, work: impl FnOnce() -> Result<()>) -> Counts {
    timed(name, command, || match work() {
        Ok(()) => Counts::passed(),
        Err(error) => {
            say(&format!("{error:#}"));
            Counts::failed()
        }
    })
}

/// What a program said, and whether it found its input right.
pub(super) struct Verdict {
    pub(super) good: bool,
    /// Its stdout.
    pub(super) printed: String,
    /// Its stdout and stderr.
    pub(super) said: String,
}

/// Runs a program to its end, with `input` as its stdin.
pub(super) fn ask(command: &mut Command, input: &str) -> Result<Verdict> {
    let shown = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("{shown} cannot be started"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that ends before it has read everything says why.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().with_context(|| format!("{shown} cannot be waited for"))?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = format!("{printed}{}", String::from_utf8_lossy(&output.stderr));
    Ok(Verdict { good: output.status.success(), printed, said })
}
