//! What goes wrong on a network.

use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use warmer_git::{
    Credential, ErrorKind, GitError, GitSettings, Mirrors, Options, PrivateNetworks, Protocol, Remote, Secret,
    SecretSource,
};

use crate::kit::{GO, MAIN, Origin, Put, entries, fetch, noise};
use crate::server::{Manner, Server};

const TOKEN: &str = "s3cr3t-t0ken";

/// http is allowed here, and a token is configured for the given host.
fn options(host: &str) -> Options {
    let credential =
        Credential { host: host.into(), username: "me".into(), token: SecretSource::Text(Secret::new(TOKEN)) };
    let settings = GitSettings { protocols: vec![Protocol::Http, Protocol::File], ..GitSettings::default() };
    Options { credentials: vec![credential], ..settings.into() }
}

fn tip_error(origin: &Origin, server: &Server) -> GitError {
    let error =
        origin.mirrors_with(options("example.org")).tip(&server.remote(), None, &GO).expect_err("it misbehaves");
    let text = format!("{error} {error:?}");
    assert!(text.contains(server.remote().url()) && !text.contains(TOKEN), "{text}");
    error
}

#[test]
fn a_repository_is_served_over_http() {
    let origin = Origin::with_a_file();
    let server = Server::start(Manner::Serve(origin.path()));
    let mirrors = origin.mirrors_with(options("example.org"));
    let tip = mirrors.tip(&server.remote(), None, &GO).expect("it answers");
    assert_eq!(tip.reference, MAIN);
    assert_eq!(server.requests().len(), 2, "a greeting and one listing");
    let mirror = mirrors.take(&server.remote(), &GO).expect("free");
    assert_eq!(Some(fetch(&mirror).expect("it sends").commit), tip.commit);
}

#[test]
fn http_is_refused_unless_allowed() {
    let origin = Origin::with_a_file();
    let server = Server::start(Manner::Serve(origin.path()));
    let error = origin.mirrors().tip(&server.remote(), None, &GO).expect_err("not in the default");
    assert_eq!(error.kind(), ErrorKind::NotAllowed);
    assert!(server.requests().is_empty());
}

#[test]
fn every_status_has_its_class() {
    let origin = Origin::new();
    for (status, kind, temporary) in [
        ("401 Unauthorized", ErrorKind::Unauthenticated, false),
        ("403 Forbidden", ErrorKind::Forbidden, false),
        ("404 Not Found", ErrorKind::NotFound, false),
        ("410 Gone", ErrorKind::NotFound, false),
        ("429 Too Many Requests", ErrorKind::RateLimited, true),
        ("500 Internal Server Error", ErrorKind::Unreachable, true),
        ("503 Service Unavailable", ErrorKind::Unreachable, true),
    ] {
        let error = tip_error(&origin, &Server::start(Manner::Status(status)));
        assert_eq!((error.kind(), error.is_temporary()), (kind, temporary), "{status}: {error}");
    }
}

#[test]
fn a_page_for_people_is_no_repository() {
    let error = tip_error(&Origin::new(), &Server::start(Manner::Page));
    assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::NotGit, false), "{error}");
}

#[test]
fn a_refused_connection_is_unreachable_and_temporary() {
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let remote = Remote::from_url(&format!("http://{address}/a")).expect("a URL");
    let error = Origin::new().mirrors_with(options("example.org")).tip(&remote, None, &GO).expect_err("nobody listens");
    assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::Unreachable, true), "{error}");
    assert!(error.to_string().contains(remote.url()), "{error}");
}

#[test]
fn an_unknown_host_is_unreachable_and_temporary() {
    let remote = Remote::from_url("http://no-such-host.invalid/a").expect("a URL");
    let error = Origin::new().mirrors_with(options("example.org")).tip(&remote, None, &GO).expect_err("no such host");
    assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::Unreachable, true), "{error}");
}

#[test]
fn a_token_is_never_sent_in_clear_text() {
    let server = Server::start(Manner::Status("401 Unauthorized"));
    let mirrors: Mirrors = Origin::new().mirrors_with(options(&server.address.to_string()));
    let error = mirrors.tip(&server.remote(), None, &GO).expect_err("it wants credentials");
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(error.to_string().contains("https"), "{error}");
    assert!(server.requests().iter().all(|head| !head.contains("authorization:")), "{:?}", server.requests());
}

