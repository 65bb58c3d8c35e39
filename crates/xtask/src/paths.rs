//! Where the user's own set-up is: `${XDG_CACHE_HOME:-$HOME/.cache}/warmer/`.

use std::path::PathBuf;

use warmer_setup::Cache;

/// The user's set-up. A relative `XDG_CACHE_HOME` is ignored, as the XDG specification asks.
pub fn cache() -> Cache {
    let xdg = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || std::env::home_dir().unwrap_or_else(std::env::temp_dir).join(".cache");
    Cache::at(xdg.unwrap_or_else(home).join("warmer"))
}

/// The user's set-up directory.
pub fn cache_dir() -> PathBuf {
    cache().root().to_owned()
}

/// The default model's directory in the user's set-up directory.
pub fn model_dir() -> PathBuf {
    cache().model_dir()
}

/// The runtime library in the user's set-up directory.
pub fn runtime_library() -> PathBuf {
    cache().runtime_library()
}
