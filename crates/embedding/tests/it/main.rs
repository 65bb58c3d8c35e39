//! The embedding crate on real files: the real model where it is at hand, toy graphs for the rest.

#![expect(clippy::disallowed_methods, reason = "tests have threads and an environment of their own")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod files;
mod golden;
mod kept;
mod kit;
mod local;
mod onnx;
mod refusals;
mod stop;
mod tokens;
mod toy;
mod w13;
mod windows;
