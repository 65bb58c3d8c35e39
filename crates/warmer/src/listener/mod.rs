//! A listener that holds its ground: whoever opens connections and says nothing, or little, keeps nobody else out.
//!
//! Headers, a body and a whole request have a limit of time each, and bodies in memory one of bytes. Where more
//! connections are open than are allowed, one goes for each that comes: of the address that has the most, one without a
//! whole request before others, the oldest first. A request that is being answered never goes.

mod body;
mod connections;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse as _, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use crate::seldom::Seldom;
use body::Bodies;
use connections::{Connection, Connections, Phase};

/// What is under way when the process ends has this long.
const GRACE: Duration = Duration::from_secs(1);
/// After an error of the listener itself, such as too many open files.
const RETRY: Duration = Duration::from_secs(1);
/// What is read of a connection at once, its headers included, in bytes: hosts send less than 8 KiB of headers.
const BUFFER: usize = 64 << 10;

/// What a listener allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections at a time.
    pub(crate) connections: usize,
    /// From the moment a connection is taken to the end of a request's headers.
    pub(crate) headers: Duration,
    /// From there to the end of its body.
    pub(crate) body: Duration,
    /// Without any byte of a body.
    pub(crate) stall: Duration,
    /// From the first byte to the last, the answer included.
    pub(crate) whole: Duration,
    /// One body, in bytes.
    pub(crate) body_bytes_max: usize,
    /// All bodies that are in memory at the same time, in bytes.
    pub(crate) bodies_bytes_max: usize,
}

impl Limits {
    /// For requests of at most so many bytes. Hosts wait 10 s for an answer, so nothing that keeps others waiting lasts
    /// longer; a body is read within one network's round trips, and one that stalls for 3 s has lost its sender.
    pub(crate) fn of_body(body_bytes_max: usize) -> Self {
        Self {
            connections: 128,
            headers: Duration::from_secs(5),
            body: Duration::from_secs(10),
            stall: Duration::from_secs(3),
            whole: Duration::from_secs(30),
            body_bytes_max,
            bodies_bytes_max: body_bytes_max.saturating_mul(16),
        }
    }
}

/// The listener, while it listens.
pub(crate) struct Listening {
    /// Where.
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Listening {
    /// Opens the port and serves. `name` is what its log lines call it.
    ///
    /// # Errors
    /// When the port cannot be opened.
    pub(crate) async fn start(
        name: &'static str,
        address: &str,
        router: Router,
        limits: Limits,
    ) -> anyhow::Result<Self> {
        let way_out = || format!("{name}.listen: {address} cannot be listened on; choose another address or port");
        let listener = TcpListener::bind(address).await.with_context(way_out)?;
        let address = listener.local_addr().context("the listener has no address")?;
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::new(Shared {
            name,
            router,
            limits,
            connections: Connections::default(),
            bodies: Bodies::new(name, limits),
            shed: Seldom::default(),
            broken: Seldom::default(),
        });
        let task = tokio::spawn(shared.serve(listener, stopped));
        Ok(Self { address, stop, task })
    }

    /// Closes the port; what is under way ends, or is broken off a second later.
    pub(crate) async fn stop(self) {
        // A task that ended has nothing to be told.
        self.stop.send(()).ok();
        self.task.await.ok();
    }
}

struct Shared {
    name: &'static str,
    router: Router,
    limits: Limits,
    connections: Connections,
    bodies: Bodies,
    shed: Seldom,
    broken: Seldom,
}

impl Shared {
    async fn serve(self: Arc<Self>, listener: TcpListener, mut stopped: oneshot::Receiver<()>) {
        let mut open = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = &mut stopped => break,
            };
            match accepted {
                Ok((stream, address)) => {
                    let connection = self.connections.enter(address.ip());
                    if self.connections.count() > self.limits.connections {
                        self.make_room();
                    }
                    open.spawn(self.clone().keep(stream, connection));
                }
                Err(error) => self.refused(&error).await,
            }
            while open.try_join_next().is_some() {}
        }
        drop(listener);
        let all = async { while open.join_next().await.is_some() {} };
        tokio::time::timeout(GRACE, all).await.ok();
    }

    /// Nothing could be taken: mostly because too many files are open, and then one connection less helps.
    async fn refused(&self, error: &io::Error) {
        if let Some(total) = self.broken.count() {
            tracing::warn!(listener = self.name, total, "a connection could not be taken: {error}");
        }
        self.make_room();
        tokio::time::sleep(RETRY).await;
    }

    fn make_room(&self) {
        if self.connections.shed()
            && let Some(total) = self.shed.count()
        {
            let most = self.limits.connections;
            tracing::warn!(listener = self.name, total, most, "connections were closed to make room for new ones");
        }
    }

    /// Serves one request on a connection, unless that must go or takes too long.
    async fn keep(self: Arc<Self>, stream: TcpStream, mut connection: Connection) {
        let (shared, phase) = (self.clone(), connection.phase.clone());
        let service = service_fn(move |request| {
            let (shared, phase) = (shared.clone(), phase.clone());
            async move { Ok::<_, Infallible>(shared.answer(request, &phase).await) }
        });
        let served = http1::Builder::new()
            .keep_alive(false)
            .max_buf_size(BUFFER)
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.headers)
            .serve_connection(TokioIo::new(stream), service);
        tokio::select! {
            ended = tokio::time::timeout(self.limits.whole, served) => match ended {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(listener = self.name, "a connection broke off: {error}"),
                Err(_) => tracing::debug!(listener = self.name, "a connection took too long"),
            },
            () = connection.told_to_go() => {}
        }
    }

    async fn answer(&self, request: Request<Incoming>, phase: &Phase) -> Response {
        phase.reads_body();
        let (head, body) = request.into_parts();
        let body = match self.bodies.read(body).await {
            Ok(body) => body,
            Err((status, message)) => return refusal(status, &message),
        };
        phase.answers();
        let request = Request::from_parts(head, Body::from(body.bytes));
        let Ok(response) = TowerToHyperService::new(self.router.clone()).call(request).await;
        response
    }
}

/// What a listener itself says: one JSON object, as its router does.
fn refusal(status: StatusCode, message: &str) -> Response {
    (status, [("content-type", "application/json")], json!({ "message": message }).to_string()).into_response()
}

#[cfg(test)]
mod tests;
