//! `git http-backend`: the CGI program that git itself brings to speak smart HTTP.

use std::path::Path;
use std::process::Stdio;

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use futures::stream::{self, StreamExt as _};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::git::git;

/// Lets git answer one request; with a `limit`, the body ends after so many bytes though more was promised.
pub(crate) async fn answer(repository: &Path, head: &Parts, body: Bytes, limit: Option<usize>) -> Response<Body> {
    let output = run(repository, head, body).await;
    let end = output.windows(4).position(|window| window == b"\r\n\r\n").expect("a CGI answer has a head");
    let (fields, content) = (String::from_utf8_lossy(&output[..end]), &output[end + 4..]);
    let mut response = Response::new(cut(content.to_vec(), limit));
    for field in fields.lines() {
        let (name, value) = field.split_once(": ").expect("a CGI head has a field on each line");
        if name == "Status" {
            let status = value.split(' ').next().and_then(|code| code.parse().ok()).expect("a status is a number");
            *response.status_mut() = StatusCode::from_u16(status).expect("git answers with a status that exists");
        } else {
            let name: HeaderName = name.parse().expect("a CGI field has a name");
            response.headers_mut().insert(name, HeaderValue::from_str(value).expect("a CGI field has a value"));
        }
    }
    response
}

async fn run(repository: &Path, head: &Parts, body: Bytes) -> Vec<u8> {
    let header = |name| head.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
    let mut command = git();
    command.arg("http-backend").env("GIT_HTTP_EXPORT_ALL", "1");
    command.env("GIT_PROJECT_ROOT", repository);
    // The URL's first component is the project, which is the repository itself here.
    let path = head.uri.path();
    let inside = path.trim_start_matches('/').split_once('/').map_or("", |(_, rest)| rest);
    command.env("PATH_INFO", format!("/{inside}"));
    command.env("REQUEST_METHOD", head.method.as_str());
    command.env("QUERY_STRING", head.uri.query().unwrap_or_default());
    command.env("CONTENT_TYPE", header("content-type"));
    command.env("CONTENT_LENGTH", body.len().to_string());
    command.env("GIT_PROTOCOL", header("git-protocol"));
    command.env("HTTP_CONTENT_ENCODING", header("content-encoding"));
    let mut command = Command::from(command);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().expect("git http-backend starts");
    let mut stdin = child.stdin.take().expect("asked for above");
    let (_, output) = tokio::join!(async move { stdin.write_all(&body).await }, child.wait_with_output(),);
    output.expect("git http-backend ends").stdout
}

/// The body; or its first `limit` bytes and then a broken connection, which the client sees as an end too early.
fn cut(mut content: Vec<u8>, limit: Option<usize>) -> Body {
    let Some(limit) = limit else { return Body::from(content) };
    content.truncate(limit);
    let start = stream::iter([Ok(Bytes::from(content))]);
    let broken = stream::once(async {
        // Lets the server send what it has: a client that received nothing at all would just try again.
        tokio::task::yield_now().await;
        Err(std::io::Error::other("cut off, as the test asked for"))
    });
    Body::from_stream(start.chain(broken))
}
