//! The harness of the tests: real repositories, the real binary, real databases and servers that misbehave on demand.
//!
//! Everything here lives in temporary directories and on loopback ports of its own, so that tests run side by side.
//! Nothing sleeps: a wait is for a line of output, a request or a span, and fails with what it saw when that never
//! comes. A harness that cannot do its part panics with the reason: there is no test left to go on with.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests have threads, programs and an environment of their own"
)]

mod agent;
mod backend;
mod binary;
#[path = "../chaos/mod.rs"]
pub mod chaos;
pub mod daemon;
pub mod database;
pub mod engine;
pub mod faults;
mod git;
pub mod inside;
mod loopback;
pub mod metrics;
pub mod model;
pub mod needs;
mod otlp;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod repos;
pub mod running;
pub mod server;
pub mod sources;
pub mod span_list;
pub mod summary;
pub mod traces;

pub use agent::{Agent, Said};
pub use daemon::Daemon;
pub use database::Database;
pub use engine::Engine;
pub use needs::{GIT, Need};
pub use postgres::Postgres;
pub use process::Warmer;
pub use repos::Repo;
pub use running::{Ran, Running};
pub use server::Server;
pub use summary::{Summary, Warmed};
pub use traces::Traces;
