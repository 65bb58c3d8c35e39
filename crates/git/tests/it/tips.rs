//! What a ref points to, asked without a mirror.

use std::sync::atomic::AtomicBool;

use warmer_git::{ErrorKind, GitSettings, Mirrors, Protocol, Remote, Tip};

use crate::kit::{GO, MAIN, Origin, entries, file, git};

fn tip(origin: &Origin, reference: Option<&str>) -> Tip {
    origin.mirrors().tip(&origin.remote(), reference, &GO).expect("the ref is there")
}

#[test]
fn head_is_resolved_to_its_branch() {
    let origin = Origin::new();
    let commit = origin.commit(&[file("a", "1")]);
    let want = Tip { reference: MAIN.into(), oid: commit, commit: Some(commit) };
    assert_eq!(tip(&origin, None), want);
    assert_eq!(tip(&origin, Some("HEAD")), want);
    assert!(entries(&origin.beside("mirrors")).is_empty(), "asking makes no mirror");
}

#[test]
fn a_detached_head_keeps_its_name() {
    let origin = Origin::new();
    let commit = origin.commit(&[file("a", "1")]);
    origin.git(&["update-ref", "--no-deref", "HEAD", &commit.to_string()]);
    assert_eq!(tip(&origin, None), Tip { reference: "HEAD".into(), oid: commit, commit: Some(commit) });
}

#[test]
fn short_names_resolve_as_git_does() {
    let origin = Origin::new();
    let first = origin.commit(&[file("a", "1")]);
    origin.git(&["tag", "both", &first.to_string()]);
    let second = origin.commit(&[file("a", "2")]);
    origin.git(&["branch", "both", "main"]);
    origin.git(&["branch", "deep/er", "main"]);
    for (name, reference, commit) in [
        ("main", MAIN, second),
        (MAIN, MAIN, second),
        ("heads/main", MAIN, second),
        ("both", "refs/tags/both", first),
        ("deep/er", "refs/heads/deep/er", second),
    ] {
        assert_eq!(tip(&origin, Some(name)), Tip { reference: reference.into(), oid: commit, commit: Some(commit) });
    }
}

#[test]
fn an_annotated_tag_is_peeled_to_its_commit() {
    let origin = Origin::new();
    let commit = origin.commit(&[file("a", "1")]);
    origin.git(&["tag", "--annotate", "--message=m", "v1", "main"]);
    let tag = origin.git(&["rev-parse", "v1"]).parse().expect("an oid");
    assert_eq!(tip(&origin, Some("v1")), Tip { reference: "refs/tags/v1".into(), oid: tag, commit: Some(commit) });
}

#[test]
fn a_missing_ref_and_an_impossible_name_are_told() {
    let origin = Origin::with_a_file();
    for name in ["absent", "refs/heads/mai", "two words", "", "-x..y", "new\nline"] {
        let error = origin.mirrors().tip(&origin.remote(), Some(name), &GO).expect_err(name);
        assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::MissingRef, false), "{name}: {error}");
    }
}

#[test]
fn an_empty_repository_is_told_from_a_missing_ref() {
    let origin = Origin::new();
    for name in [None, Some("main"), Some("absent")] {
        let error = origin.mirrors().tip(&origin.remote(), name, &GO).expect_err("there is no commit");
        assert_eq!(error.kind(), ErrorKind::EmptyRepository, "{name:?}: {error}");
    }
}

#[test]
fn a_head_that_points_nowhere_does_not_hide_the_other_branches() {
    let origin = Origin::with_a_file();
    origin.git(&["symbolic-ref", "HEAD", "refs/heads/absent"]);
    assert_eq!(tip(&origin, Some("main")).reference, MAIN);
    let error = origin.mirrors().tip(&origin.remote(), None, &GO).expect_err("unborn");
    assert_eq!(error.kind(), ErrorKind::EmptyRepository);
    let text = error.to_string();
    for word in ["refs/heads/absent, which is not there", "refs/heads/main is"] {
        assert!(text.contains(word), "{text}");
    }
    origin.git(&["branch", "other", "main"]);
    let text = origin.mirrors().tip(&origin.remote(), None, &GO).expect_err("unborn").to_string();
    assert!(text.contains("refs/heads/main and 1 more are"), "{text}");
}

#[test]
fn a_repository_that_went_away_or_broke_is_told() {
    let origin = Origin::with_a_file();
    let (mirrors, remote) = (origin.mirrors(), origin.remote());
    std::fs::remove_file(origin.path().join("HEAD")).expect("it is there");
    let broken = mirrors.tip(&remote, None, &GO).expect_err("no HEAD");
    assert_eq!(broken.kind(), ErrorKind::NotARepository, "{broken}");
    std::fs::remove_dir_all(origin.path()).expect("it is there");
    let gone = mirrors.tip(&remote, None, &GO).expect_err("no folder");
    assert_eq!(gone.kind(), ErrorKind::NotFound, "{gone}");
    assert!(gone.to_string().contains(remote.url()), "{gone}");
}

