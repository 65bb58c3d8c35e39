//! Text to vectors: the [`Provider`] that the pipeline and the queries ask, and the one that runs a model of this
//! machine: its files, its tokenizer, and the runtime that executes it.
//!
//! [`Provider::embed`] is asynchronous; everything else here blocks, and the caller decides on which thread. Nothing
//! here reads the environment or the network.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on may panic"))]
#![warn(missing_docs)]

mod absent;
mod error;
mod files;
mod fingerprint;
mod hugging_face;
mod interface;
mod loads;
mod local;
pub mod lock;
mod model;
mod optimized;
mod pooling;
mod provider;
mod runtime;
mod session;
mod settings;
mod shared_library;
mod terminator;
mod tokenizer;
mod weights;

pub use absent::Absent;
pub use error::ModelError;
pub use files::ModelFiles;
pub use loads::model_loads;
pub use local::Local;
pub use model::Model;
pub use pooling::Pooling;
pub use provider::{CallLimits, EmbedError, Embedding, Provider, ask};
pub use runtime::{RUNTIME_MIN, Runtime, TELEMETRY_OFF};
pub use session::Session;
pub use settings::{ModelSettings, RuntimeSettings};
pub use terminator::Terminator;
pub use tokenizer::Tokenizer;
