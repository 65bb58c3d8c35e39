//! The set-up against real wheels and a real pip, the graph writer against a small checkpoint, the commands against a
//! cargo that only answers.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests start the program itself")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod bert;
mod check;
mod postgres;
mod samples;
mod setup;
mod warm;
