//! What is promised about a listener, over a real port.

use axum::body::Bytes;
use axum::extract::Extension;
use axum::routing::post;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Notify;

use super::*;

/// Any port of this machine.
const PORT: Exposure<'_> = Exposure {
    name: "test",
    key: "test.listen",
    listen: "127.0.0.1:0",
    tls_certificate: "",
    tls_key: "",
    behind_proxy: false,
    trusted_proxies: &[],
};

/// Far beyond what anything here takes: it ends a hang.
const HANG: Duration = Duration::from_secs(60);

/// So long that it never is what a test sees.
const NEVER: Duration = Duration::from_hours(1);

fn patient() -> Limits {
    Limits { connections: 4, headers: NEVER, body: NEVER, stall: NEVER, whole: NEVER, ..Limits::of_body(100) }
}

async fn listening(limits: Limits) -> Listening {
    let router = Router::new().route("/", post(async |body: Bytes| body.len().to_string()));
    Listening::start(PORT, router, limits).await.unwrap()
}

/// A router that says when a request came in, and answers when it is told to.
fn slow() -> (Router, Arc<Notify>, Arc<Notify>) {
    let (entered, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (enter, told) = (entered.clone(), go.clone());
    let slow = post(async move |_: Bytes| {
        enter.notify_one();
        told.notified().await;
        "done"
    });
    (Router::new().route("/", slow), entered, go)
}

async fn connected(listening: &Listening) -> TcpStream {
    TcpStream::connect(listening.address).await.unwrap()
}

/// A request of which only the start of the body is sent.
async fn began(listening: &Listening, length: usize, sent: &str) -> TcpStream {
    let mut stream = connected(listening).await;
    let head = format!("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: {length}\r\n\r\n{sent}");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// All that comes until the connection ends.
async fn answered(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    // A connection that was told to go ends hard.
    timeout(HANG, stream.read_to_string(&mut text)).await.unwrap().ok();
    text
}

async fn asked(listening: &Listening, body: &str) -> String {
    answered(&mut began(listening, body.len(), body).await).await
}

#[tokio::test]
async fn whoever_says_nothing_makes_room_the_oldest_first() {
    let listening = listening(patient()).await;
    let mut silent = Vec::new();
    for _ in 0..4 {
        silent.push(connected(&listening).await);
    }
    for number in 0..4 {
        assert!(asked(&listening, "abc").await.starts_with("HTTP/1.1 200"), "{number} silent ones went");
        // The place of one that was answered is free again; then the next silent one takes it.
        silent.push(connected(&listening).await);
    }
    assert_eq!(answered(&mut silent[0]).await, "");
    listening.stop().await;
}

#[tokio::test]
async fn whoever_drips_a_body_makes_room_too_and_who_is_answered_does_not() {
    let (router, entered, go) = slow();
    let listening = Listening::start(PORT, router, Limits { connections: 1, ..patient() });
    let listening = listening.await.unwrap();
    let mut first = began(&listening, 0, "").await;
    entered.notified().await;
    for _ in 0..3 {
        let mut drips = began(&listening, 9, "a").await;
        assert_eq!(answered(&mut drips).await, "", "there is no room beside the one that is answered");
    }
    go.notify_one();
    assert!(answered(&mut first).await.ends_with("done"));
}

#[tokio::test]
async fn headers_have_a_limit_of_their_own() {
    let listening = listening(Limits { headers: Duration::from_millis(50), ..patient() }).await;
    let mut silent = connected(&listening).await;
    let mut drips = connected(&listening).await;
    drips.write_all(b"POST / HTTP/1.1\r\nhost").await.unwrap();
    for stream in [&mut silent, &mut drips] {
        assert!(!answered(stream).await.contains("200"));
    }
}

#[tokio::test]
async fn a_body_that_stalls_breaks_off_or_is_too_large_is_told_by_its_cause() {
    let listening = listening(Limits { stall: Duration::from_millis(200), ..patient() }).await;
    let mut stalls = began(&listening, 9, "abc").await;
    let stalled = answered(&mut stalls).await;
    assert!(stalled.starts_with("HTTP/1.1 408") && stalled.contains("the body stalled"), "{stalled}");
    let mut breaks = began(&listening, 9, "abc").await;
    breaks.shutdown().await.unwrap();
    let broken = answered(&mut breaks).await;
    assert!(broken.starts_with("HTTP/1.1 400") && broken.contains("broke off after 3 bytes"), "{broken}");
    let large = asked(&listening, &"x".repeat(101)).await;
    assert!(large.starts_with("HTTP/1.1 413") && large.contains("test.body_max, which is 100 bytes"), "{large}");
}

#[tokio::test]
async fn bodies_in_memory_are_bounded_together() {
    let (router, entered, go) = slow();
    let limits = Limits { bodies_bytes_max: 10, body: Duration::from_millis(200), ..patient() };
    let listening = Listening::start(PORT, router, limits).await.unwrap();
    let mut holds = began(&listening, 8, "12345678").await;
    entered.notified().await;
    let waited = asked(&listening, "12345").await;
    assert!(waited.starts_with("HTTP/1.1 408"), "there is no room beside the one that is answered: {waited}");
    go.notify_one();
    assert!(answered(&mut holds).await.ends_with("done"));
    let mut next = began(&listening, 5, "12345").await;
    go.notify_one();
    assert!(answered(&mut next).await.ends_with("done"), "its room is free again");
}

/// A listener whose connections are kept.
async fn keeping(limits: Limits) -> Listening {
    listening(Limits { keep_alive: true, ..limits }).await
}

/// Sends a request on a connection and reads its answer, whose body is one character.
async fn ask_on(stream: &mut TcpStream) -> String {
    ask_for(stream, "192.0.2.1").await
}

/// The same as a proxy that asks for another.
async fn ask_for(stream: &mut TcpStream, client: &str) -> String {
    let head = format!("POST / HTTP/1.1\r\nhost: h\r\nx-forwarded-for: {client}\r\ncontent-length: 3\r\n\r\nabc");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n3") {
        let byte = timeout(HANG, stream.read_u8()).await.unwrap();
        text.push(byte.unwrap_or_else(|error| panic!("{error} after {}", String::from_utf8_lossy(&text))));
    }
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn a_connection_that_is_kept_answers_one_request_after_the_other_and_ends_with_the_listener() {
    let listening = keeping(Limits { grace: NEVER, ..patient() }).await;
    let mut stream = connected(&listening).await;
    for _ in 0..3 {
        assert!(ask_on(&mut stream).await.starts_with("HTTP/1.1 200"));
    }
    // It waits for a further request, and so does not hold up the end.
    timeout(HANG, listening.stop()).await.unwrap();
    assert_eq!(answered(&mut stream).await, "");
}

#[tokio::test]
async fn a_connection_that_waits_for_its_next_request_makes_room() {
    let listening = keeping(patient()).await;
    let mut kept = Vec::new();
    for _ in 0..4 {
        let mut stream = connected(&listening).await;
        ask_on(&mut stream).await;
        kept.push(stream);
    }
    let mut next = connected(&listening).await;
    assert!(ask_on(&mut next).await.starts_with("HTTP/1.1 200"));
    assert_eq!(answered(&mut kept[0]).await, "", "the oldest went");
    assert!(ask_on(&mut kept[1]).await.starts_with("HTTP/1.1 200"), "and no other");
}

#[tokio::test]
async fn a_connection_waits_for_its_next_request_no_longer_than_for_headers() {
    let listening = keeping(Limits { headers: Duration::from_millis(50), ..patient() }).await;
    let mut stream = connected(&listening).await;
    ask_on(&mut stream).await;
    assert!(!answered(&mut stream).await.contains("200"));
}

#[tokio::test]
async fn the_limit_of_a_whole_request_holds_for_each_and_an_answer_that_comes_too_late_is_broken_off() {
    let (router, entered, _never) = slow();
    let limits = Limits { keep_alive: true, whole: Duration::from_millis(300), ..patient() };
    let listening = Listening::start(PORT, router, limits).await.unwrap();
    let mut stream = began(&listening, 0, "").await;
    entered.notified().await;
    assert_eq!(answered(&mut stream).await, "");
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a test waits for it")]
async fn what_is_being_answered_when_the_listener_stops_has_the_grace() {
    let (router, entered, go) = slow();
    let limits = Limits { keep_alive: true, grace: NEVER, ..patient() };
    let listening = Listening::start(PORT, router, limits).await.unwrap();
    let mut stream = began(&listening, 0, "").await;
    entered.notified().await;
    let stopping = tokio::spawn(listening.stop());
    go.notify_one();
    assert!(answered(&mut stream).await.ends_with("done"));
    timeout(HANG, stopping).await.unwrap().unwrap();
}

/// What a listener with these proxies takes for the client of a request with this header.
async fn client(trusted: &[Network], header: &str) -> String {
    let router = Router::new().route("/", post(async |client: Extension<Client>| client.0.0.to_string()));
    let exposure = Exposure { behind_proxy: true, trusted_proxies: trusted, ..PORT };
    let listening = Listening::start(exposure, router, patient()).await.unwrap();
    let mut stream = connected(&listening).await;
    let request = format!("POST / HTTP/1.1\r\nhost: h\r\n{header}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    answered(&mut stream).await.rsplit("\r\n").next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_request_is_of_whom_a_trusted_proxy_names_and_nobody_else_is_believed() {
    let ours = ["127.0.0.0/8".parse().unwrap()];
    assert_eq!(client(&ours, "X-Forwarded-For: 192.0.2.1, 192.0.2.43").await, "192.0.2.43");
    assert_eq!(client(&ours, "Forwarded: for=192.0.2.43;proto=https").await, "192.0.2.43");
    let others = ["10.0.0.0/8".parse().unwrap()];
    assert_eq!(client(&others, "X-Forwarded-For: 192.0.2.43").await, "127.0.0.1");
}

#[tokio::test]
async fn connections_of_a_proxy_are_counted_for_whom_it_asks() {
    let ours = ["127.0.0.0/8".parse().unwrap()];
    let exposure = Exposure { behind_proxy: true, trusted_proxies: &ours, ..PORT };
    let router = Router::new().route("/", post(async |body: Bytes| body.len().to_string()));
    let limits = Limits { connections: 3, keep_alive: true, ..patient() };
    let listening = Listening::start(exposure, router, limits).await.unwrap();
    let mut kept = Vec::new();
    for client in ["192.0.2.1", "192.0.2.2", "192.0.2.2"] {
        let mut stream = connected(&listening).await;
        ask_for(&mut stream, client).await;
        kept.push(stream);
    }
    let mut next = connected(&listening).await;
    ask_for(&mut next, "192.0.2.3").await;
    assert_eq!(answered(&mut kept[1]).await, "", "the older one of the address that has two");
    assert!(ask_for(&mut kept[0], "192.0.2.1").await.starts_with("HTTP/1.1 200"), "and not the oldest of all");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_with_the_way_out() {
    let listening = listening(patient()).await;
    let address = listening.address.to_string();
    let there = Exposure { listen: &address, ..PORT };
    let error = Listening::start(there, Router::new(), patient()).await.map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), format!("test.listen: cannot listen on {address}; choose another address or port"));
}
