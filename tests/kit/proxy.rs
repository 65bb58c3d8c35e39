//! A way to the server that can swallow both ways: nothing is refused, nothing is closed, nothing arrives. What was
//! swallowed arrives when the way is open again, as TCP would send it again.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::watch;

/// The way; closed for ever when dropped.
pub struct Proxy {
    address: SocketAddr,
    open: watch::Sender<bool>,
}

impl Proxy {
    /// An open way to `server`.
    ///
    /// # Errors
    /// When there is no port for it.
    pub fn start(runtime: &Handle, server: String) -> io::Result<Self> {
        Self::start_at(runtime, SocketAddr::from(([127, 0, 0, 1], 0)), server)
    }

    /// An open way to `server` from this address, which nobody listened on before.
    ///
    /// # Errors
    /// When somebody does.
    pub fn start_at(runtime: &Handle, address: SocketAddr, server: String) -> io::Result<Self> {
        let listener = runtime.block_on(TcpListener::bind(address))?;
        let address = listener.local_addr()?;
        let (open, gate) = watch::channel(true);
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server.clone(), gate.clone()));
            }
        });
        Ok(Self { address, open })
    }

    /// The same URL by this way.
    #[must_use]
    pub fn url(&self, direct: &str, server: &str) -> String {
        direct.replacen(server, &self.address.to_string(), 1)
    }

    /// Where it begins.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Swallows from now on.
    pub fn cut(&self) {
        self.open.send_replace(false);
    }

    /// Lets everything through again.
    pub fn heal(&self) {
        self.open.send_replace(true);
    }
}

async fn carry(client: TcpStream, server: String, mut gate: watch::Receiver<bool>) {
    if gate.wait_for(|open| *open).await.is_err() {
        return;
    }
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::join!(one_way(from_client, to_server, gate.clone()), one_way(from_server, to_client, gate));
}

/// Ends when either side does, as soon as that may be known.
async fn one_way(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, mut gate: watch::Receiver<bool>) {
    let mut bytes = vec![0; 16 << 10];
    loop {
        let read = from.read(&mut bytes).await.unwrap_or(0);
        if gate.wait_for(|open| *open).await.is_err() {
            return;
        }
        if read == 0 || to.write_all(&bytes[..read]).await.is_err() {
            to.shutdown().await.ok();
            return;
        }
    }
}
