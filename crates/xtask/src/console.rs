//! The one place that writes to the terminal. Progress goes to standard error: standard output belongs to the program
//! that is started in the end.

use std::io::{self, Write};

/// Writes a line to standard error; a closed terminal is no reason to stop.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Writes a line to standard output.
pub fn print(line: &str) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}
