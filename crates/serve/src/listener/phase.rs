//! How far a connection has come, and since when.

use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, sleep_until};

/// How far a connection has come. Clones are the same connection.
#[derive(Clone, Debug)]
pub(super) struct Phase(Arc<State>);

#[derive(Debug)]
struct State {
    now: AtomicU8,
    /// When the request at hand began; after its answer, when that was sent.
    since: Mutex<Instant>,
}

const READS_HEADERS: u8 = 0;
const READS_BODY: u8 = 1;
const ANSWERS: u8 = 2;
const WAITS: u8 = 3;

impl Phase {
    /// Of a connection that was just taken.
    pub(super) fn new() -> Self {
        Self(Arc::new(State { now: AtomicU8::new(READS_HEADERS), since: Mutex::new(Instant::now()) }))
    }

    /// The headers of a request are here.
    pub(super) fn reads_body(&self) {
        if self.0.now.swap(READS_BODY, Ordering::Relaxed) == WAITS {
            self.restart();
        }
    }

    /// Its whole request is here.
    pub(super) fn answers(&self) {
        self.0.now.store(ANSWERS, Ordering::Relaxed);
    }

    /// The answer's body; once it was sent, the connection waits for a further request.
    pub(super) fn until_sent(&self, body: Body) -> Body {
        Body::new(Sending { body, phase: self.clone() })
    }

    /// Whether it is being answered.
    pub(super) fn is_answering(&self) -> bool {
        self.0.now.load(Ordering::Relaxed) == ANSWERS
    }

    /// Whether it has answered, and waits for a further request.
    pub(super) fn is_waiting(&self) -> bool {
        self.0.now.load(Ordering::Relaxed) == WAITS
    }

    /// Whether it has sent nothing, or not the headers of a request.
    pub(super) fn is_silent(&self) -> bool {
        matches!(self.0.now.load(Ordering::Relaxed), READS_HEADERS | WAITS)
    }

    /// Comes back when one request has taken longer than this.
    pub(super) async fn overdue(&self, whole: Duration) {
        loop {
            let end = self.since() + whole;
            if end <= Instant::now() {
                return;
            }
            sleep_until(end).await;
        }
    }

    fn since(&self) -> Instant {
        *self.0.since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn restart(&self) {
        *self.0.since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

/// A body on its way to the client.
struct Sending {
    body: Body,
    phase: Phase,
}

impl HttpBody for Sending {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.phase.0.now.store(WAITS, Ordering::Relaxed);
        self.phase.restart();
    }
}
