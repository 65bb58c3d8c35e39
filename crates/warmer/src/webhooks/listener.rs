//! The listener: so many connections at a time, each for so long, one request on each.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use super::Webhooks;

/// Each may hold a body of `webhooks.body_max` in memory; more wait unaccepted.
const CONNECTIONS: usize = 16;
/// From the first byte to the last: no sender is that slow, and one that never ends would keep its place for ever.
const CONNECTION_DEADLINE: Duration = Duration::from_secs(30);
/// What is under way when the process ends has this long.
const GRACE: Duration = Duration::from_secs(1);
/// After an error of the listener itself, such as too many open files.
const RETRY: Duration = Duration::from_secs(1);

/// The listener, while it listens.
pub(crate) struct Listening {
    /// Where.
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Listening {
    /// Opens the port and serves.
    ///
    /// # Errors
    /// When the port cannot be opened.
    pub(crate) async fn start(address: &str, webhooks: Webhooks) -> anyhow::Result<Self> {
        let way_out = || format!("webhooks.listen: {address} cannot be listened on; choose another address or port");
        let listener = TcpListener::bind(address).await.with_context(way_out)?;
        let address = listener.local_addr().context("the listener has no address")?;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve(listener, webhooks.router(), stopped));
        Ok(Self { address, stop, task })
    }

    /// Closes the port; what is under way ends, or is broken off a second later.
    pub(crate) async fn stop(self) {
        // A task that ended has nothing to be told.
        self.stop.send(()).ok();
        self.task.await.ok();
    }
}

async fn serve(listener: TcpListener, router: Router, mut stopped: oneshot::Receiver<()>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            _ = &mut stopped => break,
        };
        match accepted {
            Ok((stream, place)) => {
                let connection = connection(stream, router.clone());
                connections.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!("a webhook could not be accepted: {error}");
                tokio::time::sleep(RETRY).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    tokio::time::timeout(GRACE, all).await.ok();
}

/// The next connection, once there is a place for it.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, place))
}

async fn connection(stream: TcpStream, router: Router) {
    let service = TowerToHyperService::new(router);
    let connection = http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service);
    match tokio::time::timeout(CONNECTION_DEADLINE, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!("a webhook broke off: {error}"),
        Err(_) => tracing::debug!("a webhook took too long"),
    }
}