#[test]
fn a_protocol_that_is_not_allowed_is_refused() {
    let origin = Origin::with_a_file();
    let options = GitSettings { protocols: vec![Protocol::Https], ..GitSettings::default() };
    let error = origin.mirrors_with(options).tip(&origin.remote(), None, &GO).expect_err("file is not allowed");
    assert_eq!(error.kind(), ErrorKind::NotAllowed, "{error}");
}

#[test]
fn a_repository_of_another_hash_function_is_refused_in_a_sentence() {
    let origin = Origin::new();
    let path = origin.beside("sha256.git");
    git(&origin.beside("."), &["init", "--quiet", "--bare", "--object-format=sha256", "sha256.git"]);
    let tree = git(&path, &["mktree", "--missing"]);
    let commit = git(&path, &["commit-tree", "-m", "m", &tree]);
    git(&path, &["update-ref", "refs/heads/main", &commit]);
    let remote = Remote::parse(path.to_str().expect("UTF-8"), &path).expect("a repository");
    let error = origin.mirrors().tip(&remote, Some("main"), &GO).expect_err("sha256");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("sha256"), "{error}");
}

#[test]
fn a_raised_stop_flag_ends_everything_at_once() {
    let origin = Origin::with_a_file();
    let stop = AtomicBool::new(true);
    let mirrors: Mirrors = origin.mirrors();
    let mirror = mirrors.take(&origin.remote(), &GO).expect("free");
    let errors = [
        mirrors.tip(&origin.remote(), None, &stop).map(drop),
        mirrors.take(&origin.remote(), &stop).map(drop),
        mirror.fetch(MAIN, &stop, &|_| {}).map(drop),
    ];
    for error in errors {
        assert_eq!(error.expect_err("the flag is up").kind(), ErrorKind::Interrupted);
    }
}

#[test]
fn ssh_is_asked_without_prompts_and_with_our_options() {
    let origin = Origin::with_a_file();
    let program = origin.beside("ssh.sh");
    // Stands for ssh: notes its arguments, and does what the other side would.
    let script = format!(
        "#!/bin/sh\necho \"$@\" > {0}/arguments\nfor last; do :; done\ncd {0} && eval \"$last\"\n",
        origin.beside(".").display()
    );
    std::fs::write(&program, script).expect("writable");
    let ssh = format!("sh {} -i key", program.display());
    let mirrors = origin.mirrors_with(GitSettings { ssh_command: ssh, ..GitSettings::default() });
    let remote = Remote::from_url("me@example.org:origin.git").expect("a URL");
    let tip = mirrors.tip(&remote, None, &GO).expect("it answers");
    assert_eq!(tip.reference, MAIN);
    let arguments = std::fs::read_to_string(origin.beside("arguments")).expect("written");
    for part in ["-i key", "BatchMode=yes", "ConnectTimeout=", "me@example.org"] {
        assert!(arguments.contains(part), "{part}: {arguments}");
    }
}

#[test]
fn what_ssh_writes_to_stderr_has_its_class() {
    let origin = Origin::new();
    let remote = Remote::from_url("git@example.org:a/b").expect("a URL");
    let ask = |ssh: String| {
        let mirrors = origin.mirrors_with(GitSettings { ssh_command: ssh, ..GitSettings::default() });
        mirrors.tip(&remote, None, &GO).expect_err("there is no host")
    };
    let error = ask("/nonexistent/ssh".into());
    assert!(error.kind() == ErrorKind::Local && error.to_string().contains("/nonexistent/ssh"), "{error}");
    let program = origin.beside("ssh.sh");
    for (said, kind, temporary) in [
        ("Permission denied (publickey).", ErrorKind::Unauthenticated, false),
        ("Host key verification failed.", ErrorKind::Unauthenticated, false),
        ("ssh: connect to host example.org port 22: Connection refused", ErrorKind::Unreachable, true),
        ("Connection to example.org closed by remote host.", ErrorKind::Unreachable, true),
        ("ssh: Could not resolve hostname example.org", ErrorKind::Unreachable, true),
        ("ERROR: Repository not found.", ErrorKind::NotFound, false),
    ] {
        std::fs::write(&program, format!("echo '{said}' >&2\nexit 255\n")).expect("writable");
        let error = ask(format!("sh {}", program.display()));
        assert_eq!((error.kind(), error.is_temporary()), (kind, temporary), "{said}: {error}");
    }
}
