//! Health: what probes are told, from the start to the end, whatever becomes of the database.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

use warmer_tests::daemon::{get, post, until_answers};
use warmer_tests::process::quoted;
use warmer_tests::server::{Ask, Fault};
use warmer_tests::{Daemon, Engine, GIT, Need, Repo, Server, Warmer, needs};

use crate::silent::Scene;

const OPENSSL: Need = Need::Program("openssl");

/// Any port of this machine, as TOML.
const ANY_PORT: &str = r#""127.0.0.1:0""#;

fn live(address: &str) {
    assert_eq!(get(address, "/livez"), (200, "live".to_owned()));
}

#[test]
fn a_database_that_is_gone_makes_nobody_restart_a_process_and_nobody_send_to_it() {
    needs!(Need::Runtime);
    let Some(mut scene) = Scene::new() else { return };
    scene.warmer.set("admin.listen", ANY_PORT).set("shutdown.drain_delay", r#""0s""#);
    let mut daemon = Daemon::begin(&scene.warmer);
    let address = daemon.listens("admin");
    daemon.wait_for("started instance=");
    until_answers(&address, "/readyz", (200, "ready"));
    scene.proxy.cut();
    until_answers(&address, "/readyz", (503, "waiting"));
    live(&address);
    assert_eq!(get(&address, "/startupz").0, 200);
    let url = format!("http://{address}/livez");
    scene.warmer.run(["healthcheck", "--url", &url]).exits(0).says("/livez: live");
    scene.warmer.run(["healthcheck", "--url", &url.replace("livez", "readyz")]).exits(1).says("answers 503: waiting");
    scene.proxy.heal();
    until_answers(&address, "/readyz", (200, "ready"));
    daemon.stop().exits(0);
}

#[test]
fn a_process_that_waits_for_its_database_has_started_and_lives_and_is_not_ready() {
    needs!(Need::Runtime);
    let mut warmer = Engine::Sqlite.warmer();
    warmer.set("admin.listen", ANY_PORT).env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nowhere");
    let mut daemon = Daemon::begin(&warmer);
    let address = daemon.listens("admin");
    daemon.wait_for("cannot use the database");
    live(&address);
    assert_eq!(get(&address, "/startupz"), (200, "started".to_owned()));
    assert_eq!(get(&address, "/readyz"), (503, "starting".to_owned()));
    daemon.stop().exits(0).never_says("draining");
}

/// A daemon that also hears webhooks, with the key in its environment; where it tells of itself, and where it hears.
fn listening(warmer: &mut Warmer) -> (Daemon, String, String) {
    warmer.set("admin.listen", r#""""#).set("admin.health_listen", ANY_PORT).set("webhooks.listen", ANY_PORT);
    warmer.set("webhooks.gitlab_token_env", r#""WEBHOOK_TOKEN""#).env("WEBHOOK_TOKEN", "hunter2");
    warmer.set("webhooks.debounce", r#""0s""#).set("shutdown.drain_delay", r#""1h""#);
    let mut daemon = Daemon::begin(warmer);
    let health = daemon.listens("health");
    daemon.wait_for("started instance=");
    let webhooks = daemon.listens("webhooks");
    (daemon, health, webhooks)
}

/// A push to the repository that the configuration names, as GitLab tells it.
fn pushed(webhooks: &str) -> (u16, String) {
    let push = r#"{"object_kind":"push","ref":"refs/heads/main","after":"1f",
        "project":{"git_http_url":"http://127.0.0.1/app.git","default_branch":"main"}}"#;
    let headers = [("x-gitlab-event", "Push Hook"), ("x-gitlab-token", "hunter2")];
    post(webhooks, "/webhooks/gitlab", &headers, push)
}

#[test]
fn sigterm_makes_it_unready_at_once_and_requests_are_served_and_jobs_taken_for_a_while() {
    needs!(Need::Runtime);
    let mut warmer = Engine::Sqlite.warmer();
    warmer.set("repositories", r#"[{ url = "http://127.0.0.1:1/app.git", refresh = "never" }]"#);
    let (mut daemon, health, webhooks) = listening(&mut warmer);
    until_answers(&health, "/readyz", (200, "ready"));
    daemon.terminate();
    daemon.wait_for("draining: not ready any more");
    assert_eq!(get(&health, "/readyz"), (503, "draining".to_owned()));
    live(&health);
    assert_eq!(pushed(&webhooks).0, 202);
    daemon.wait_for("job ended");
    daemon.terminate();
    daemon.finish().exits(143).never_says("stopping");
}

#[test]
fn after_the_delay_pushes_are_refused_while_open_jobs_end_and_it_still_lives() {
    needs!(GIT, Need::Runtime);
    let repo = Repo::generated(3, 300, 1);
    let mut warmer = Engine::Sqlite.warmer();
    let server = Server::serve(repo.path());
    server.fault(Ask::Objects, Fault::Hang);
    warmer.run(["repos", "add", &server.url(), "--refresh", "never"]).exits(0);
    warmer.run(["enqueue", "project"]).exits(0);
    warmer.set("shutdown.grace", r#""1h""#);
    let (mut daemon, health, webhooks) = listening(warmer.env("WARMER__SHUTDOWN__DRAIN_DELAY", "0s"));
    server.wait_for(Ask::Objects);
    daemon.terminate();
    daemon.wait_for("stopping: no more jobs are taken");
    assert!(TcpStream::connect(&webhooks).is_err(), "it hears of pushes");
    live(&health);
    assert_eq!(get(&health, "/readyz"), (503, "draining".to_owned()));
    daemon.terminate();
    daemon.finish().exits(143);
}

#[test]
fn ctrl_c_and_a_process_without_a_port_skip_the_delay() {
    needs!(Need::Runtime);
    let mut warmer = Engine::Sqlite.warmer();
    let (daemon, ..) = listening(&mut warmer);
    daemon.interrupt();
    daemon.finish().exits(0).says("stopped").never_says("draining");
    let mut silent = Engine::Sqlite.warmer();
    silent.set("shutdown.drain_delay", r#""1h""#);
    Daemon::start(&silent).stop().exits(0).says("stopped").never_says("draining");
}

/// A certificate for this machine and its key, made by `openssl`.
fn certify(certificate: &Path, key: &Path) {
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]);
    openssl.args(["-subj", "/CN=warmer", "-addext", "subjectAltName=IP:127.0.0.1", "-out"]);
    let made = openssl.arg(certificate).arg("-keyout").arg(key).output().expect("openssl starts");
    assert!(made.status.success(), "{made:?}");
}

/// What another TLS program says about the certificate that is shown, if it trusts this one alone.
fn verified(address: &str, certificate: &Path) -> bool {
    let mut client = Command::new("openssl");
    client.args(["s_client", "-connect", address, "-verify_return_error", "-verify_ip", "127.0.0.1", "-CAfile"]);
    client.arg(certificate).stdin(Stdio::null()).output().expect("openssl starts").status.success()
}

#[test]
fn wider_than_this_machine_it_speaks_tls_by_a_certificate_that_may_be_replaced_meanwhile() {
    needs!(Need::Runtime, OPENSSL);
    let mut warmer = Engine::Sqlite.warmer();
    let (certificate, key) = (warmer.home().join("certificate.pem"), warmer.home().join("key.pem"));
    let (next, next_key) = (warmer.home().join("next.pem"), warmer.home().join("next-key.pem"));
    certify(&certificate, &key);
    certify(&next, &next_key);
    warmer.set("admin.listen", r#""0.0.0.0:0""#).set("shutdown.drain_delay", r#""0s""#);
    warmer.set("admin.tls_certificate", quoted(&certificate)).set("admin.tls_key", quoted(&key));
    let mut daemon = Daemon::begin(&warmer);
    let address = daemon.listens("admin").replace("0.0.0.0", "127.0.0.1");
    daemon.wait_for("started instance=");
    let url = format!("https://{address}/livez");
    warmer.run(["healthcheck", "--url", &url]).exits(0).says("/livez: live");
    assert!(verified(&address, &certificate) && !verified(&address, &next));
    std::fs::rename(&next, &certificate).expect("a writable home");
    std::fs::rename(&next_key, &key).expect("a writable home");
    assert!(verified(&address, &certificate));
    warmer.run(["healthcheck", "--url", &url]).exits(0);
    daemon.wait_for("the certificate was renewed");
    warmer.run(["doctor"]).never_says("admin.tls_certificate");
    std::fs::remove_file(&key).expect("a writable home");
    warmer.run(["doctor"]).exits(1).says("admin.tls_certificate: cannot read");
    daemon.stop().exits(0);
}

#[test]
fn a_port_that_others_reach_without_tls_or_a_proxy_is_a_mistake() {
    let mut warmer = Warmer::empty();
    warmer.set("admin.listen", r#""0.0.0.0:8321""#);
    for arguments in [&["config", "check"][..], &["run"]] {
        let ran = warmer.run(arguments);
        ran.exits(78).says("warmer.toml:1:7: admin.listen: other machines reach this address");
    }
    warmer.set("admin.behind_proxy", "true").set("admin.trusted_proxies", r#"["10.0.0.0/8"]"#);
    warmer.run(["config", "check"]).exits(0);
    warmer.set("admin.trusted_proxies", r#"["10.0.0.0/8", "the-proxy"]"#);
    warmer.run(["config", "check"]).exits(78).says("expected an address or a range of them");
}

#[test]
fn a_port_that_is_taken_is_an_error_where_it_was_asked_for_and_else_a_warning() {
    needs!(Need::Runtime);
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("it listens").to_string();
    for key in ["admin.listen", "admin.health_listen"] {
        let mut warmer = Engine::Sqlite.warmer();
        warmer.set(key, format!("\"{address}\""));
        warmer.run(["run"]).exits(1).says(&format!("{key}: cannot listen on {address}"));
    }
    // Where another program has it already, that does as well.
    let _ours = TcpListener::bind("127.0.0.1:8321");
    let warmer = Engine::Sqlite.warmer().with_default_ports();
    let daemon = Daemon::start(&warmer);
    daemon.stop().exits(0).says("admin.listen: cannot listen on 127.0.0.1:8321").never_says("draining");
}

#[test]
fn a_health_check_without_a_daemon_fails_with_a_sentence() {
    let mut warmer = Warmer::empty();
    warmer.run(["healthcheck"]).exits(1).says("nobody can be asked");
    warmer.set("admin.health_listen", r#""127.0.0.1:1""#);
    warmer.run(["healthcheck"]).exits(1).says("http://127.0.0.1:1/livez does not answer");
}
