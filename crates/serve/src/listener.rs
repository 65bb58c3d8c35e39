//! A listener for any router that stays reachable: whoever opens connections and says nothing, or little, keeps nobody
//! else out.
//!
//! Headers, a body and a whole request have a limit of time each, and bodies in memory one of bytes. Where more
//! connections are open than are allowed, one goes for each that comes: of the address that has the most, one without a
//! whole request before others, the oldest first. A request that is being answered never goes.

mod body;
mod connections;
mod limits;
mod phase;

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

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
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::client::Client;
use crate::exposure::Exposure;
use crate::network::Network;
use crate::rate_limit::RateLimit;
use crate::tls::{self, TlsError};
use body::Bodies;
use connections::{Connection, Connections, Seat};
use phase::Phase;

pub use limits::Limits;

/// After an error of the listener itself, such as too many open files.
const RETRY: Duration = Duration::from_secs(1);
/// What is read of a connection at once, its headers included, in bytes: hosts send less than 8 KiB of headers.
const BUFFER: usize = 64 << 10;

/// A listener cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The port.
    #[error("{key}: cannot listen on {address}; choose another address or port")]
    Port {
        /// The key that names the address.
        key: &'static str,
        /// Where it was to listen.
        address: String,
        /// Why it cannot.
        source: io::Error,
    },
    /// The certificate.
    #[error("{name}.tls_certificate: {why}")]
    Certificate {
        /// The section of its settings.
        name: &'static str,
        /// What is wrong with it.
        why: TlsError,
    },
}

