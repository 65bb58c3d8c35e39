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
///
/// It is started as from a terminal: without what `cargo run` tells this program about its own package. The build
/// script of ring asks for those variables, and cargo would compile ring and all that stands on it anew, 80 s of CPU,
/// each time that they differ from those of the build before.
pub fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let names = std::env::vars_os().map(|(name, _)| name);
    for name in names.filter(|name| name.to_str().is_some_and(is_of_a_package)) {
        cargo.env_remove(name);
    }
    cargo
}

/// Whether a variable is one of those by which cargo tells a program about its package.
fn is_of_a_package(variable: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|prefix| variable.starts_with(prefix))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cargo_that_is_started_here_is_told_of_no_package() {
        // Tests are started by cargo, too.
        assert!(std::env::var_os("CARGO_PKG_NAME").is_some(), "there is something to leave out");
        let cargo = cargo();
        let taken: Vec<_> = cargo.get_envs().filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect();
        for name in ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "CARGO_PKG_VERSION_MAJOR", "CARGO_PKG_VERSION_PRE"] {
            assert!(taken.iter().any(|left_out| *left_out == name), "{name} is not in {taken:?}");
        }
    }
}
