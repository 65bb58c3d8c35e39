//! `cargo xtask test` with a cargo that does nothing but answer.

use std::process::{Command, Output};

use crate::samples::script;

/// Runs the command on a machine without Python; `answers` are the arms of a shell `case` over cargo's arguments.
fn run(answers: &str, variables: &[(&str, &str)]) -> Output {
    run_with(None, answers, variables)
}

/// The same with a cargo-deny that does this.
fn run_with(deny: Option<&str>, answers: &str, variables: &[(&str, &str)]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    if let Some(body) = deny {
        script(&directory.path().join("cargo-deny"), body);
    }
    let cargo = directory.path().join("cargo");
    let tests = "echo 'test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out'";
    script(&cargo, &format!("case \"$*\" in\n{answers}\n'test --workspace --no-fail-fast') {tests} ;;\nesac"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("test").env("CARGO", cargo).env("PATH", directory.path()).env("XDG_CACHE_HOME", directory.path());
    // A server that is given is passed on, and none is started.
    command.env("WARMER_TEST_DATABASE_URL", "postgres://given/server");
    command.env_remove("WARMER_TEST_REQUIRE").envs(variables.iter().copied());
    command.output().unwrap()
}

#[track_caller]
fn ends_with(output: &Output, last: &str, success: bool) {
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.lines().last(), Some(last), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.success(), success);
}

#[test]
fn the_last_line_counts_all_checks() {
    let output = run("", &[]);
    ends_with(&output, "8 passed, 0 failed, 5 skipped", true);
    let errors = String::from_utf8_lossy(&output.stderr);
    for missing in ["python3", "cargo-deny", "systemd-analyze"] {
        assert!(errors.contains(&format!("\nnot run: {missing} missing\n")), "{errors}");
    }
}

#[test]
fn what_cargo_deny_refuses_fails_the_command() {
    ends_with(&run_with(Some("exit 0"), "", &[]), "9 passed, 0 failed, 4 skipped", true);
    ends_with(&run_with(Some("exit 1"), "", &[]), "8 passed, 1 failed, 4 skipped", false);
    let unknown = run_with(Some("exit 0"), "metadata*) exit 1 ;;", &[]);
    ends_with(&unknown, "8 passed, 1 failed, 4 skipped", false);
}

#[test]
fn a_failed_step_fails_the_command_and_the_others_still_run() {
    ends_with(&run("clippy*deny*) exit 1 ;;", &[]), "6 passed, 2 failed, 5 skipped", false);
}

#[test]
fn tests_that_do_not_build_are_one_failure() {
    ends_with(&run("build*) exit 1 ;;", &[]), "5 passed, 1 failed, 4 skipped", false);
}

#[test]
fn a_test_program_that_dies_without_a_report_is_a_failure() {
    ends_with(&run("*--no-fail-fast) exit 101 ;;", &[]), "5 passed, 1 failed, 4 skipped", false);
}

#[test]
fn a_missing_program_is_a_failure_only_where_all_are_required() {
    let missing = "'fmt --version') exit 1 ;;";
    let output = run(missing, &[]);
    ends_with(&output, "7 passed, 0 failed, 6 skipped", true);
    assert!(String::from_utf8_lossy(&output.stderr).contains("not run: rustfmt missing"));
    ends_with(&run(missing, &[("WARMER_TEST_REQUIRE", "all")]), "7 passed, 5 failed, 1 skipped", false);
}

#[test]
fn the_caller_decides_how_many_compilers_run() {
    let answer = "*--no-fail-fast) echo \"jobs=$CARGO_BUILD_JOBS\" ;;";
    let output = run(answer, &[("CARGO_BUILD_JOBS", "7")]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("jobs=7"));
}

#[test]
fn the_tests_are_told_of_a_database_server() {
    let answer = "*--no-fail-fast) echo \"server=$WARMER_TEST_DATABASE_URL\" ;;";
    let output = run(answer, &[]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("server=postgres://given/server"));
}