/// The listener, while it listens.
pub struct Listening {
    /// Where.
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Listening {
    /// Opens the port and serves.
    ///
    /// # Errors
    /// When the port cannot be opened, or the certificate not be shown.
    #[expect(clippy::disallowed_methods, reason = "its end is waited for; this crate knows no supervisor")]
    pub async fn start(exposure: Exposure<'_>, router: Router, limits: Limits) -> Result<Self, ListenError> {
        let Exposure { name, key, listen, .. } = exposure;
        let failed = |source| ListenError::Port { key, address: listen.to_owned(), source };
        let tls = tls::acceptor(exposure).map_err(|why| ListenError::Certificate { name, why })?;
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (stop, stopping) = watch::channel(false);
        let shared = Arc::new(Shared {
            name,
            router,
            limits,
            tls,
            trusted: exposure.trusted_proxies.to_vec(),
            connections: Connections::default(),
            bodies: Bodies::new(name, limits),
            shed: RateLimit::default(),
            broken: RateLimit::default(),
        });
        let task = tokio::spawn(shared.serve(listener, stopping));
        Ok(Self { address, stop, task })
    }

    /// Closes the port; what is under way ends, or is broken off after [`Limits::grace`].
    pub async fn stop(self) {
        self.stop.send_replace(true);
        // A task that ended has nothing to wait for.
        self.task.await.ok();
    }
}

struct Shared {
    name: &'static str,
    router: Router,
    limits: Limits,
    tls: Option<TlsAcceptor>,
    /// Whose headers say who asks.
    trusted: Vec<Network>,
    connections: Connections,
    bodies: Bodies,
    shed: RateLimit,
    broken: RateLimit,
}

impl Shared {
    async fn serve(self: Arc<Self>, listener: TcpListener, mut stopping: watch::Receiver<bool>) {
        let mut open = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stopped(&mut stopping) => break,
            };
            match accepted {
                Ok((stream, address)) => {
                    let connection = self.connections.enter(address.ip());
                    if self.connections.count() > self.limits.connections {
                        self.make_room();
                    }
                    open.spawn(self.clone().welcome(stream, address.ip(), connection, stopping.clone()));
                }
                Err(error) => self.refused(&error).await,
            }
            while open.try_join_next().is_some() {}
        }
        drop(listener);
        let all = async { while open.join_next().await.is_some() {} };
        timeout(self.limits.grace, all).await.ok();
    }

    /// Nothing could be taken: mostly because too many files are open, and then one connection less helps.
    async fn refused(&self, error: &io::Error) {
        if let Some(total) = self.broken.count() {
            tracing::warn!(listener = self.name, total, "cannot accept a connection: {error}");
        }
        self.make_room();
        tokio::time::sleep(RETRY).await;
    }

    fn make_room(&self) {
        if self.connections.shed()
            && let Some(total) = self.shed.count()
        {
            let most = self.limits.connections;
            tracing::warn!(listener = self.name, total, most, "closed connections to make room for new ones");
        }
    }

    /// Speaks TLS where that is to be, and serves the requests of the connection.
    async fn welcome(
        self: Arc<Self>,
        stream: TcpStream,
        peer: IpAddr,
        mut connection: Connection,
        mut stopping: watch::Receiver<bool>,
    ) {
        let Some(tls) = &self.tls else { return self.clone().keep(stream, peer, connection, stopping).await };
        let accepted = tokio::select! {
            accepted = timeout(self.limits.headers, tls.accept(stream)) => accepted,
            () = connection.told_to_go() => return,
            () = stopped(&mut stopping) => return,
        };
        match accepted {
            Ok(Ok(stream)) => self.clone().keep(stream, peer, connection, stopping).await,
            Ok(Err(error)) => tracing::debug!(listener = self.name, "a client does not agree about TLS: {error}"),
            Err(_) => tracing::debug!(listener = self.name, "a client took too long to agree about TLS"),
        }
    }

    /// Serves the requests of a connection, unless it must go or one takes too long.
    async fn keep(
        self: Arc<Self>,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        peer: IpAddr,
        mut connection: Connection,
        mut stopping: watch::Receiver<bool>,
    ) {
        let (shared, phase, seat) = (self.clone(), connection.phase.clone(), connection.seat.clone());
        let service = service_fn(move |request| {
            let (shared, phase, seat) = (shared.clone(), phase.clone(), seat.clone());
            async move {
                let request = shared.of_client(request, peer, &seat);
                let response = shared.answer(request, &phase).await;
                let kept = shared.limits.keep_alive;
                Ok::<_, Infallible>(if kept { response.map(|body| phase.until_sent(body)) } else { response })
            }
        });
        let served = http1::Builder::new()
            .keep_alive(self.limits.keep_alive)
            .max_buf_size(BUFFER)
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.headers)
            .serve_connection(TokioIo::new(stream), service);
        let (mut served, phase) = (pin!(served), connection.phase.clone());
        tokio::select! {
            ended = served.as_mut() => return self.ended(ended),
            () = phase.overdue(self.limits.whole) => {
                tracing::debug!(listener = self.name, "a connection took too long");
                return;
            }
            () = connection.told_to_go() => {
                // The end of an answer may still be on its way.
                if !phase.is_waiting() {
                    return;
                }
            }
            () = stopped(&mut stopping) => {}
        }
        // What is being answered comes to its end; what waits for a further request ends now.
        served.as_mut().graceful_shutdown();
        if let Ok(ended) = timeout(self.limits.grace, served).await {
            self.ended(ended);
        }
    }

    fn ended(&self, ended: hyper::Result<()>) {
        if let Err(error) = ended {
            tracing::debug!(listener = self.name, "a connection broke off: {error}");
        }
    }

    /// Notes whose request it is.
    fn of_client(&self, mut request: Request<Incoming>, peer: IpAddr, seat: &Seat) -> Request<Incoming> {
        let client = Client::of(peer, request.headers(), &self.trusted);
        seat.is_used_by(client.0);
        request.extensions_mut().insert(client);
        request
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

/// Comes back when the listener stops.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // One whose sender has gone was dropped, and ends the same way.
    stopping.wait_for(|stop| *stop).await.ok();
}

/// What a listener itself says: one JSON object, as its router does.
fn refusal(status: StatusCode, message: &str) -> Response {
    (status, [("content-type", "application/json")], json!({ "message": message }).to_string()).into_response()
}

#[cfg(test)]
mod tests;
