//! What is promised about probes, over a real port.

use std::sync::atomic::AtomicBool;

use super::*;
use crate::{Exposure, Limits, Listening, ask};

/// A pipeline that is as it is told.
#[derive(Clone, Default)]
struct Pretends {
    answers: Arc<AtomicBool>,
    may_claim: Arc<AtomicBool>,
}

#[async_trait]
impl Works for Pretends {
    async fn answers(&self) -> bool {
        self.answers.load(Ordering::Relaxed)
    }

    fn may_claim(&self) -> bool {
        self.may_claim.load(Ordering::Relaxed)
    }
}

async fn listening(health: &Health) -> Listening {
    let exposure = Exposure { listen: "127.0.0.1:0", ..Exposure::default() };
    Listening::start(exposure, health.router(), Limits::of_questions()).await.unwrap()
}

/// The answers of `/livez`, `/startupz` and `/readyz`.
async fn answers(listening: &Listening) -> [(u16, String); 3] {
    let one = async |path| ask(listening.address, path, None).await.unwrap();
    [one("/livez").await, one("/startupz").await, one("/readyz").await]
}

fn expected(states: [(u16, &str); 3]) -> [(u16, String); 3] {
    states.map(|(status, word)| (status, word.to_owned()))
}

#[tokio::test]
async fn each_probe_says_its_state_in_one_word_from_the_start_to_the_end() {
    let (health, works) = (Health::default(), Pretends::default());
    let listening = listening(&health).await;
    assert_eq!(answers(&listening).await, expected([(200, "live"), (503, "starting"), (503, "starting")]));
    health.start();
    assert_eq!(answers(&listening).await, expected([(200, "live"), (200, "started"), (503, "starting")]));
    works.answers.store(true, Ordering::Relaxed);
    health.watch(works.clone());
    assert_eq!(answers(&listening).await, expected([(200, "live"), (200, "started"), (503, "waiting")]));
    works.may_claim.store(true, Ordering::Relaxed);
    assert_eq!(answers(&listening).await, expected([(200, "live"), (200, "started"), (200, "ready")]));
    health.drain();
    assert_eq!(answers(&listening).await, expected([(200, "live"), (200, "started"), (503, "draining")]));
    works.answers.store(false, Ordering::Relaxed);
    assert_eq!(answers(&listening).await, expected([(503, "stuck"), (200, "started"), (503, "draining")]));
    listening.stop().await;
}

#[tokio::test]
async fn a_probe_asks_by_get_or_head_without_a_body_and_for_nothing_else() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let listening = listening(&Health::default()).await;
    for (request, status, last) in [
        ("HEAD /livez", "200", "\r\n\r\n"),
        ("HEAD /startupz", "503", "\r\n\r\n"),
        ("GET /livez?verbose", "200", "\r\n\r\nlive"),
        ("POST /livez", "405", "\r\n\r\n"),
        ("GET /metrics", "404", "\r\n\r\n"),
    ] {
        let mut stream = tokio::net::TcpStream::connect(listening.address).await.unwrap();
        let request_text = format!("{request} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
        stream.write_all(request_text.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        assert!(text.starts_with(&format!("HTTP/1.1 {status} ")) && text.ends_with(last), "{request}: {text}");
    }
    let mut stream = tokio::net::TcpStream::connect(listening.address).await.unwrap();
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\n\r\nx").await.unwrap();
    let mut text = vec![0; 12];
    stream.read_exact(&mut text).await.unwrap();
    assert_eq!(text, b"HTTP/1.1 413");
}

#[tokio::test]
async fn who_asks_nobody_is_told_so() {
    let health = Health::default();
    let gone = listening(&health).await;
    let address = gone.address;
    gone.stop().await;
    assert!(ask(address, "/livez", None).await.unwrap_err().to_string().contains("refused"));
}
