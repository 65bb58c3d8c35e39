//! The program in a form that does not tell where it was built.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use xtask::workspace;

/// Builds the program in release mode, below `target`, with the versions of the lock file.
///
/// # Errors
/// When it does not build.
pub(crate) fn build(target: &Path) -> Result<PathBuf> {
    let mut cargo = workspace::cargo();
    cargo
        .args(["build", "--release", "--locked", "--package", "warmer", "--bin", "warmer", "--target-dir"])
        .arg(target);
    let map = Prefixes::of_this_machine(target)?;
    cargo.env("CARGO_ENCODED_RUSTFLAGS", map.rust()).env("CFLAGS", map.c()).env_remove("RUSTFLAGS");
    workspace::built(&mut cargo)
}

/// The system that programs are built for here, as Rust names it.
///
/// # Errors
/// When rustc does not say.
pub(crate) fn target() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("rustc cannot be started")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not say what it compiles for")?.to_owned())
}

/// The directories of this machine whose names would be in panics and assertions, and what stands there instead.
struct Prefixes(Vec<(PathBuf, &'static str)>);

impl Prefixes {
    fn of_this_machine(target: &Path) -> Result<Self> {
        let named = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        let home = named.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
        let home = home.context("neither CARGO_HOME nor HOME says where cargo keeps the sources")?;
        // Of two that fit, rustc takes the last.
        Ok(Self(vec![(workspace::root().to_owned(), "/warmer"), (target.to_owned(), "/target"), (home, "/cargo")]))
    }

    fn rust(&self) -> String {
        let map = |(from, to): &(PathBuf, &str)| format!("--remap-path-prefix={}={to}", from.display());
        self.0.iter().map(map).collect::<Vec<_>>().join("\u{1f}")
    }

    fn c(&self) -> String {
        let map = |(from, to): &(PathBuf, &str)| format!("-ffile-prefix-map={}={to}", from.display());
        self.0.iter().map(map).collect::<Vec<_>>().join(" ")
    }
}
