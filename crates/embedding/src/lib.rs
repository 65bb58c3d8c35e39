//! Text to vectors: the model's files, its tokenizer, the runtime that executes it, and the embedder that uses all three.
//!
//! Everything here blocks; the caller decides on which thread. Nothing here reads the environment or the network.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on may panic"))]

mod embedder;
mod error;
mod fingerprint;
mod interface;
pub mod lock;
mod model;
mod pooling;
mod runtime;
mod settings;
mod shared_library;
mod terminator;
mod tokenizer;

pub use embedder::Embedder;
pub use error::{EmbedError, ModelError};
pub use fingerprint::Fingerprint;
pub use model::ModelFiles;
pub use pooling::Pooling;
pub use runtime::{RUNTIME_MIN, Runtime, TELEMETRY_OFF};
pub use terminator::Terminator;
pub use tokenizer::Tokenizer;
