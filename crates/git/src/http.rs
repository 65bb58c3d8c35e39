//! Git over HTTP, by a client of our own behind gix's transport: gix's keeps headers and bodies of refusals to itself,
//! and with them the reason, the time to wait, and the new URL.

use std::any::Any;
use std::io::{self, BufReader, Cursor, Read, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gix_transport::client::blocking_io::http::{GetResponse, Http, PostBodyDataKind, PostResponse};
use reqwest::blocking::{Client, Response};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Method, Url, redirect};

use crate::http_error::HttpErrors;
use crate::mutex::lock;
use crate::networks::{Guard, is_same_host};
use crate::transcript::{Tap, Transcript};

/// How long a host may take to answer a connection attempt.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a connection may be silent. A server that packs a large repository sends a keep-alive packet every 5 s.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// How many redirects are followed, one after the other.
const REDIRECTS_MAX: usize = 5;

/// A conversation by HTTP.
pub(crate) struct Web {
    host: Arc<Host>,
    /// Where the host has sent us: the URL of the repository there.
    moved_to: Option<String>,
}

/// The other end: how requests are sent to it, and what makes errors of its answers.
struct Host {
    client: Client,
    guard: Guard,
    errors: HttpErrors,
    transcript: Transcript,
}

impl Host {
    /// The answer, whatever it is.
    fn ask(&self, request: Request) -> io::Result<Response> {
        let Self { client, guard, errors, transcript } = self;
        transcript.set_refusal(None);
        guard.check(&request.url).map_err(|private| errors.private(&private, transcript))?;
        let asked = client.request(request.method, request.url).headers(request.headers).body(request.body);
        asked.send().map_err(|error| errors.broken(&error, transcript))
    }
}

impl Web {
    /// A client for one conversation with the host that `guard` knows.
    pub(crate) fn new(errors: HttpErrors, guard: Guard, transcript: &Transcript) -> reqwest::Result<Self> {
        // The client takes the provider of the process, and panics without one. Only the first of these has an effect.
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(READ_TIMEOUT)
            .http1_title_case_headers()
            .dns_resolver(Arc::new(guard.clone()))
            .build()?;
        Ok(Self { host: Arc::new(Host { client, guard, errors, transcript: transcript.clone() }), moved_to: None })
    }

    /// Asks for `url`, and goes where its host sends us, as long as the end of the path stays what it was.
    fn follow(&mut self, url: Url, tail: &str, mut headers: HeaderMap) -> io::Result<Response> {
        let host = Arc::clone(&self.host);
        let mut at = url;
        for _ in 0..=REDIRECTS_MAX {
            let request = Request { method: Method::GET, url: at.clone(), headers: headers.clone(), body: Vec::new() };
            let response = host.ask(request)?;
            let Some(next) = redirected_to(&response) else { return host.errors.good(response, &host.transcript) };
            let Some(base) = next.as_str().strip_suffix(tail).filter(|_| is_safe(&at, &next)) else {
                return Err(host.errors.moved(&next, &host.transcript));
            };
            if !is_same_host(&at, &next) {
                headers.remove(AUTHORIZATION);
            }
            self.moved_to = Some(base.to_owned());
            at = next;
        }
        Err(host.errors.moved(&at, &host.transcript))
    }

    fn exchange(&self, request: Option<Request>, response: Option<Response>) -> Arc<Mutex<Exchange>> {
        Arc::new(Mutex::new(Exchange { host: Arc::clone(&self.host), request, response }))
    }

    fn body(&self, exchange: Arc<Mutex<Exchange>>) -> BufReader<Tap<Body>> {
        BufReader::new(Tap::new(Body(exchange), &self.host.transcript))
    }
}

/// Where a redirect leads.
fn redirected_to(response: &Response) -> Option<Url> {
    let moves = [301, 302, 303, 307, 308].contains(&response.status().as_u16());
    let location = response.headers().get(LOCATION).filter(|_| moves)?.to_str().ok()?;
    response.url().join(location).ok()
}

/// A redirect may lead to a safer protocol, never to a less safe one.
fn is_safe(from: &Url, to: &Url) -> bool {
    to.scheme() == "https" || (to.scheme() == "http" && from.scheme() == "http")
}

impl Http for Web {
    type Headers = BufReader<Head>;
    type ResponseBody = BufReader<Tap<Body>>;
    type PostBody = Outgoing;

    fn get(
        &mut self,
        url: &str,
        base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> gix::Result<GetResponse<Self::Headers, Self::ResponseBody>> {
        let tail = url.strip_prefix(base_url).unwrap_or_default();
        let answer = self.follow(parsed(url)?, tail, header_map(headers));
        let (head, response) = match answer {
            Ok(response) => (Ok(text_of(&response)), Some(response)),
            Err(error) => (Err(error), None),
        };
        let exchange = self.exchange(None, response);
        let headers = BufReader::new(Head { exchange: Arc::clone(&exchange), text: Some(head.map(Cursor::new)) });
        Ok(GetResponse { headers, body: self.body(exchange) })
    }

    fn post(
        &mut self,
        url: &str,
        _base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        _body: PostBodyDataKind,
    ) -> gix::Result<PostResponse<Self::Headers, Self::ResponseBody, Self::PostBody>> {
        let request =
            Request { method: Method::POST, url: parsed(url)?, headers: header_map(headers), body: Vec::new() };
        let exchange = self.exchange(Some(request), None);
        Ok(PostResponse {
            post_body: Outgoing(Arc::clone(&exchange)),
            headers: BufReader::new(Head { exchange: Arc::clone(&exchange), text: None }),
            body: self.body(exchange),
        })
    }

    fn configure(&mut self, _config: &dyn Any) -> gix::Result {
        Ok(())
    }

    fn redirected_base_url(&self) -> Option<String> {
        self.moved_to.clone()
    }
}

fn header_map(lines: impl IntoIterator<Item = impl AsRef<str>>) -> HeaderMap {
    let pair = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value.trim()).ok()?))
    };
    lines.into_iter().filter_map(|line| pair(line.as_ref())).collect()
}

