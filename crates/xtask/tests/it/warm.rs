//! `cargo xtask warm` with a cargo that has built a program already.

use std::path::Path;
use std::process::{Command, Output};

use crate::samples::script;

/// Runs it in `directory`; the program prints where it stands and what it was given. None where there is no set-up.
fn warm(directory: &Path, cargo_answer: &str, arguments: &[&str]) -> Option<Output> {
    if !xtask::runtime_library().exists() || !xtask::model_dir().exists() {
        xtask::not_run("model");
        return None;
    }
    let (cargo, program) = (directory.join("cargo"), directory.join("warmer"));
    script(&program, "pwd -P\nprintf '%s\\n' \"$@\"\nexit 75");
    let answer = cargo_answer.replace("PROGRAM", &program.display().to_string());
    script(&cargo, &format!("echo \"building\" >&2\n{answer}"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("warm").args(arguments).env("CARGO", cargo).current_dir(directory);
    Some(command.output().unwrap())
}

const BUILT: &str = r#"echo '{"reason":"compiler-artifact","executable":null}
{"reason":"compiler-artifact","executable":"PROGRAM"}
{"reason":"build-finished","success":true}'"#;

#[test]
fn the_program_takes_the_place_of_the_command() {
    let directory = tempfile::tempdir().unwrap();
    let Some(output) = warm(directory.path(), BUILT, &["a b", "--json"]) else { return };
    let here = directory.path().canonicalize().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{}\nwarm\na b\n--json\n", here.display()));
    assert_eq!(output.status.code(), Some(75), "its exit code is the command's");
    assert!(String::from_utf8_lossy(&output.stderr).contains("building"), "the progress of the build can be seen");
}

#[test]
fn without_arguments_it_warms_where_it_stands() {
    let directory = tempfile::tempdir().unwrap();
    let Some(output) = warm(directory.path(), BUILT, &[]) else { return };
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("\nwarm\n.\n"));
}

#[test]
fn a_build_that_fails_starts_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let Some(output) = warm(directory.path(), &format!("{BUILT}\nexit 101"), &[]) else { return };
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    assert!(String::from_utf8_lossy(&output.stderr).contains("warmer does not build"));
}
