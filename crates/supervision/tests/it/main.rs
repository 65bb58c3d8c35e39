//! The runtime on real ractor actors. Where time matters it is tokio's paused clock: it jumps to the next timer as soon
//! as nothing else is to do.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests have threads, tasks and programs of their own"
)]

mod blocking;
mod child;
mod drain;
mod kit;
mod line;
mod pool;
mod task;
mod tree;
