//! What is promised about certificates, over a real port, with certificates of `openssl`.

#![expect(clippy::disallowed_types, reason = "tests start programs of their own")]

use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::*;
use crate::{AskError, Limits, ListenError, Listening, ask};

/// Far beyond what anything here takes: it ends a hang.
const HANG: Duration = Duration::from_secs(60);

/// A directory with a certificate and its key.
struct Pair(TempDir);

impl Pair {
    /// Of `openssl`; none where there is no such program, which is said as a test that was not run.
    fn new() -> Option<Self> {
        let pair = Self(tempfile::tempdir().unwrap());
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]);
        openssl.args(["-subj", "/CN=warmer", "-addext", "subjectAltName=IP:127.0.0.1", "-out"]);
        match openssl.arg(pair.certificate()).arg("-keyout").arg(pair.key()).output() {
            Ok(made) => assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr)),
            Err(_) => {
                say_missing();
                return None;
            }
        }
        Some(pair)
    }

    fn certificate(&self) -> PathBuf {
        self.0.path().join("certificate.pem")
    }

    fn key(&self) -> PathBuf {
        self.0.path().join("key.pem")
    }

    async fn listening(&self) -> Result<Listening, ListenError> {
        self.listening_within(Limits::of_questions()).await
    }

    async fn listening_within(&self, limits: Limits) -> Result<Listening, ListenError> {
        let (certificate, key) = (self.certificate().display().to_string(), self.key().display().to_string());
        let exposure = Exposure {
            name: "test",
            listen: "127.0.0.1:0",
            tls_certificate: &certificate,
            tls_key: &key,
            ..Exposure::default()
        };
        let router = Router::new().route("/", get(async || "here"));
        Listening::start(exposure, router, limits).await
    }
}

/// Past the test harness, which keeps the output of tests that pass to itself.
#[expect(clippy::disallowed_methods, reason = "a test asks whether all is required")]
fn say_missing() {
    io::stderr().write_all(b"not run: openssl missing\n").unwrap();
    assert!(std::env::var_os("WARMER_TEST_REQUIRE").is_none_or(|all| all != "all"), "openssl is required");
}

async fn here(listening: &Listening, certificate: &Path) -> Result<(u16, String), AskError> {
    ask(listening.address, "/", Some(certificate)).await
}

#[tokio::test]
async fn a_listener_with_a_certificate_speaks_tls_and_nothing_else() {
    let (Some(ours), Some(other)) = (Pair::new(), Pair::new()) else { return };
    let listening = ours.listening().await.unwrap();
    assert_eq!(here(&listening, &ours.certificate()).await.unwrap(), (200, "here".to_owned()));
    let another = here(&listening, &other.certificate()).await.unwrap_err();
    assert!(another.to_string().contains("certificate"), "{another}");
    assert!(ask(listening.address, "/", None).await.is_err(), "plain HTTP gets no answer");
    listening.stop().await;
}

#[tokio::test]
async fn a_certificate_that_is_renewed_is_shown_without_a_restart_once_both_files_are_there() {
    let (Some(ours), Some(renewed)) = (Pair::new(), Pair::new()) else { return };
    let listening = ours.listening().await.unwrap();
    let before = ours.0.path().join("before.pem");
    std::fs::copy(ours.certificate(), &before).unwrap();
    assert!(here(&listening, &before).await.is_ok());
    std::fs::rename(renewed.certificate(), ours.certificate()).unwrap();
    assert!(here(&listening, &before).await.is_ok(), "the key is still that of before");
    std::fs::rename(renewed.key(), ours.key()).unwrap();
    assert!(here(&listening, &ours.certificate()).await.is_ok());
    assert!(here(&listening, &before).await.is_err());
    std::fs::remove_file(ours.key()).unwrap();
    assert!(here(&listening, &ours.certificate()).await.is_ok(), "what was read once stays in use");
}

#[tokio::test]
async fn who_stalls_in_the_handshake_holds_up_neither_others_nor_the_end_and_has_as_long_as_for_headers() {
    let Some(ours) = Pair::new() else { return };
    let never = Duration::from_hours(1);
    let patient = Limits { headers: never, grace: never, ..Limits::of_questions() };
    let listening = ours.listening_within(patient).await.unwrap();
    let silent = TcpStream::connect(listening.address).await.unwrap();
    assert!(here(&listening, &ours.certificate()).await.is_ok());
    timeout(HANG, listening.stop()).await.unwrap();
    drop(silent);

    let hasty = Limits { headers: Duration::from_millis(50), ..patient };
    let listening = ours.listening_within(hasty).await.unwrap();
    let mut silent = TcpStream::connect(listening.address).await.unwrap();
    assert_eq!(timeout(HANG, silent.read(&mut [0; 8])).await.unwrap().unwrap_or(0), 0);
}

#[tokio::test]
async fn files_that_are_missing_empty_or_do_not_belong_together_are_named() {
    let (Some(ours), Some(other)) = (Pair::new(), Pair::new()) else { return };
    let refused = async |pair: &Pair| pair.listening().await.map(drop).unwrap_err().to_string();
    std::fs::copy(other.key(), ours.key()).unwrap();
    let unfit = refused(&ours).await;
    assert!(unfit.starts_with("test.tls_certificate: /") && unfit.contains("cannot be used together"), "{unfit}");
    std::fs::copy(ours.certificate(), ours.key()).unwrap();
    let empty = refused(&ours).await;
    assert!(empty.contains("key.pem holds no whole private key in PEM"), "{empty}");
    std::fs::write(ours.certificate(), "nothing").unwrap();
    let empty = refused(&ours).await;
    assert!(empty.contains("certificate.pem holds no whole certificate in PEM"), "{empty}");
    std::fs::remove_file(ours.certificate()).unwrap();
    let missing = refused(&ours).await;
    assert!(missing.contains("cannot read /") && missing.contains("certificate.pem"), "{missing}");
}
