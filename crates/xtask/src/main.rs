//! `cargo xtask setup | warm | test | files | dist | bench | chaos`.

use std::ffi::OsString;
use std::process::ExitCode;

use warmer_setup::Outcome;
use xtask::console::{print, say};
use xtask::{bench, chaos, check, dist, paths, warm};

const USAGE: &str = "\
usage: cargo xtask COMMAND

  setup                             get ONNX Runtime and the default model into the user's cache directory
  warm [PATH|URL]... [OPTION]...    set-up, release build, then `warmer warm` (default: the directory you are in)
  dist [OPTION]...                  the archive that users get, in target/dist; --deb the Debian package too; see --help
  test                              set-up, format, lints, documentation, dependencies, all tests
  files                             of the tests those of the files for deploying: systemd, Kubernetes, Compose
  bench NAME [OPTION]...            one benchmark (release profile); `bench retrieval --help` asks whether searches find
  chaos [OPTION]...                 the chaos suite (dev profile): real processes, real faults, one table; see --help

set-up needs Python 3.9 or newer with pip, installs nothing, and does nothing the second time";

/// A wrong command line.
const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.to_string_lossy(), rest),
        None => ("".into(), &[][..]),
    };
    let done = match (&*command, rest) {
        ("setup", []) => warmer_setup::setup(&paths::cache()).map(|outcome| {
            if outcome == Outcome::Nothing {
                say("set-up: everything is there");
            }
        }),
        ("warm", rest) => warm::warm(rest),
        ("bench", rest) => bench::run(rest),
        ("dist", rest) => return dist::run(rest),
        ("chaos", rest) => return chaos::run(rest),
        ("files", []) => return if check::run_files() { ExitCode::SUCCESS } else { ExitCode::FAILURE },
        ("test", []) => return if check::run() { ExitCode::SUCCESS } else { ExitCode::FAILURE },
        ("help" | "-h" | "--help", _) => {
            print(USAGE);
            Ok(())
        }
        _ => {
            say(USAGE);
            return ExitCode::from(EXIT_USAGE);
        }
    };
    if let Err(error) = done {
        say(&format!("error: {error:#}"));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
