//! Where the set-up keeps what it fetched: `${XDG_CACHE_HOME:-$HOME/.cache}/warmer/`.
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

/// The directory of the set-up.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// The user's own. A relative `XDG_CACHE_HOME` is ignored, as the XDG specification asks.
    pub fn of_user() -> Self {
        let xdg = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let home = || std::env::home_dir().unwrap_or_else(std::env::temp_dir).join(".cache");
        Self::at(xdg.unwrap_or_else(home).join("warmer"))
    }

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
        self.runtime_dir().join(LIBRARY_LINK)
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

const LIBRARY_LINK: &str = if cfg!(target_os = "macos") { "libonnxruntime.dylib" } else { "libonnxruntime.so" };

/// The user's set-up directory.
pub fn cache_dir() -> PathBuf {
    Cache::of_user().root
}

/// The default model's directory in the user's set-up directory.
pub fn model_dir() -> PathBuf {
    Cache::of_user().model_dir()
}

/// The runtime library in the user's set-up directory.
pub fn runtime_library() -> PathBuf {
    Cache::of_user().runtime_library()
}
