//! What can be wrong with a model or a runtime. Each message is one sentence with the file and the way out.

use std::io;
use std::path::PathBuf;

/// A model or a runtime that cannot be used as it lies there.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The configured model directory does not exist.
    #[error(
        "the model directory {directory} is not there: get the default model with `warmer setup`, \
         or set [model] path to a directory in the Hugging Face layout"
    )]
    DirectoryMissing {
        /// As configured.
        directory: PathBuf,
    },
    /// The directory lacks a file that every model has.
    #[error("the model directory {directory} has no {file}: fetch the model again, with all its files")]
    FileMissing {
        /// As configured.
        directory: PathBuf,
        /// What was looked for, for example `onnx/model.onnx or model.onnx`.
        file: &'static str,
    },
    /// A file of the model could not be read or written.
    #[error("cannot {action} {path}: {why}")]
    Io {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        why: io::Error,
    },
    /// A settings file of the model is malformed, or asks for what this program does not do.
    #[error(
        "the model cannot be used because of {path}: {why}; fetch the model again or choose another in [model] path"
    )]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        why: String,
    },
    /// `tokenizer.json` could not be loaded.
    #[error("the tokenizer {path} cannot be loaded: {why}; fetch the model again")]
    Tokenizer {
        /// The file.
        path: PathBuf,
        /// What the tokenizer library said.
        why: String,
    },
    /// The graph is truncated, damaged, or of a newer kind than the runtime knows.
    #[error("the model graph {path} cannot be loaded: {why}; fetch the model again, or use a newer ONNX Runtime")]
    Graph {
        /// The file.
        path: PathBuf,
        /// What the runtime said.
        why: String,
    },
    /// The graph loads, but is not that of a text embedding model.
    #[error("the model graph {path} does not embed texts: {why}; choose another model in [model] path")]
    Interface {
        /// The file.
        path: PathBuf,
        /// Which input or output is not as it must be.
        why: String,
    },
    /// The configured runtime library does not exist.
    #[error(
        "the ONNX Runtime library {path} is not there: get it with `warmer setup`, \
         or set [runtime] library to a libonnxruntime of version {needed} or later"
    )]
    RuntimeMissing {
        /// As configured.
        path: PathBuf,
        /// The lowest version that will do.
        needed: String,
    },
    /// The file is there, but cannot be loaded into this process.
    #[error(
        "{path} cannot be used as the ONNX Runtime library: {why}; \
         set [runtime] library to a libonnxruntime of version {needed} or later for this machine"
    )]
    RuntimeUnfit {
        /// As configured.
        path: PathBuf,
        /// What it is instead, or what the loader said.
        why: String,
        /// The lowest version that will do.
        needed: String,
    },
    /// The library is an ONNX Runtime of too low a version.
    #[error(
        "the ONNX Runtime library {path} is of version {found}, and version {needed} or later is needed: \
         get one with `warmer setup`, or set [runtime] library to a newer one"
    )]
    RuntimeTooOld {
        /// As configured.
        path: PathBuf,
        /// What the library says of itself.
        found: String,
        /// The lowest version that will do.
        needed: String,
    },
    /// The process has loaded another library before; it can have only one.
    #[error(
        "cannot load the ONNX Runtime library {path}, because this process already uses {loaded}: restart it to change \
        the library"
    )]
    RuntimeTaken {
        /// What was asked for now.
        path: PathBuf,
        /// What is in use.
        loaded: PathBuf,
    },
}

impl ModelError {
    /// For `map_err` on reading `path`.
    pub(crate) fn read(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |why| Self::Io { action: "read", path, why }
    }

    /// For `map_err` on writing `path`.
    pub(crate) fn write(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |why| Self::Io { action: "write", path, why }
    }
}

/// What a foreign library said, as part of a sentence of ours: on one line, without a full stop at the end.
pub(crate) fn one_line(said: &dyn std::fmt::Display) -> String {
    let said = said.to_string();
    said.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches('.').to_owned()
}
