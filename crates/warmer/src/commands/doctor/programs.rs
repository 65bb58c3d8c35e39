//! The programs that fetching relies on.

#![expect(clippy::disallowed_types, reason = "it asks programs for their versions")]

use std::process::Command;

use super::finding::Finding;
use warmer_git::{GitSettings, Protocol};

/// `git` serves local repositories, `ssh` those over ssh; https needs neither.
pub(super) fn check(git: &GitSettings) -> [Finding; 2] {
    let local = git.protocols.contains(&Protocol::File);
    let git_program = match version("git", "--version") {
        Some(version) => Finding::ok("git", version),
        None if local => Finding::fail("git", "git was not found, and local repositories need it: install git"),
        None => Finding::ok("git", "not found, and not needed: git.protocols has no \"file\""),
    };
    let mut words = git.ssh_command.split_whitespace();
    let ssh = words.next().unwrap_or("ssh");
    let ssh_program = match version(ssh, "-V") {
        Some(version) => Finding::ok("ssh", version),
        None if git.protocols.contains(&Protocol::Ssh) => {
            let detail = format!(
                "{ssh} was not found, and ssh:// remotes need it: install openssh-client, or set git.ssh_command"
            );
            Finding::warn("ssh", detail)
        }
        None => Finding::ok("ssh", "not found, and not needed: git.protocols has no \"ssh\""),
    };
    [git_program, ssh_program]
}

/// The first line of what the program says of itself: git says it on stdout, ssh on stderr.
fn version(program: &str, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).lines().next().unwrap_or_default().trim().to_owned();
    (output.status.success()).then_some(said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::finding::State;
    use crate::config::tests::config_of;

    #[test]
    fn an_ssh_program_that_is_missing_is_named_with_the_way_out() {
        let config = config_of("[git]\nssh_command = \"no-such-ssh -v\"\n");
        let [_, ssh] = check(&config.git);
        assert_eq!(ssh.state, State::Warn);
        assert!(ssh.detail.starts_with("no-such-ssh was not found"), "{ssh:?}");
    }

    #[test]
    fn what_no_protocol_needs_may_be_missing() {
        let config = config_of("[git]\nprotocols = [\"https\"]\nssh_command = \"no-such-ssh\"\n");
        assert_eq!(check(&config.git)[1].state, State::Ok);
    }
}
