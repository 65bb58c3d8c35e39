//! The commands against a cargo that only answers, the cluster, and what is given to users.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests start the program itself")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod check;
mod dist;
mod postgres;
mod samples;
mod warm;
