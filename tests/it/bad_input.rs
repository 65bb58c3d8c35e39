//! Arguments, repositories and machines that are not as they should be: a sentence and an exit code, and the rest goes
//! on.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use warmer_tests::server::{Ask, Fault};
use warmer_tests::sources::rust;
use warmer_tests::{GIT, Need, Repo, Server, Warmer, needs};

/// One repository that works beside whatever does not.
fn good() -> Repo {
    Repo::generated(2, 500, 1)
}

#[test]
fn what_is_no_repository_is_named_and_the_others_are_warmed() {
    needs!(GIT, Need::Runtime);
    let (repo, warmer) = (good(), Warmer::toy());
    let plain = warmer.home().join("plain-directory");
    std::fs::create_dir(&plain).expect("a writable home");
    let (repo_path, plain) = (repo.path().display().to_string(), plain.display().to_string());
    for (argument, words) in [
        (plain.as_str(), ["is not a git repository", "plain-directory"]),
        ("/nowhere/at/all", ["no file or folder", "/nowhere/at/all"]),
        ("ftp://127.0.0.1/x", ["not a supported protocol", "ftp://"]),
        ("ext::sh -c id", ["not a supported protocol", "ext::"]),
    ] {
        let warmed = warmer.warm([argument, repo_path.as_str()]);
        warmed.ran.exits(1);
        let [bad, good] = warmed.all()[..] else { panic!("{:?}", warmed.ran) };
        assert_eq!((bad.verdict(), good.commit()), ("dead", repo.tip()));
        assert!(words.iter().all(|word| bad.error().contains(word)), "{words:?} in {:?}", bad.error());
    }
}

#[test]
fn a_negative_number_is_refused_by_the_argument_that_it_was_given_to() {
    let warmer = Warmer::toy();
    for (line, argument) in [
        (&["capacity", "--repositories", "-1"][..], "--repositories <N>"),
        (&["jobs", "list", "--limit", "-1"], "--limit <N>"),
        (&["search", "--limit", "-3", "x"], "--limit <N>"),
        (&["tune", "-2"], "[STAGE=N]"),
    ] {
        let ran = warmer.run(line.iter().copied());
        ran.exits(2);
        assert!(ran.stderr.contains("invalid value '-") && ran.stderr.contains(argument), "{line:?}: {}", ran.stderr);
    }
}

#[test]
fn an_empty_repository_and_a_missing_ref_are_named() {
    needs!(GIT, Need::Runtime);
    let (repo, empty, warmer) = (good(), Repo::new(), Warmer::toy());
    let nothing = warmer.warm([empty.path()]);
    nothing.ran.exits(1);
    assert!(
        nothing.one().error().contains("empty") || nothing.one().error().contains("no commit"),
        "{:?}",
        nothing.ran
    );
    let target = repo.path().display().to_string();
    let missing = warmer.warm([target.as_str(), "--ref", "no-such-branch"]);
    missing.ran.exits(1);
    assert_eq!(missing.one().verdict(), "dead");
    assert!(missing.one().error().contains("no-such-branch"), "{:?}", missing.ran);
}

#[test]
fn a_repository_that_was_dead_is_warmed_when_a_person_asks_again() {
    needs!(GIT, Need::Runtime);
    let (mut repo, warmer) = (Repo::new(), Warmer::toy());
    warmer.warm([repo.path()]).ran.exits(1);
    let commit = repo.write("a.rs", rust(1, 500)).commit("at last");
    let warmed = warmer.warm([repo.path()]);
    warmed.ran.exits(0);
    assert_eq!((warmed.one().verdict(), warmed.one().commit()), ("warmed", commit.as_str()));
}

#[test]
fn a_path_inside_a_repository_means_the_repository() {
    needs!(GIT, Need::Runtime);
    let (repo, warmer) = (good(), Warmer::toy());
    let inside = repo.path().join("some/where");
    std::fs::create_dir_all(&inside).expect("a writable repository");
    assert_eq!(warmer.warm([repo.url().as_str()]).one().verdict(), "warmed");
    for other in [inside.as_path(), repo.path(), &repo.path().join(".git")] {
        assert_eq!(warmer.warm([other]).one().verdict(), "fresh", "{}", other.display());
    }
    assert_eq!(warmer.database().counts().repositories, 1);
}

