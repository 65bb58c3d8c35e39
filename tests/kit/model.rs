//! The models: a toy that loads at once, and the real one as `cargo xtask setup` leaves it.
//!
//! `WARMER_TEST_MODEL` and `WARMER_TEST_RUNTIME` name another model directory and another runtime library.

use std::env::var_os;
use std::path::{Path, PathBuf};

/// Writes the toy model: 32 numbers to a vector. Another seed gives other vectors for the same words: another model.
///
/// # Panics
/// When it cannot be written.
pub fn write_toy(directory: &Path, seed: u64) {
    xtask::toy::write_toy_model(directory, seed).unwrap_or_else(|error| panic!("no toy model: {error:#}"));
}

/// The directory of the real model; there is something in it only where [`crate::Need::Model`] is met.
#[must_use]
pub fn real_model() -> PathBuf {
    var_os("WARMER_TEST_MODEL").map_or_else(xtask::model_dir, PathBuf::from)
}

/// The ONNX Runtime library; it is there only where [`crate::Need::Runtime`] is met.
#[must_use]
pub fn runtime_library() -> PathBuf {
    var_os("WARMER_TEST_RUNTIME").map_or_else(xtask::runtime_library, PathBuf::from)
}
