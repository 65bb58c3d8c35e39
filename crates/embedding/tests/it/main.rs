//! The embedding crate on real files: the real model where it is at hand, toy graphs for the rest.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod files;
mod golden;
mod kit;
mod local;
mod onnx;
mod refusals;
mod stop;
mod tokens;
mod toy;
mod w13;
