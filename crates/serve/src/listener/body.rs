//! Whole bodies, within bounds of bytes and time, each and all together.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Bytes;
use axum::http::StatusCode;
use hyper::body::{Body as _, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::limits::Limits;

/// Reads bodies.
#[derive(Debug)]
pub(super) struct Bodies {
    /// The listener's.
    name: &'static str,
    limits: Limits,
    /// Bytes that may still be held.
    room: Arc<Semaphore>,
}

/// A body, and the room that it takes.
#[derive(Debug)]
pub(super) struct Whole {
    /// All of it.
    pub(super) bytes: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

/// The status and the sentence of the answer.
type Refused = (StatusCode, String);

impl Bodies {
    pub(super) fn new(name: &'static str, limits: Limits) -> Self {
        let room = limits.bodies_bytes_max.clamp(1, Semaphore::MAX_PERMITS);
        Self { name, limits, room: Arc::new(Semaphore::new(room)) }
    }

    /// The whole body.
    ///
    /// # Errors
    /// The answer, where it is too large, too slow, or no whole one.
    pub(super) async fn read(&self, body: Incoming) -> Result<Whole, Refused> {
        // What is told to be too large need not be read.
        if body.size_hint().lower() > self.limits.body_bytes_max as u64 {
            return Err(self.too_large());
        }
        timeout(self.limits.body, self.gather(body)).await.unwrap_or_else(|_| Err(too_slow("took too long")))
    }

    async fn gather(&self, mut body: Incoming) -> Result<Whole, Refused> {
        let (mut all, mut held) = (Vec::new(), None::<OwnedSemaphorePermit>);
        loop {
            let next = poll_fn(|context| Pin::new(&mut body).poll_frame(context));
            let Ok(next) = timeout(self.limits.stall, next).await else { return Err(too_slow("stalled")) };
            let frame = match next {
                None => return Ok(Whole { bytes: all.into(), _room: held }),
                Some(Ok(frame)) => frame,
                Some(Err(error)) => return Err((StatusCode::BAD_REQUEST, broken_off(all.len(), &error))),
            };
            let Ok(data) = frame.into_data() else { continue };
            if all.len() + data.len() > self.limits.body_bytes_max {
                return Err(self.too_large());
            }
            let bytes = u32::try_from(data.len()).unwrap_or(u32::MAX);
            let room = self.room.clone().acquire_many_owned(bytes).await;
            let room = room.map_err(|_| (StatusCode::SERVICE_UNAVAILABLE, "the listener ends".to_owned()))?;
            match &mut held {
                Some(held) => held.merge(room),
                None => held = Some(room),
            }
            all.extend_from_slice(&data);
        }
    }

    fn too_large(&self) -> Refused {
        let message = match (self.name, self.limits.body_bytes_max) {
            (_, 0) => "a request here has no body".to_owned(),
            (name, most) => format!("the body is larger than {name}.body_max, which is {most} bytes"),
        };
        (StatusCode::PAYLOAD_TOO_LARGE, message)
    }
}

fn too_slow(how: &str) -> Refused {
    (StatusCode::REQUEST_TIMEOUT, format!("the body {how}"))
}

fn broken_off(bytes: usize, error: &hyper::Error) -> String {
    format!("the body broke off after {bytes} bytes: {error}")
}
