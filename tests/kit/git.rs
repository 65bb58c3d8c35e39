//! The git program, run so that nothing of this machine's or this person's configuration reaches it.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// Who commits, in the form git writes it.
pub(crate) const IDENTITY: &str = "Warmer Tests <tests@example.invalid>";

/// The git program without this machine's configuration, with a fixed identity.
#[must_use]
pub(crate) fn git() -> Command {
    let mut command = Command::new("git");
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.envs([("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_TERMINAL_PROMPT", "0")]);
    let (name, mail) = IDENTITY.split_once(" <").expect("a name and a mail address");
    let mail = mail.trim_end_matches('>');
    command.envs([("GIT_AUTHOR_NAME", name), ("GIT_COMMITTER_NAME", name)]);
    command.envs([("GIT_AUTHOR_EMAIL", mail), ("GIT_COMMITTER_EMAIL", mail)]);
    command
}

/// Runs a command with `input`; what it wrote to stdout.
pub(crate) fn run(mut command: Command, input: &[u8]) -> Vec<u8> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let mut stdin = child.stdin.take().expect("asked for above");
    let output = std::thread::scope(|scope| {
        // Beside the reading: a program that answers while it reads would else block both.
        scope.spawn(move || stdin.write_all(input).ok());
        child.wait_with_output().expect("the child was started above")
    });
    assert!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// What git printed, without the last line end.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches('\n').to_owned()
}
