//! What the other side says is shown, and judged by its kind: the table of ARCHITECTURE.md, made by real programs.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Uid;
use warmer_git::{ErrorKind, GitError, GitSettings, Protocol, Remedy, Remote};

use crate::kit::{GO, Origin, fetch, file, git};
use crate::server::{Manner, Server};

const LATER: Remedy = Remedy::Later(None);

fn assert_told(error: &GitError, kind: ErrorKind, remedy: Remedy, word: &str) {
    assert_eq!((error.kind(), error.remedy()), (kind, remedy), "{error}");
    let text = error.to_string();
    assert!(text.contains(word), "no {word:?} in {text:?}");
    assert!(text.lines().count() == 1 && text.chars().count() < 600, "{text}");
}

#[test]
fn what_ssh_or_a_host_behind_it_says_is_shown_and_has_its_kind() {
    let origin = Origin::new();
    let remote = Remote::from_url("git@git.example.org:team/app.git").expect("a URL");
    let program = origin.beside("ssh.sh");
    let ssh = format!("sh {}", program.display());
    let mirrors = origin.mirrors_with(GitSettings { ssh_command: ssh, ..GitSettings::default() });
    for (said, kind, remedy, word) in [
        (
            "git@git.example.org: Permission denied (publickey).",
            ErrorKind::Unauthenticated,
            Remedy::Elsewhere,
            "publickey",
        ),
        ("Host key verification failed.", ErrorKind::Unauthenticated, Remedy::Elsewhere, "accept the host"),
        (
            "Unable to negotiate with 192.0.2.1 port 22: no matching host key type found.",
            ErrorKind::Local,
            Remedy::Elsewhere,
            "negotiate",
        ),
        ("Bad owner or permissions on /home/u/.ssh/config", ErrorKind::Local, Remedy::Elsewhere, "Bad owner"),
        (
            "ssh: connect to host git.example.org port 22: Connection refused",
            ErrorKind::Unreachable,
            Remedy::Retry,
            "refused",
        ),
        (
            "ssh: Could not resolve hostname git.example.org: Name or service not known",
            ErrorKind::Unreachable,
            Remedy::Retry,
            "resolve",
        ),
        ("ERROR: Repository not found.", ErrorKind::NotFound, Remedy::Elsewhere, "not found"),
        (
            "remote: \nremote: ========\nremote: ERROR: The project you were looking for could not be found or you \
            don't have permission to view it.\nremote: ========",
            ErrorKind::NotFound,
            Remedy::Elsewhere,
            "could not be found",
        ),
        ("ERROR: The organization has enforced SAML SSO.", ErrorKind::Forbidden, Remedy::Elsewhere, "SAML SSO"),
        ("ERROR: This project was archived.", ErrorKind::Archived, Remedy::Never, "archived"),
        (
            "ERROR: This repository moved. Please use the new location: x",
            ErrorKind::Moved,
            Remedy::Never,
            "new location",
        ),
        ("remote: GitLab is not available: scheduled maintenance", ErrorKind::Maintenance, LATER, "maintenance"),
        ("ERROR: You have exceeded a secondary rate limit.", ErrorKind::RateLimited, LATER, "rate limit"),
        ("fatal: unknown repository extension found: future", ErrorKind::Unsupported, Remedy::Never, "future"),
        ("ERROR: the moon is in the wrong phase", ErrorKind::Other, Remedy::Elsewhere, "wrong phase"),
        ("the line went dead", ErrorKind::Unreachable, Remedy::Retry, "went dead"),
    ] {
        let words = origin.beside("words");
        fs::write(&words, format!("Warning: Permanently added 'h' (ED25519) to the list of known hosts.\n{said}\n"))
            .expect("ours");
        fs::write(&program, format!("cat {} >&2\nexit 255\n", words.display())).expect("ours");
        let error = mirrors.tip(&remote, None, &GO).expect_err(said);
        assert_told(&error, kind, remedy, word);
        assert!(!error.to_string().contains("known hosts.") && !error.to_string().contains("===="), "{error}");
    }
}

