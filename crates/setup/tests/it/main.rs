//! The set-up against real wheels and a real pip, and against archives; the graph writer against a small checkpoint.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod bert;
#[cfg(feature = "archive")]
mod from;
mod pip;
mod samples;
