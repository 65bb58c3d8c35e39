//! What a listener allows.

use std::time::Duration;

/// What a listener allows: how many connections, and how long and how large a request may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time.
    pub connections: usize,
    /// From the moment a connection is taken, or from the answer before, to the end of a request's headers.
    pub headers: Duration,
    /// From there to the end of its body.
    pub body: Duration,
    /// Without any byte of a body.
    pub stall: Duration,
    /// One request, from the first byte to the last, the answer included.
    pub whole: Duration,
    /// One body, in bytes.
    pub body_bytes_max: usize,
    /// All bodies that are in memory at the same time, in bytes.
    pub bodies_bytes_max: usize,
    /// Whether a connection is kept for further requests. One that waits for its next request counts as silent: it goes
    /// first where there is no room.
    pub keep_alive: bool,
    /// What is under way when the listener stops has this long.
    pub grace: Duration,
}

impl Limits {
    /// For requests of at most so many bytes, one on each connection. Senders of webhooks wait 10 s for an answer, so
    /// nothing that keeps others waiting lasts longer; a body is read within one network's round trips, and one that
    /// stalls for 3 s has lost its sender.
    #[must_use]
    pub fn of_body(body_bytes_max: usize) -> Self {
        Self {
            connections: 128,
            headers: Duration::from_secs(5),
            body: Duration::from_secs(10),
            stall: Duration::from_secs(3),
            whole: Duration::from_secs(30),
            body_bytes_max,
            bodies_bytes_max: body_bytes_max.saturating_mul(16),
            keep_alive: false,
            grace: Duration::from_secs(1),
        }
    }

    /// For requests without a body, any number of them on each connection: probes and those who collect figures, which
    /// are few.
    #[must_use]
    pub fn of_questions() -> Self {
        Self { connections: 64, keep_alive: true, ..Self::of_body(0) }
    }
}
