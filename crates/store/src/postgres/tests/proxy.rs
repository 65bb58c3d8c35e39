//! A proxy to the server that a test may cut.

use tokio::io::{AsyncReadExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::database::TestDatabase;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Gate {
    Open,
    /// Swallows; for ever what comes on connections of before.
    Silent,
    /// Connections of before lose the answer that comes next, and end.
    Deaf,
}

/// A TCP proxy in front of a database's server.
pub(super) struct Proxy {
    url: String,
    gate: watch::Sender<Gate>,
}

impl Proxy {
    pub(super) async fn to(database: &TestDatabase) -> Self {
        let server = database.url().split(['@', '/']).find(|part| part.contains(':') && !part.ends_with(':'));
        let server = server.expect("a URL names the server").to_owned();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = database.url().replacen(&server, &listener.local_addr().unwrap().to_string(), 1);
        let (gate, _) = watch::channel(Gate::Open);
        let proxy = Self { url, gate: gate.clone() };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *gate.borrow() != Gate::Silent {
                    tokio::spawn(carry(client, server.clone(), gate.subscribe()));
                }
            }
        });
        proxy
    }

    /// The URL of the database by this proxy.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn cut(&self) {
        self.gate.send_replace(Gate::Silent);
    }

    pub(super) fn heal(&self) {
        self.gate.send_replace(Gate::Open);
    }

    pub(super) fn deafen(&self) {
        self.gate.send_replace(Gate::Deaf);
    }
}

/// Once the proxy was cut, this connection stays silent, whatever becomes of it: a host that vanished forgets.
async fn carry(mut client: TcpStream, server: String, mut gate: watch::Receiver<Gate>) {
    let mut server = TcpStream::connect(server).await.unwrap();
    let changed = tokio::select! {
        changed = gate.changed() => changed.is_ok(),
        _ = copy_bidirectional(&mut client, &mut server) => false,
    };
    if changed && *gate.borrow() == Gate::Deaf {
        // One that nothing was asked of has no answer to lose: it ends with the next question.
        tokio::select! {
            answer = server.read_u8() => drop(answer.unwrap()),
            question = client.read_u8() => drop(question),
        }
    } else if changed {
        std::future::pending::<()>().await;
    }
}
