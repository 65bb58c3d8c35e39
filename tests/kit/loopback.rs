//! A thread that serves HTTP on a free loopback port until it is dropped.

use std::net::SocketAddr;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Serves as long as it lives; dropping it breaks off what is still open.
pub(crate) struct Loopback {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Loopback {
    /// Starts serving; the port is open when this returns.
    pub(crate) fn serve(router: Router) -> Self {
        Self::run(async move |listener| {
            let _ = axum::serve(listener, router).await;
        })
    }

    /// Starts what serves on a listener; the port is open when this returns.
    pub(crate) fn run(serve: impl AsyncFnOnce(TcpListener) + Send + 'static) -> Self {
        let (opened, address) = sync_channel(1);
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free loopback port");
                opened.send(listener.local_addr().expect("a bound port")).expect("the starter waits for it");
                // Not a graceful shutdown: a request that hangs on purpose would never let it end.
                tokio::select! {
                    () = serve(listener) => {}
                    _ = stopped => {}
                }
            });
        });
        let address = address.recv().expect("the thread says where it listens, or panics");
        Self { address, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}
