//! The one place that writes to the terminal. Progress goes to standard error: standard output belongs to the program
//! that is started in the end.

use std::io::{self, Write};

pub use warmer_setup::say;

/// Writes a line to standard output.
pub fn print(line: &str) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}
