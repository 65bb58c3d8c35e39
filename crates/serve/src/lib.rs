//! What listens: ports that stay reachable, and what answers on them.
//!
//! [`Listening`] opens a port for any router, within [`Limits`] that its caller sets: connections, times, bytes, and
//! how it ends. Its first tenant are [`webhooks`], which turn the pushes of git hosts into jobs. What a tenant needs of
//! the process comes in as arguments: nothing here reads a configuration, a file or the environment by itself.

#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on may panic"))]

pub mod webhooks;

mod listener;
mod rate_limit;

pub use listener::{Limits, ListenError, Listening};
pub use rate_limit::RateLimit;
