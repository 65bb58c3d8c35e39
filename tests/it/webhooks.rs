//! Webhooks: a push is warmed within seconds; who does not know the secret is refused, and who says nothing keeps
//! nobody out.

use std::net::TcpStream;

use warmer_tests::daemon::post;
use warmer_tests::process::quoted;
use warmer_tests::{Daemon, Engine, GIT, Need, Repo, Server, Warmer, needs};

/// The push of a repository at `http://127.0.0.1/project.git`, whatever the port, and its signature with the key
/// `hunter2`, made by `openssl dgst -sha256 -hmac`.
const PUSH: &str = concat!(
    r#"{"ref":"refs/heads/main","after":"1f","#,
    r#""repository":{"clone_url":"http://127.0.0.1/project.git","default_branch":"main"}}"#
);
const SIGNATURE: &str = "sha256=270c16921ef6784d512a7b2a9664e74796f3b3e923ae52264a12508e6c91f91b";

/// A daemon that listens, with the key in its environment.
fn listening(warmer: &mut Warmer) -> (Daemon, String) {
    warmer.set("webhooks.listen", r#""127.0.0.1:0""#).set("webhooks.debounce", r#""0s""#);
    warmer.set("shutdown.drain_delay", r#""0s""#);
    warmer.set("webhooks.github_secret_env", r#""WEBHOOK_KEY""#).env("WEBHOOK_KEY", "hunter2");
    let mut daemon = Daemon::start(warmer);
    let address = daemon.webhooks();
    (daemon, address)
}

fn told(address: &str, signature: &str) -> (u16, String) {
    let headers = [("x-github-event", "push"), ("x-hub-signature-256", signature)];
    post(address, "/webhooks/github", &headers, PUSH)
}

#[test]
fn a_pushed_commit_is_warmed() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        let (mut repo, mut warmer) = (Repo::generated(3, 300, 1), engine.warmer());
        let server = Server::serve(repo.path());
        warmer.run(["repos", "add", &server.url(), "--refresh", "never"]).exits(0);
        let (mut daemon, address) = listening(&mut warmer);
        let (status, body) = told(&address, SIGNATURE);
        assert_eq!(status, 202, "{body}");
        daemon.wait_for("warmed");
        repo.write("new.rs", "fn new() {}\n").commit("two");
        assert_eq!(told(&address, SIGNATURE).0, 202);
        let line = daemon.wait_for("push received from GitHub for ");
        assert!(line.contains(": job ") && line.contains(" queued"), "{line}");
        daemon.wait_for("warmed");
        let list = warmer.run(["repos", "list", "--json"]).exits(0).json();
        assert_eq!(list[0]["commit"], repo.tip(), "{list}");
        daemon.stop().exits(0).never_says("hunter2");
    }
}

#[test]
fn a_bad_signature_is_401_and_told_once() {
    let mut warmer = Warmer::toy();
    needs!(Need::Runtime);
    let (mut daemon, address) = listening(&mut warmer);
    let wrong = SIGNATURE.replace('7', "8");
    for signature in ["", "sha256=", &wrong] {
        assert_eq!(told(&address, signature).0, 401);
    }
    assert!(daemon.wait_for("refused a webhook of GitHub").contains("client=127.0.0.1 "));
    let ran = daemon.stop();
    ran.exits(0).never_says("hunter2");
    assert_eq!(ran.stderr.matches("refused a webhook of GitHub").count(), 1, "{ran:?}");
}

#[test]
fn a_push_is_answered_however_many_connections_say_nothing_and_that_is_told() {
    needs!(Need::Runtime);
    let mut warmer = Warmer::toy();
    let (mut daemon, address) = listening(&mut warmer);
    let silent: Vec<_> = (0..200).map(|_| TcpStream::connect(&address).expect("it listens")).collect();
    assert_eq!(told(&address, SIGNATURE).0, 202);
    daemon.wait_for("closed connections to make room for new ones");
    drop(silent);
    daemon.stop().exits(0);
}

#[test]
fn a_push_that_nobody_follows_is_told_once_with_what_it_named() {
    needs!(Need::Runtime);
    let mut warmer = Warmer::toy();
    let (mut daemon, address) = listening(&mut warmer);
    for _ in 0..3 {
        assert_eq!(told(&address, SIGNATURE).0, 202);
    }
    let line = daemon.wait_for("no repository here follows");
    assert!(line.contains("127.0.0.1/project") && line.contains("refs/heads/main"), "{line}");
    let ran = daemon.stop();
    assert_eq!(ran.stderr.matches("no repository here follows").count(), 1, "{ran:?}");
}

#[test]
fn a_secret_that_is_replaced_in_its_file_counts_without_a_restart() {
    needs!(Need::Runtime);
    let mut warmer = Warmer::toy();
    let file = warmer.home().join("secret");
    std::fs::write(&file, "another").expect("a writable home");
    warmer.set("webhooks.listen", r#""127.0.0.1:0""#).set("webhooks.github_secret_file", quoted(&file));
    warmer.set("shutdown.drain_delay", r#""0s""#);
    let mut daemon = Daemon::start(&warmer);
    let address = daemon.webhooks();
    assert_eq!(told(&address, SIGNATURE).0, 401);
    std::fs::write(&file, "hunter2\n").expect("a writable home");
    assert_eq!(told(&address, SIGNATURE).0, 202);
    daemon.stop().exits(0).never_says("hunter2");
}

/// A request without the name of a delivery cannot be told from a second push: it is a check, which finds nothing new.
#[test]
fn a_push_that_is_told_again_changes_nothing_that_is_served() {
    needs!(GIT, Need::Runtime);
    let (repo, mut warmer) = (Repo::generated(3, 300, 1), Engine::Sqlite.warmer());
    let server = Server::serve(repo.path());
    warmer.run(["repos", "add", &server.url(), "--refresh", "never"]).exits(0);
    let (mut daemon, address) = listening(&mut warmer);
    assert_eq!(told(&address, SIGNATURE).0, 202);
    // The vectors come after what is served.
    daemon.wait_for_all(&["outcome=\"warmed\"", "outcome=\"filled\""]);
    let before = warmer.database().dump();
    assert_eq!(told(&address, SIGNATURE).0, 202);
    daemon.wait_for("outcome=\"fresh\"");
    assert_eq!(warmer.database().dump(), before);
    daemon.stop().exits(0);
}

#[test]
fn a_secret_that_is_named_but_missing_is_a_mistake() {
    let mut warmer = Warmer::empty();
    warmer.set("webhooks.listen", r#""127.0.0.1:0""#).set("webhooks.github_secret_env", r#""WEBHOOK_KEY""#);
    for arguments in [&["config", "check"][..], &["run"]] {
        warmer.run(arguments).exits(78).says("WEBHOOK_KEY: webhooks for GitHub");
    }
}
