//! What a test needs from the machine. Where it is missing the test is *not run* and says so; under
//! `WARMER_TEST_REQUIRE=all` it fails instead.

use std::fmt;
use std::io::Write as _;
use std::process::Command;

use crate::model;

/// One thing a test cannot run without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// A program on the `PATH`.
    Program(&'static str),
    /// The ONNX Runtime library: the toy model needs it too.
    Runtime,
    /// The real model, as `cargo xtask setup` leaves it.
    Model,
    /// A disk of any size we like: a temporary file system in a mount namespace of our own.
    SmallDisk,
}

/// The git program.
pub const GIT: Need = Need::Program("git");

impl Need {
    /// Whether the machine has it.
    #[must_use]
    pub fn is_met(self) -> bool {
        match self {
            Self::Program(name) => std::env::var_os("PATH")
                .is_some_and(|path| std::env::split_paths(&path).any(|directory| directory.join(name).is_file())),
            Self::Runtime => model::runtime_library().is_file(),
            Self::Model => model::real_model().join("model.lock").is_file(),
            Self::SmallDisk => Command::new("unshare")
                .args(["--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/tmp"])
                .output()
                .is_ok_and(|output| output.status.success()),
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Program(name) => name,
            Self::Runtime => "ONNX Runtime",
            Self::Model => "model",
            Self::SmallDisk => "unshare",
        })
    }
}

/// Whether all of `needs` are met; says what is missing where the test runner does not capture it.
///
/// # Panics
/// Under `WARMER_TEST_REQUIRE=all`, when one is not.
pub fn met(needs: &[Need]) -> bool {
    let Some(missing) = needs.iter().find(|need| !need.is_met()) else { return true };
    let required = std::env::var("WARMER_TEST_REQUIRE").is_ok_and(|value| value == "all");
    assert!(!required, "not run: {missing} missing, and WARMER_TEST_REQUIRE=all requires it");
    // Not a print macro: the test runner would swallow the line of a test that passes.
    writeln!(std::io::stderr(), "not run: {missing} missing").ok();
    false
}

/// Ends the test here, as not run, where something it needs is missing: `needs!(GIT, Need::Runtime)`.
#[macro_export]
macro_rules! needs {
    ($($need:expr),+ $(,)?) => {
        if !$crate::needs::met(&[$($need),+]) {
            return;
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_nowhere_is_missing() {
        assert!(!Need::Program("surely-no-program-has-this-name").is_met());
        assert!(Need::Program("sh").is_met());
    }
}
