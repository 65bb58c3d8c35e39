//! Where a set-up keeps what it got: the program's directory in the user's cache directory.
//!
//! ```text
//! model/all-MiniLM-L6-v2/   onnx/model.onnx, tokenizer.json, …, model.lock
//! runtime/onnxruntime-V/    the library, its licences, runtime.lock
//! runtime/libonnxruntime.so a symbolic link to the library, the same for every version
//! wheels/                   wheels that are kept whole, such as PostgreSQL's programs for the tests
//! incoming/                 half-done work; never read, swept by the next set-up
//! setup.lock                held while a set-up runs
//! ```

use std::path::{Path, PathBuf};

/// The name under which the default model's directory is kept.
pub const MODEL_NAME: &str = "all-MiniLM-L6-v2";

/// The name under which the runtime library is looked for, whatever its version.
pub const LIBRARY_NAME: &str = if cfg!(target_os = "macos") { "libonnxruntime.dylib" } else { "libonnxruntime.so" };

/// The directory of a set-up.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// One at this directory, which need not exist.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The default model in the Hugging Face layout.
    pub fn model_dir(&self) -> PathBuf {
        self.root.join("model").join(MODEL_NAME)
    }

    /// The runtime libraries, a directory for each version.
    pub fn runtime_dir(&self) -> PathBuf {
        self.root.join("runtime")
    }

    /// The runtime library under the name that does not change with its version.
    pub fn runtime_library(&self) -> PathBuf {
        self.runtime_dir().join(LIBRARY_NAME)
    }

    pub(crate) fn wheels(&self) -> PathBuf {
        self.root.join("wheels")
    }

    pub(crate) fn incoming(&self) -> PathBuf {
        self.root.join("incoming")
    }

    pub(crate) fn lock_file(&self) -> PathBuf {
        self.root.join("setup.lock")
    }
}