#[test]
fn a_redirect_is_followed_without_taking_a_token_along() {
    let origin = Origin::with_a_file();
    let target = Server::start(Manner::Serve(origin.path()));
    let server = Server::start(Manner::Redirect(target.address));
    let mut options = options(&server.address.to_string());
    options.settings.private_networks = PrivateNetworks::All;
    let mirrors = origin.mirrors_with(options);
    assert_eq!(mirrors.tip(&server.remote(), None, &GO).expect("it arrives").reference, MAIN);
    let mirror = mirrors.take(&server.remote(), &GO).expect("free");
    fetch(&mirror).expect("the fetch goes where the listing came from");
    assert!(target.requests().iter().all(|head| !head.contains("authorization:")), "{:?}", target.requests());
}

#[test]
fn a_redirect_to_another_server_on_a_private_network_is_refused_and_that_server_hears_nothing() {
    let origin = Origin::with_a_file();
    let target = Server::start(Manner::Serve(origin.path()));
    let server = Server::start(Manner::Redirect(target.address));
    let error = tip_error(&origin, &server);
    assert!(error.kind() == ErrorKind::NotAllowed && error.to_string().contains("private_networks"), "{error}");
    assert!(target.requests().is_empty(), "{:?}", target.requests());
}

#[test]
fn a_private_address_that_was_named_is_refused_where_none_is_allowed_by_its_name_too() {
    let origin = Origin::with_a_file();
    let server = Server::start(Manner::Serve(origin.path()));
    let mut none = options("example.org");
    none.settings.private_networks = PrivateNetworks::None;
    let mirrors = origin.mirrors_with(none);
    for host in ["127.0.0.1", "localhost"] {
        let remote = Remote::from_url(&format!("http://{host}:{}/a", server.address.port())).expect("a URL");
        let error = mirrors.tip(&remote, None, &GO).expect_err(host);
        assert!(error.kind() == ErrorKind::NotAllowed, "{host}: {error}");
    }
    assert!(server.requests().is_empty(), "{:?}", server.requests());
}

#[test]
fn a_truncated_pack_is_a_connection_that_broke_off_and_leaves_nothing_behind() {
    let origin = Origin::new();
    let big = noise(500_000);
    origin.commit(&[Put::File(b"big", &big)]);
    let server = Server::start(Manner::Truncate(origin.path()));
    let mirror = origin.mirrors_with(options("example.org")).take(&server.remote(), &GO).expect("free");
    let error = fetch(&mirror).expect_err("half a pack");
    assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::Unreachable, true), "{error}");
    drop(mirror);
    assert!(entries(&origin.mirror_folder().join("objects/pack")).is_empty());
}

#[test]
fn a_stop_flag_ends_a_fetch_in_the_middle_and_progress_is_told() {
    let origin = Origin::new();
    let big = noise(2_000_000);
    origin.commit(&[Put::File(b"big", &big)]);
    let (go_on, word) = mpsc::channel();
    let server = Server::start(Manner::Pause(origin.path(), word));
    let mirror = origin.mirrors_with(options("example.org")).take(&server.remote(), &GO).expect("free");
    let (stop, heard) = (AtomicBool::new(false), Mutex::new(0));
    // The second call after the flag was raised happens when it is already known inside; only then is more sent.
    let progress = |bytes: u64| {
        if stop.load(Ordering::SeqCst) {
            go_on.send(()).expect("the server runs");
        }
        if bytes > 0 {
            *heard.lock().expect("not poisoned") = bytes;
            stop.store(true, Ordering::SeqCst);
        }
    };
    let error = mirror.fetch(MAIN, &stop, &progress).expect_err("stopped");
    assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::Interrupted, true), "{error}");
    assert!(*heard.lock().expect("not poisoned") > 0);
    drop(mirror);
    assert!(entries(&origin.mirror_folder().join("objects/pack")).is_empty());
}