#[test]
fn what_a_host_answers_by_http_is_shown_and_has_its_kind() {
    let minute = Remedy::Later(Some(Duration::from_secs(60)));
    let origin = Origin::new();
    let options = GitSettings { protocols: vec![Protocol::Http], ..GitSettings::default() };
    let mirrors = origin.mirrors_with(options);
    for (status, head, body, kind, remedy, word) in [
        ("401 Unauthorized", "", "", ErrorKind::Unauthenticated, Remedy::Elsewhere, "[[git.credentials]]"),
        (
            "403 Forbidden",
            "",
            "Your IP is blocked\nmore",
            ErrorKind::Forbidden,
            Remedy::Elsewhere,
            "“Your IP is blocked”",
        ),
        ("403 Forbidden", "Retry-After: 60\r\n", "wait", ErrorKind::RateLimited, minute, "after 60 s"),
        ("403 Forbidden", "", "You have exceeded a secondary rate limit.", ErrorKind::RateLimited, LATER, "rate limit"),
        ("403 Forbidden", "X-RateLimit-Remaining: 0\r\n", "", ErrorKind::RateLimited, LATER, "limits the rate"),
        ("404 Not Found", "", "not here", ErrorKind::NotFound, Remedy::Elsewhere, "“not here”"),
        ("410 Gone", "", "", ErrorKind::NotFound, Remedy::Elsewhere, "check the URL"),
        ("429 Too Many Requests", "", "", ErrorKind::RateLimited, LATER, "retrying later"),
        ("429 Too Many Requests", "Retry-After: 60\r\n", "", ErrorKind::RateLimited, minute, "after 60 s"),
        ("451 Unavailable For Legal Reasons", "", "DMCA", ErrorKind::Archived, Remedy::Never, "“DMCA”"),
        ("500 Internal Server Error", "", "", ErrorKind::Unreachable, Remedy::Retry, "500"),
        ("503 Service Unavailable", "", "", ErrorKind::Unreachable, Remedy::Retry, "503"),
        ("503 Service Unavailable", "Retry-After: 60\r\n", "", ErrorKind::Maintenance, minute, "after 60 s"),
        ("503 Service Unavailable", "", "We are down for maintenance", ErrorKind::Maintenance, LATER, "down for"),
        (
            "301 Moved Permanently",
            "Location: https://new.example/login\r\n",
            "",
            ErrorKind::Moved,
            Remedy::Never,
            "https://new.example/login",
        ),
        (
            "301 Moved Permanently",
            "Location: ftp://new.example/group/name.git/info/refs?service=git-upload-pack\r\n",
            "",
            ErrorKind::Moved,
            Remedy::Never,
            "ftp://new.example",
        ),
        ("418 I'm a teapot", "", "short and stout", ErrorKind::NotGit, Remedy::Never, "“short and stout”"),
        ("200 OK", "", "hello", ErrorKind::NotGit, Remedy::Elsewhere, "no git answer"),
    ] {
        let server = Server::start(Manner::Reply { status, head, body });
        assert_told(&mirrors.tip(&server.remote(), None, &GO).expect_err(status), kind, remedy, word);
    }
}

#[test]
fn the_line_by_which_a_server_ends_a_listing_is_shown_and_has_its_kind() {
    let origin = Origin::with_a_file();
    let mirrors = origin.mirrors_with(GitSettings { protocols: vec![Protocol::Http], ..GitSettings::default() });
    for (said, kind, remedy) in [
        ("this project was archived, ask the owner", ErrorKind::Archived, Remedy::Never),
        ("access denied or repository not exported: /team/app", ErrorKind::Forbidden, Remedy::Elsewhere),
        ("the moon is in the wrong phase", ErrorKind::Other, Remedy::Elsewhere),
    ] {
        let server = Server::start(Manner::Refuse(origin.path(), said));
        assert_told(&mirrors.tip(&server.remote(), None, &GO).expect_err(said), kind, remedy, said);
    }
}

/// Where an object of the repository at `path` is kept alone.
fn loose(path: &Path, object: &str) -> PathBuf {
    let oid = git(path, &["rev-parse", object]);
    let (folder, name) = oid.split_at(2);
    path.join("objects").join(folder).join(name)
}

#[test]
fn a_source_that_is_damaged_is_told_from_a_damaged_mirror() {
    for (object, word) in
        [("HEAD:a.rs", "unable to read"), ("HEAD^{tree}", "bad tree object"), ("HEAD:d", "bad tree object")]
    {
        let origin = Origin::new();
        origin.commit(&[file("a.rs", "one"), file("d/b.rs", "two")]);
        let copy = loose_copy(&origin);
        fs::remove_file(loose(&copy, object)).expect("it is loose");
        let remote = Remote::parse(copy.to_str().expect("UTF-8"), Path::new("/")).expect("a repository");
        let mirror = origin.mirrors().take(&remote, &GO).expect("free");
        assert_told(&fetch(&mirror).expect_err(object), ErrorKind::BadSource, Remedy::Retry, word);
    }
}

/// A bare repository like `origin`'s with each object in a file of its own.
fn loose_copy(origin: &Origin) -> PathBuf {
    let copy = origin.beside("loose.git");
    git(&origin.beside("."), &["init", "--quiet", "--bare", "--initial-branch=main", "loose.git"]);
    fs::write(copy.join("config"), "[core]\nbare = true\n[fetch]\nunpackLimit = 1000\n").expect("ours");
    git(&copy, &["fetch", "--quiet", "../origin.git", "main:main"]);
    copy
}

