//! `ssh://` through the ssh program: here a script in its place, which runs the command on this machine or refuses.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use warmer_tests::process::quoted;
use warmer_tests::{GIT, Need, Repo, Warmer, needs};

/// Runs the command, which is the last argument; asked with `-G` whether it is OpenSSH, it says yes.
const RUNS: &str = "for argument do [ \"$argument\" = -G ] && exit 0; done\nexec sh -c \"$argument\"";
const REFUSES: &str = "echo 'git@host: Permission denied (publickey).' >&2\nexit 255";
const UNREACHABLE: &str = "echo 'ssh: connect to host 127.0.0.1 port 22: Connection refused' >&2\nexit 255";

/// A warmer whose ssh is this script; what it was called with ends in a file.
fn with_ssh(script: &str) -> Warmer {
    let mut warmer = Warmer::toy();
    let (program, calls) = (warmer.home().join("ssh"), warmer.home().join("calls"));
    let text = format!("#!/bin/sh\necho \"$*\" >> '{}'\n{script}\n", calls.display());
    std::fs::write(&program, text).expect("a writable home");
    std::fs::set_permissions(&program, Permissions::from_mode(0o755)).expect("our own file");
    warmer.set("git.ssh_command", quoted(&program));
    warmer
}

#[test]
fn a_repository_is_warmed_through_ssh_without_a_question() {
    needs!(GIT, Need::Runtime);
    let (mut repo, warmer) = (Repo::generated(5, 500, 1), with_ssh(RUNS));
    for url in [format!("ssh://git@host{}", repo.path().display()), format!("git@host:{}", repo.path().display())] {
        let warmed = with_ssh(RUNS).warm([&url]);
        warmed.ran.exits(0);
        assert_eq!((warmed.one().verdict(), warmed.one().commit()), ("warmed", repo.tip()));
        // Both are the same repository.
        warmer.warm([&url]).ran.exits(0);
    }
    let url = format!("ssh://git@host{}", repo.path().display());
    assert_eq!(warmer.warm([&url]).one().verdict(), "fresh");
    repo.write("new.rs", "fn new() {}\n").commit("two");
    assert_eq!(warmer.warm([&url]).one().commit(), repo.tip());
    let calls = std::fs::read_to_string(warmer.home().join("calls")).expect("it was called");
    assert!(calls.contains("git@host") && calls.contains("git-upload-pack"), "{calls}");
    assert!(calls.lines().all(|call| call.contains("BatchMode=yes")), "it could ask a person: {calls}");
}

#[test]
fn what_ssh_says_decides_whether_to_try_again() {
    needs!(GIT, Need::Runtime);
    let repo = Repo::generated(1, 100, 1);
    let url = format!("ssh://git@host{}", repo.path().display());
    let refused = with_ssh(REFUSES).warm([&url]);
    refused.ran.exits(1);
    assert!(refused.one().error().contains("key"), "{:?}", refused.ran);
    let unreachable = with_ssh(UNREACHABLE).warm([&url]);
    assert_eq!((unreachable.ran.code, unreachable.one().verdict()), (Some(75), "retry"), "{:?}", unreachable.ran);
}
