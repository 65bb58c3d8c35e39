//! The workspace that this program belongs to, and the cargo that builds it.

use std::path::Path;
use std::process::Command;

/// The workspace's root directory.
pub fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).expect("this package lies two directories below the root")
}

/// The cargo that started this program, else the one in PATH.
pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
