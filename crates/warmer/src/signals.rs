//! SIGTERM, Ctrl-C and, for who is not a daemon, a terminal that is closed: the first asks to end, the second ends.

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::Exit;

/// The signals that end this process. Before it listens to them, one just ends it.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// Of a terminal that is closed; nothing where something else answers it.
    hangup: Option<Signal>,
}

impl Signals {
    /// Listens to them from now on.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot handle signals");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hangup: Some(listen(SignalKind::hangup())?),
        })
    }

    /// What this comes to; `None` where a signal comes first.
    pub(super) async fn unless_signalled<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            _ = self.next() => None,
        }
    }

    /// The next one, as the exit of a process that ends by it at once.
    pub(crate) async fn next(&mut self) -> Exit {
        tokio::select! {
            _ = self.terminate.recv() => Exit::Terminated,
            _ = self.interrupt.recv() => Exit::Interrupted,
            () = closed(self.hangup.as_mut()) => Exit::Terminated,
        }
    }

    /// From now on a SIGHUP, which daemons are sent to read their configuration again, is not among them.
    pub(crate) fn without_hangup(&mut self) -> Option<Signal> {
        self.hangup.take()
    }
}

/// The terminal was closed, where that ends the process.
async fn closed(hangup: Option<&mut Signal>) {
    match hangup {
        Some(hangup) => drop(hangup.recv().await),
        None => std::future::pending().await,
    }
}
