//! A running `warmer run`, and what it says while it runs.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::{Ran, Running, Warmer};

/// Longer than any state that is waited for takes to come.
const HANG: Duration = Duration::from_secs(60);

/// A `warmer run`. Killed when dropped.
pub struct Daemon(Running);

impl Daemon {
    /// Starts it; it claims jobs when this returns.
    #[must_use]
    pub fn start(warmer: &Warmer) -> Self {
        let mut daemon = Self::begin(warmer);
        daemon.wait_for("started instance=");
        daemon
    }

    /// Starts it, and waits for nothing.
    #[must_use]
    pub fn begin(warmer: &Warmer) -> Self {
        Self::of(warmer.command().arg("run"))
    }

    /// Starts it by this command, and waits for nothing.
    #[must_use]
    pub fn of(command: &mut Command) -> Self {
        Self(Running::start(command))
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.0.pid()
    }

    /// Waits for a line of its log that contains `text`; the line.
    pub fn wait_for(&mut self, text: &str) -> String {
        self.0.wait_for(text)
    }

    /// Waits until lines of its log contained all of these, in whatever order.
    pub fn wait_for_all(&mut self, texts: &[&str]) {
        let mut open = texts.to_vec();
        while !open.is_empty() {
            let line = self.wait_for("");
            open.retain(|text| !line.contains(text));
        }
    }

    /// Waits until it listens for webhooks; the address.
    ///
    /// # Panics
    /// When it never does.
    pub fn webhooks(&mut self) -> String {
        self.listens("webhooks")
    }

    /// Waits until it listens for this; the address.
    ///
    /// # Panics
    /// When it never does.
    pub fn listens(&mut self, what: &str) -> String {
        let line = self.wait_for(&format!("listening for {what}"));
        let address = line.split("address=").nth(1).expect("it says where");
        address.split_whitespace().next().expect("it says where").to_owned()
    }

    /// Asks it to end, as an orchestrator does.
    pub fn terminate(&self) {
        self.0.signal(Signal::TERM);
    }

    /// Ends it at once, as `kill -9` does.
    pub fn kill(self) -> Ran {
        self.0.kill()
    }

    /// Asks it to end, as Ctrl-C does.
    pub fn interrupt(&self) {
        self.0.interrupt();
    }

    /// Sends it a SIGHUP, as a terminal that is closed does, and who wants a configuration to be read again.
    pub fn hang_up(&self) {
        self.0.signal(Signal::HUP);
    }

    /// Waits for its end.
    #[must_use]
    pub fn finish(self) -> Ran {
        self.0.finish()
    }

    /// Asks it to end and waits for that.
    #[must_use]
    pub fn stop(self) -> Ran {
        self.terminate();
        self.finish()
    }
}

/// `POST`s a body; the status and the body of the answer.
///
/// # Panics
/// When there is no answer.
#[must_use]
pub fn post(address: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}");
    exchanged(address, &format!("{head}content-length: {}\r\n\r\n{body}", body.len()))
}

/// `GET`s a path; the status and the body of the answer.
///
/// # Panics
/// When there is no answer.
#[must_use]
pub fn get(address: &str, path: &str) -> (u16, String) {
    exchanged(address, &format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"))
}

/// Asks until the answer has this status and this body.
///
/// # Panics
/// When it never has.
pub fn until_answers(address: &str, path: &str, (status, body): (u16, &str)) {
    let until = Instant::now() + HANG;
    loop {
        let answer = get(address, path);
        if answer.0 == status && answer.1 == body {
            return;
        }
        assert!(Instant::now() < until, "{path} still answers {answer:?}");
    }
}

fn exchanged(address: &str, request: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("somebody listens there");
    stream.write_all(request.as_bytes()).expect("it takes a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a head has a status");
    (status, body.to_owned())
}
