//! The commands against a cargo that only answers and the cluster.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests start the program itself")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod check;
mod postgres;
mod samples;
mod warm;
