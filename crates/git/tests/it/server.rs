//! A small HTTP server in front of a real repository, which can be told to misbehave.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::thread;

use warmer_git::Remote;

use crate::kit::git_command;

/// What the server does.
pub(crate) enum Manner {
    /// Serves the repository as git's own server program answers.
    Serve(PathBuf),
    /// The same, but cuts the pack in half and hangs up.
    Truncate(PathBuf),
    /// The same, but waits for a word after half the pack.
    Pause(PathBuf, Receiver<()>),
    /// Answers everything with this status.
    Status(&'static str),
    /// Sends everything to the same path of another host.
    Redirect(SocketAddr),
    /// Answers 200 with a page for people.
    Page,
    /// Answers everything by this status, these lines of a head and this text.
    Reply { status: &'static str, head: &'static str, body: &'static str },
    /// Greets as git's own server program, and ends any listing by this line.
    Refuse(PathBuf, &'static str),
}

/// A server on a port of its own. It ends with the test's process.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let request = Request::read(&stream);
                seen.lock().expect("not poisoned").push(request.head.clone());
                // The client may hang up at any time: that is part of the tests.
                let _ = manner.answer(&request, stream);
            }
        });
        Self { address, requests }
    }

    pub(crate) fn remote(&self) -> Remote {
        Remote::from_url(&format!("http://{}/group/name.git", self.address)).expect("a URL")
    }

    /// The heads of the requests so far, in lower case.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("not poisoned").clone()
    }
}

struct Request {
    head: String,
    body: Vec<u8>,
}

impl Request {
    fn read(stream: &TcpStream) -> Self {
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while reader.read_line(&mut head).is_ok_and(|bytes| bytes > 2) {}
        let head = head.to_ascii_lowercase();
        let value = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let mut body = Vec::new();
        if let Some(length) = value("content-length").and_then(|text| text.parse().ok()) {
            body.resize(length, 0);
            reader.read_exact(&mut body).unwrap_or_default();
        }
        Self { head, body }
    }

    fn asks_for_a_pack(&self) -> bool {
        self.body.windows(13).any(|window| window == b"command=fetch")
    }
}

impl Manner {
    fn answer(&self, request: &Request, mut to: TcpStream) -> std::io::Result<()> {
        match self {
            Self::Serve(repository) => git_answer(repository, request, to).map(drop),
            Self::Truncate(repository) | Self::Pause(repository, _) if !request.asks_for_a_pack() => {
                git_answer(repository, request, to).map(drop)
            }
            Self::Truncate(repository) => {
                let answer = backend(repository, request);
                head(&mut to, "200 OK", kind(request), answer.len())?;
                to.write_all(&answer[..answer.len() / 2])
            }
            Self::Pause(repository, word) => {
                let answer = backend(repository, request);
                let (first, second) = answer.split_at(answer.len() / 2);
                head(&mut to, "200 OK", kind(request), answer.len())?;
                to.write_all(first)?;
                to.flush()?;
                word.recv().unwrap_or_default();
                to.write_all(second)
            }
            Self::Status(status) => head(&mut to, status, "text/plain", 0),
            Self::Redirect(other) => {
                let path = request.head.split(' ').nth(1).unwrap_or("/");
                write!(
                    to,
                    "HTTP/1.1 302 Found\r\nLocation: http://{other}{path}\r\nContent-Length: 0\r\nConnection: \
                    close\r\n\r\n"
                )
            }
            Self::Reply { status, head, body } => {
                write!(
                    to,
                    "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n{head}Connection: \
                    close\r\n\r\n{body}",
                    body.len()
                )
            }
            Self::Refuse(repository, _) if request.body.is_empty() => git_answer(repository, request, to).map(drop),
            Self::Refuse(_, said) => {
                let line = format!("{:04x}ERR {said}0000", said.len() + 8);
                head(&mut to, "200 OK", kind(request), line.len())?;
                to.write_all(line.as_bytes())
            }
            Self::Page => {
                head(&mut to, "200 OK", "text/html", 13)?;
                to.write_all(b"<html></html>")
            }
        }
    }
}

fn git_answer(repository: &std::path::Path, request: &Request, mut to: TcpStream) -> std::io::Result<TcpStream> {
    let answer = backend(repository, request);
    head(&mut to, "200 OK", kind(request), answer.len())?;
    to.write_all(&answer)?;
    Ok(to)
}

fn head(to: &mut TcpStream, status: &str, kind: &str, bytes: usize) -> std::io::Result<()> {
    let challenge = "WWW-Authenticate: Basic realm=\"test\"\r\n";
    write!(
        to,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {bytes}\r\n{challenge}Connection: close\r\n\r\n"
    )
}

fn kind(request: &Request) -> &'static str {
    match request.head.starts_with("get") {
        true => "application/x-git-upload-pack-advertisement",
        false => "application/x-git-upload-pack-result",
    }
}

fn backend(repository: &std::path::Path, request: &Request) -> Vec<u8> {
    let mut command = git_command(repository);
    command.args(["upload-pack", "--stateless-rpc"]).env("GIT_PROTOCOL", "version=2");
    if request.head.starts_with("get") {
        command.arg("--http-backend-info-refs");
    }
    let mut child = command.arg(".").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("git");
    child.stdin.take().expect("piped").write_all(&request.body).expect("git reads it");
    let mut answer = Vec::new();
    child.stdout.take().expect("piped").read_to_end(&mut answer).expect("git answers");
    assert!(child.wait().expect("git ends").success());
    answer
}