#[test]
fn a_partial_clone_whose_objects_are_elsewhere_is_told_as_that() {
    let origin = Origin::with_a_file();
    origin.git(&["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", origin.path().display());
    git(&origin.beside("."), &["clone", "--quiet", "--bare", "--filter=blob:none", &url, "partial.git"]);
    let partial = origin.beside("partial.git");
    let remote = Remote::parse(partial.to_str().expect("UTF-8"), Path::new("/")).expect("a repository");
    let mirror = origin.mirrors().take(&remote, &GO).expect("free");
    assert_told(&fetch(&mirror).expect_err("no blob is there"), ErrorKind::Partial, Remedy::Never, "partial clone");
}

#[test]
fn a_repository_of_a_format_of_the_future_or_with_a_broken_configuration_is_told() {
    let origin = Origin::with_a_file();
    let remote = origin.remote();
    let config = fs::read_to_string(origin.path().join("config")).expect("it is there");
    for (more, kind, word) in [
        ("[core]\nrepositoryformatversion = 1\n[extensions]\nfuture = true\n", ErrorKind::Unsupported, "future"),
        ("[core\n", ErrorKind::BadSource, "bad config line"),
    ] {
        fs::write(origin.path().join("config"), format!("{config}{more}")).expect("ours");
        let error = origin.mirrors().tip(&remote, None, &GO).expect_err(more);
        assert!(error.kind() == kind && error.to_string().contains(word), "{error}");
    }
}

/// Has `work` done by a user who has no rights but those that everybody has.
fn by_nobody<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            if rustix::process::geteuid().is_root() {
                let nobody = Some(Uid::from_raw(65_534));
                rustix::thread::set_thread_res_uid(nobody, nobody, nobody).expect("root may");
            }
            work()
        });
        thread.join().expect("no panic")
    })
}

/// Gives a folder and all in it to the user that [`by_nobody`] is.
fn give(path: &Path) {
    if rustix::process::geteuid().is_root() {
        chown(path, Some(65_534), None).expect("root may");
        fs::read_dir(path).into_iter().flatten().flatten().for_each(|entry| give(&entry.path()));
    }
}

#[test]
fn a_file_of_a_local_repository_that_may_not_be_read_is_told_by_its_name() {
    for part in ["packed-refs", "refs/heads/main", "objects", "HEAD", "config"] {
        let origin = Origin::with_a_file();
        if part == "packed-refs" {
            origin.git(&["pack-refs", "--all"]);
        }
        let remote = origin.remote();
        let unreadable = match part {
            "objects" => only_pack(&origin),
            part => origin.path().join(part),
        };
        give(&origin.beside("."));
        fs::set_permissions(&unreadable, Permissions::from_mode(0o0)).expect("ours");
        let error = by_nobody(|| match origin.mirrors().take(&remote, &GO) {
            Ok(mirror) => mirror_error(&origin, &remote, &mirror),
            Err(error) => error,
        });
        let name = unreadable.file_name().expect("it has one").to_string_lossy().into_owned();
        assert_told(&error, ErrorKind::Forbidden, Remedy::Elsewhere, &name);
        assert!(error.to_string().contains("ermission denied"), "{error}");
    }
}

fn mirror_error(origin: &Origin, remote: &Remote, mirror: &warmer_git::Mirror) -> GitError {
    match origin.mirrors().tip(remote, None, &GO) {
        Ok(_) => fetch(mirror).expect_err("something may not be read"),
        Err(error) => error,
    }
}

/// The one file that holds the objects.
fn only_pack(origin: &Origin) -> PathBuf {
    origin.git(&["repack", "-adq"]);
    let packs = crate::kit::entries(&origin.path().join("objects/pack"));
    packs.into_iter().find(|path| path.extension().is_some_and(|end| end == "pack")).expect("a pack")
}

#[test]
fn a_git_directory_that_may_not_be_entered_is_not_taken_for_none() {
    let origin = Origin::with_a_file();
    git(&origin.beside("."), &["clone", "--quiet", "origin.git", "copy"]);
    give(&origin.beside("."));
    let closed = origin.beside("copy").join(".git");
    fs::set_permissions(&closed, Permissions::from_mode(0o0)).expect("ours");
    let error = by_nobody(|| {
        Remote::parse(origin.beside("copy").to_str().expect("UTF-8"), Path::new("/")).expect_err("closed")
    });
    fs::set_permissions(&closed, Permissions::from_mode(0o700)).expect("ours");
    let text = error.to_string();
    assert!(text.contains("cannot read") && text.contains(".git") && !text.contains("git init"), "{text}");
}
