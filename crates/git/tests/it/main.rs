//! The crate against real repositories made by git, and a real, small HTTP server.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests have threads and programs of their own"
)]

mod changes;
mod checkouts;
mod classified;
mod fetching;
mod folding;
mod http;
mod kit;
mod mirrors;
mod reading;
mod remotes;
mod server;
mod silent;
mod tips;