/// The head of an answer as gix reads it.
fn text_of(response: &Response) -> Vec<u8> {
    let mut text = Vec::new();
    for (name, value) in response.headers() {
        text.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\n"].concat());
    }
    text
}

fn parsed(url: &str) -> gix::Result<Url> {
    Url::parse(url).map_err(gix::Error::from_error)
}

/// What is asked.
struct Request {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// One question and its answer. It is asked when the answer is wanted: by then gix has written what it asks.
struct Exchange {
    host: Arc<Host>,
    request: Option<Request>,
    response: Option<Response>,
}

impl Exchange {
    /// The head of the answer.
    fn ask(&mut self) -> io::Result<Vec<u8>> {
        let Some(request) = self.request.take() else { return Ok(Vec::new()) };
        let response = self.host.ask(request)?;
        // Only the first question of a conversation is followed: what comes after it goes where that was answered.
        if let Some(next) = redirected_to(&response) {
            return Err(self.host.errors.moved(&next, &self.host.transcript));
        }
        let response = self.host.errors.good(response, &self.host.transcript)?;
        let text = text_of(&response);
        self.response = Some(response);
        Ok(text)
    }
}

/// What gix asks, kept until it is sent: at depth one these are a few lines.
pub(crate) struct Outgoing(Arc<Mutex<Exchange>>);

impl Write for Outgoing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(request) = &mut lock(&self.0).request {
            request.body.extend(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The head of the answer; reading it asks the question.
pub(crate) struct Head {
    exchange: Arc<Mutex<Exchange>>,
    text: Option<io::Result<Cursor<Vec<u8>>>>,
}

impl Read for Head {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let text = self.text.take().unwrap_or_else(|| lock(&self.exchange).ask().map(Cursor::new));
        let mut text = text?;
        let bytes = text.read(buffer)?;
        self.text = Some(Ok(text));
        Ok(bytes)
    }
}

/// What follows the head.
pub(crate) struct Body(Arc<Mutex<Exchange>>);

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(response) = &mut lock(&self.0).response else { return Ok(0) };
        response.read(buffer).map_err(|error| match is_timeout(&error) {
            true => io::Error::new(io::ErrorKind::TimedOut, format!("no byte came for {} s", READ_TIMEOUT.as_secs())),
            false => io::Error::new(io::ErrorKind::ConnectionAborted, error),
        })
    }
}

fn is_timeout(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<reqwest::Error>());
    error.kind() == io::ErrorKind::TimedOut || inner.is_some_and(reqwest::Error::is_timeout)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, Read as _};
    use std::net::{SocketAddr, TcpListener};
    use std::thread;

    use super::*;
    use crate::{Options, PrivateNetworks, Remote};

    /// A host that gives one answer; the head of the question that it got, in lower case.
    #[expect(clippy::disallowed_methods, reason = "a host of a test has a thread of its own")]
    fn host(answer: impl FnOnce() -> String + Send + 'static) -> (SocketAddr, thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let asked = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut lines = BufReader::new(stream.try_clone().expect("a socket")).lines();
            let head: Vec<_> = lines.by_ref().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            write!(stream, "HTTP/1.1 {}Content-Length: 0\r\nConnection: close\r\n\r\n", answer()).expect("it listens");
            head.join("\n").to_lowercase()
        });
        (address, asked)
    }

    #[test]
    fn a_token_that_was_sent_to_a_host_is_not_taken_along_to_another() {
        let tail = "/info/refs?service=git-upload-pack";
        let (second, asked_second) = host(|| "404 Not Found\r\n".to_owned());
        let (first, asked_first) = host(move || format!("302 Found\r\nLocation: http://{second}/b{tail}\r\n"));
        let base = format!("http://{first}/a");
        let remote = Remote::from_url(&base).expect("a URL");
        let guard = Guard::new(PrivateNetworks::All, Url::parse(&base).expect("a URL"));
        let mut web =
            Web::new(HttpErrors::new(&remote, &Options::default()), guard, &Transcript::default()).expect("a client");
        let answer = web.get(&format!("{base}{tail}"), &base, ["Authorization: Basic bWU6czNjcjN0"]).expect("a URL");
        let mut headers = answer.headers;
        headers.read_to_end(&mut Vec::new()).expect_err("there is no repository");
        assert!(asked_first.join().expect("asked").contains("authorization: basic"));
        let asked = asked_second.join().expect("asked");
        assert!(asked.contains(tail) && !asked.contains("authorization"), "{asked}");
        assert_eq!(web.redirected_base_url(), Some(format!("http://{second}/b")));
    }
}
