//! The set-up against real wheels and a real pip, the graph writer against a small checkpoint, the commands against a
//! cargo that only answers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod bert;
mod check;
mod postgres;
mod samples;
mod setup;
mod warm;
