//! What every view promises: it is about the repositories of its scope, and about nothing else.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod asked;
mod cache;
mod meanwhile;
mod scope;
mod session;
mod symbols;