/// A name that climbs out of the tree must lead nowhere; what it holds is skipped.
#[test]
fn names_that_git_itself_refuses_are_skipped() {
    needs!(GIT, Need::Runtime);
    let (mut repo, warmer) = (good(), Warmer::toy());
    for name in [&b".."[..], b".", b".git"] {
        repo.commit_entry(name, b"fn out() {}\n");
    }
    let warmed = warmer.warm([repo.path()]);
    warmed.ran.exits(0);
    assert_eq!(warmed.one().skipped("odd_path") + warmed.one().files("indexed"), 5, "{:?}", warmed.ran);
    assert!(warmed.one().skipped("odd_path") >= 2, "{:?}", warmed.ran);
}

#[test]
fn control_characters_of_a_repository_never_reach_the_terminal() {
    needs!(GIT, Need::Runtime);
    let (mut repo, warmer) = (good(), Warmer::toy());
    repo.write("red\x1b[31m.rs", rust(4, 500)).write("ok.rs", "fn a() {}\n// \x1b]0;title\x07\n").commit("odd");
    let path = repo.path().display().to_string();
    for arguments in [&["warm", &path][..], &["show", &path], &["show", &path, "ok.rs"], &["search", "title"]] {
        warmer.run(arguments).never_says("\x1b[31m").never_says("\x1b]0");
    }
}

#[test]
fn a_second_warm_on_the_same_data_is_refused_and_readers_work() {
    needs!(GIT, Need::Runtime);
    let (repo, mut warmer) = (good(), Warmer::toy());
    warmer.set("git.protocols", r#"["http", "file"]"#);
    warmer.warm([repo.path()]).ran.exits(0);
    let server = Server::serve(repo.path());
    server.fault(Ask::Refs, Fault::Hang);
    let mut first = warmer.spawn(["warm", &server.url()]);
    server.wait_for(Ask::Refs);
    let second = warmer.run(["warm".as_ref(), repo.path().as_os_str()]);
    assert!(!matches!(second.code, Some(0) | None), "{second:?}");
    assert_eq!(second.stderr.trim().lines().count(), 1, "one sentence: {second:?}");
    second.says("another");
    warmer.run(["status"]).exits(0).says("Active workers: ");
    warmer.run(["show".as_ref(), repo.path().as_os_str()]).exits(0).says("src/0/file_0.rs");
    warmer.run(["search", "until all are left"]).exits(0).says("src/0/");
    first.interrupt();
    first.wait_for("interrupted");
    first.finish();
    assert_eq!(warmer.warm([repo.path()]).one().verdict(), "fresh", "the lock is free again");
}

#[test]
fn a_data_directory_that_cannot_be_written_is_named() {
    needs!(GIT, Need::Runtime);
    let (repo, warmer) = (good(), Warmer::toy());
    warmer.warm([repo.path()]).ran.exits(0);
    let files = || std::fs::read_dir(warmer.data()).expect("a data directory").flatten().map(|entry| entry.path());
    let allow = |mode| {
        files().for_each(|path| {
            let mode = if path.is_dir() { mode | 0o100 } else { mode };
            std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("our own file");
        });
        std::fs::set_permissions(warmer.data(), Permissions::from_mode(mode | 0o111)).expect("our own directory");
    };
    allow(0o444);
    let readable = warmer.run(["show".as_ref(), repo.path().as_os_str()]);
    let refused = warmer.run(["warm".as_ref(), repo.path().as_os_str()]);
    let privileged = std::fs::write(warmer.data().join("probe"), "").is_ok();
    allow(0o644);
    if privileged {
        // Root writes where nobody may; there is nothing to see then.
        return;
    }
    readable.exits(0).says("src/0/file_0.rs");
    assert!(!matches!(refused.code, Some(0) | None), "{refused:?}");
    refused.says("warmer.sqlite").says("read");
}

#[test]
fn wrong_usage_is_exit_code_two() {
    for arguments in
        [&["warm"][..], &["nonsense"], &["search"], &["search", "x", "--limit", "0"], &["warm", "--no-such"]]
    {
        Warmer::empty().run(arguments).exits(2);
    }
}

#[test]
fn reading_before_the_first_warm_says_so() {
    for arguments in [&["search", "x"][..], &["show", "x"], &["status"], &["jobs", "list"], &["gc"]] {
        Warmer::empty().run(arguments).exits(1).says("nothing has been warmed yet");
    }
}

#[test]
fn too_few_files_are_told_as_that() {
    let warmer = Warmer::empty();
    let command = warmer.command();
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 30 && exec \"$@\"", "sh"]).arg(command.get_program()).args(["repos", "list"]);
    limited.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let ended = limited.output().expect("a shell");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(69), "{said}");
    assert!(said.contains("this process may have 30 files open") && said.contains("ulimit -n"), "{said}");
}
