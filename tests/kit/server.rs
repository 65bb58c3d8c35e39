//! A git server over smart HTTP on loopback: `git http-backend` behind a door that counts, and misbehaves on demand.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use crate::backend;
use crate::loopback::Loopback;

/// How long a request may be waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a client asks for, as the protocol (version 2) names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// `GET info/refs`: what the server can do.
    Capabilities,
    /// `ls-refs`: which refs there are.
    Refs,
    /// `fetch`: objects.
    Objects,
}

/// What goes wrong with an answer.
pub enum Fault {
    /// This status and no body.
    Status(u16),
    /// No answer for as long as the server lives.
    Hang,
    /// The answer ends after so many bytes, and the connection with it.
    Truncate(usize),
    /// Nothing goes wrong, but something happens before the answer is made: a push, for example.
    Meanwhile(Box<dyn FnOnce() + Send>),
}

/// How often a client asked for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// `GET info/refs`.
    pub capabilities: usize,
    /// `ls-refs`.
    pub refs: usize,
    /// `fetch`.
    pub objects: usize,
    /// Refused for want of the right credentials.
    pub refused: usize,
}

impl Asked {
    fn count(&mut self, ask: Ask) -> &mut usize {
        match ask {
            Ask::Capabilities => &mut self.capabilities,
            Ask::Refs => &mut self.refs,
            Ask::Objects => &mut self.objects,
        }
    }
}

#[derive(Default)]
struct Script {
    asked: Asked,
    /// Faults still to come; each is used by the first request that asks for its kind.
    once: Vec<(Ask, Fault)>,
    /// A status for every request of a kind.
    always: Vec<(Ask, u16)>,
    /// The only credentials that are let in, as the header has them.
    authorization: Option<String>,
}

struct Shared {
    repository: PathBuf,
    script: Mutex<Script>,
    more: Condvar,
}

impl Shared {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves one repository for as long as it lives.
pub struct Server {
    shared: Arc<Shared>,
    loopback: Loopback,
}

impl Server {
    /// Serves the repository in this directory on a free loopback port.
    #[must_use]
    pub fn serve(repository: &Path) -> Self {
        let shared =
            Arc::new(Shared { repository: repository.to_owned(), script: Mutex::default(), more: Condvar::new() });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        Self { shared, loopback: Loopback::serve(router) }
    }

    /// The repository's URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/project.git", self.loopback.address())
    }

    /// `host:port`, as credentials name it.
    #[must_use]
    pub fn host(&self) -> String {
        self.loopback.address().to_string()
    }

    /// From now on lets in only who sends these credentials.
    pub fn require(&self, username: &str, token: &str) {
        let expected = format!("Basic {}", base64(format!("{username}:{token}").as_bytes()));
        self.shared.script().authorization = Some(expected);
    }

    /// The next request of this kind goes wrong; several faults of a kind are used one after the other.
    pub fn fault(&self, ask: Ask, fault: Fault) {
        self.shared.script().once.push((ask, fault));
    }

    /// Every request of this kind is answered with this status, until [`Server::heal`].
    pub fn refuse(&self, ask: Ask, status: u16) {
        self.shared.script().always.push((ask, status));
    }

    /// Nothing goes wrong any more.
    pub fn heal(&self) {
        let mut script = self.shared.script();
        script.once.clear();
        script.always.clear();
    }

    /// Waits until a client has asked for this since the last call of [`Server::asked`].
    ///
    /// # Panics
    /// When that takes longer than a minute.
    pub fn wait_for(&self, ask: Ask) {
        let (_script, waited) = self
            .shared
            .more
            .wait_timeout_while(self.shared.script(), PATIENCE, |script| *script.asked.count(ask) == 0)
            .unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.timed_out(), "nobody asked for {ask:?}");
    }

    /// The counts since the last call.
    #[must_use]
    pub fn asked(&self) -> Asked {
        std::mem::take(&mut self.shared.script().asked)
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let ask = ask_of(head.method.as_str(), &body);
    let fault = match admit(&shared, ask, &head.headers) {
        Ok(fault) => fault,
        Err(status) => return refusal(status),
    };
    let mut limit = None;
    match fault {
        Some(Fault::Status(status)) => return refusal(status),
        Some(Fault::Hang) => return std::future::pending().await,
        Some(Fault::Truncate(bytes)) => limit = Some(bytes),
        // It may well run git itself: not on the thread that serves.
        Some(Fault::Meanwhile(action)) => tokio::task::spawn_blocking(action).await.expect("the test's action works"),
        None => {}
    }
    backend::answer(&shared.repository, &head, body, limit).await
}

