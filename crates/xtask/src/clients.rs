//! The official client of Python for the Model Context Protocol, in its two versions.

use std::process::Command;

use anyhow::Result;

use crate::wheels::Wheels;

/// The oldest Python that both run on.
const PYTHON_MIN: &str = "3.11";

/// A version of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// The first, which knows the eras before 2026-07-28.
    One,
    /// The second, which knows all.
    Two,
}

/// A Python that finds a version of the client; fetched the first time.
///
/// # Errors
/// When Python is too old, or the registry cannot be reached.
pub fn python(version: Version) -> Result<Command> {
    let (name, list) = match version {
        Version::One => ("mcp-1.30.0", include_str!("clients/one.txt")),
        Version::Two => ("mcp-2.3.0", include_str!("clients/two.txt")),
    };
    Ok(Wheels::of(name, PYTHON_MIN, list)?.command())
}
