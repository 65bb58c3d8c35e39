//! What listens: ports that stay reachable, and what answers on them.
//!
//! [`Listening`] opens a port for any router, as its [`Exposure`] says and within [`Limits`] that its caller sets:
//! connections, times, bytes, and how it ends. Its tenants are [`webhooks`], which turn the pushes of git hosts into
//! jobs, [`Health`], which tells probes how the process is, and [`metrics()`]; [`ask`] is such a probe. [`mcp`] talks
//! to agents by stdin and stdout. What a tenant needs of the process comes in as arguments: nothing here reads a
//! configuration or the environment by itself, nor a file but those of a certificate.

#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on may panic"))]

pub mod mcp;
pub mod webhooks;

mod admin;
mod ask;
mod client;
mod exposure;
mod health;
mod listener;
mod metrics;
mod network;
mod rate_limit;
mod tls;

pub use admin::AdminSettings;
pub use ask::{AskError, ask};
/// What answers on a listener: this crate is the door of its library.
pub use axum::Router;
pub use client::Client;
pub use exposure::Exposure;
pub use health::{Health, Works};
pub use listener::{Limits, ListenError, Listening};
pub use metrics::{Render, metrics};
pub use network::{Network, NoNetwork};
pub use tls::{TlsError, check_certificate};