/// Counts the request; the fault it meets, or the status it is turned away with.
fn admit(shared: &Shared, ask: Ask, headers: &HeaderMap) -> Result<Option<Fault>, u16> {
    let mut script = shared.script();
    let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if script.authorization.is_some() && script.authorization.as_deref() != sent {
        script.asked.refused += 1;
        return Err(401);
    }
    *script.asked.count(ask) += 1;
    shared.more.notify_all();
    if let Some((_, status)) = script.always.iter().find(|(kind, _)| *kind == ask) {
        return Err(*status);
    }
    let next = script.once.iter().position(|(kind, _)| *kind == ask);
    Ok(next.map(|index| script.once.remove(index).1))
}

fn ask_of(method: &str, body: &Bytes) -> Ask {
    let wants = |command: &[u8]| body.windows(command.len()).any(|window| window == command);
    match method {
        "GET" => Ask::Capabilities,
        _ if wants(b"command=ls-refs") => Ask::Refs,
        _ => Ask::Objects,
    }
}

fn refusal(status: u16) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(status).expect("a test asks for a status that exists");
    if status == 401 {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"t\""));
    }
    response
}

/// Base64 (RFC 4648, padded).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |bits: u32| char::from(DIGITS[(bits & 63) as usize]);
    let group = |chunk: &[u8]| {
        let bits = chunk.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        let mut text: String = [18, 12, 6, 0].map(|shift| digit(bits >> shift)).iter().collect();
        text.truncate(chunk.len() + 1);
        text + &"=".repeat(3 - chunk.len())
    };
    bytes.chunks(3).map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::{git, run, text};
    use crate::needs::GIT;
    use crate::{Repo, needs};

    /// What `git fetch` of the server's main branch says, from an empty repository.
    fn fetch(url: &str) -> Result<String, String> {
        let client = Repo::new();
        let output = git()
            .args(["-c", "protocol.version=2", "fetch", url, "main"])
            .current_dir(client.path())
            .output()
            .expect("git starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(client.git(["rev-parse", "FETCH_HEAD"])) } else { Err(said) }
    }

    #[test]
    fn it_serves_and_counts() {
        needs!(GIT);
        let repo = Repo::generated(3, 500, 1);
        let server = Server::serve(repo.path());
        let mut command = git();
        command.args(["-c", "protocol.version=2", "ls-remote", &server.url(), "HEAD"]);
        assert_eq!(text(&run(command, b"")), format!("{}\tHEAD", repo.tip()));
        assert_eq!(server.asked(), Asked { capabilities: 1, refs: 1, ..Asked::default() });
        assert_eq!(fetch(&server.url()).as_deref(), Ok(repo.tip()));
        assert_eq!(server.asked().objects, 1);
    }

    #[test]
    fn it_lets_in_only_the_right_credentials() {
        needs!(GIT);
        let repo = Repo::generated(1, 100, 1);
        let server = Server::serve(repo.path());
        server.require("reader", "a-token");
        assert!(fetch(&server.url()).is_err());
        assert_eq!(server.asked().capabilities, 0);
        let with_credentials = server.url().replace("http://", "http://reader:a-token@");
        assert_eq!(fetch(&with_credentials).as_deref(), Ok(repo.tip()));
    }

    #[test]
    fn faults_happen_once_and_refusals_until_healed() {
        needs!(GIT);
        let mut repo = Repo::generated(1, 20_000, 1);
        let server = Server::serve(repo.path());
        server.fault(Ask::Objects, Fault::Truncate(300));
        let said = fetch(&server.url()).expect_err("the pack is cut off");
        assert!(said.contains("early EOF") || said.contains("unexpected disconnect"), "{said}");
        assert!(fetch(&server.url()).is_ok());
        server.refuse(Ask::Refs, 500);
        assert!(fetch(&server.url()).expect_err("refused").contains("500"));
        server.heal();
        let pushed = repo.write("late", "late").commit("late");
        repo.reset(&repo.git(["rev-parse", "HEAD^"]));
        server.fault(Ask::Refs, repo.push_later(&pushed));
        assert_eq!(fetch(&server.url()), Ok(pushed));
    }

    #[test]
    fn base64_is_padded() {
        let encoded = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|text| base64(text.as_bytes()));
        assert_eq!(encoded, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
    }
}
