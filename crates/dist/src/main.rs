//! `warmer-dist`, which `cargo xtask dist` builds and starts.

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    warmer_dist::run(&arguments)
}
