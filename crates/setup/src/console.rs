//! What a set-up says of its progress: lines on standard error, for standard output belongs to data.

use std::io::{self, Write};

/// Writes a line to standard error; a closed terminal is no reason to stop.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
