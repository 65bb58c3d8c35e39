//! The runtime: the ONNX Runtime shared library, loaded once per process.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ort::LoadDynamicError;
use ort::environment::Environment;
use ort::logging::LogLevel;

use crate::error::{ModelError, one_line};
use crate::shared_library;

/// The lowest version of ONNX Runtime that will do, major and minor: the level of its API that is used here.
pub const RUNTIME_MIN: (u32, u32) = (1, ort::MINOR_VERSION);

/// The variable, and its value, that keeps the library from reporting its use to its maker. The process must have set
/// it before [`Runtime::load`]: builds that have telemetry begin while they are loaded, with look-ups of a foreign host
/// and a database of events (device, path of the program) in the user's cache directory; 1.31.1 did. Others do not mind
/// it.
pub const TELEMETRY_OFF: (&str, &str) = ("ORT_DISABLE_TELEMETRY", "1");

/// The library cannot be unloaded, and has one environment per process: whoever loads it next gets this one.
static LOADED: Mutex<Option<Runtime>> = Mutex::new(None);

/// The loaded runtime. Clones are the same.
#[derive(Clone)]
pub struct Runtime {
    library: PathBuf,
    pub(crate) environment: Environment,
}

impl Runtime {
    /// Loads the library; a second call with the same path gives the same runtime. What it logs goes to `tracing`.
    /// After an error another path can be tried. Its telemetry is off only where [`TELEMETRY_OFF`] was set before.
    ///
    /// # Errors
    /// When the file is missing, no ONNX Runtime of this machine, too old, or another one is already loaded.
    pub fn load(library: &Path) -> Result<Self, ModelError> {
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        // The loader takes a relative path as relative to the program; people mean the working directory.
        let path = fs::canonicalize(library).map_err(|why| refuse_path(library, why))?;
        if let Some(runtime) = &*loaded {
            let taken = || ModelError::RuntimeTaken { path: library.to_owned(), loaded: runtime.library.clone() };
            return if runtime.library == path { Ok(runtime.clone()) } else { Err(taken()) };
        }
        if let Some(why) = shared_library::unfit(&path).map_err(ModelError::read(library))? {
            return Err(unfit(library, why));
        }
        let builder = ort::init_from(&path).map_err(|why| refuse_library(library, why))?;
        let built = builder.with_telemetry(false).with_logger(Arc::new(log)).build();
        let environment = built.map_err(|why| unfit(library, one_line(&why)))?;
        environment.set_log_level(LogLevel::Warning);
        let runtime = Self { library: path, environment };
        *loaded = Some(runtime.clone());
        Ok(runtime)
    }

    /// The library's real path.
    #[must_use]
    pub fn library(&self) -> &Path {
        &self.library
    }

    /// What the library says of its build, version included, for people.
    #[must_use]
    pub fn build(&self) -> &'static str {
        ort::info()
    }
}

fn needed() -> String {
    let (major, minor) = RUNTIME_MIN;
    format!("{major}.{minor}")
}

fn unfit(path: &Path, why: String) -> ModelError {
    ModelError::RuntimeUnfit { path: path.to_owned(), why, needed: needed() }
}

fn refuse_path(library: &Path, why: io::Error) -> ModelError {
    match why.kind() {
        io::ErrorKind::NotFound => ModelError::RuntimeMissing { path: library.to_owned(), needed: needed() },
        _ => ModelError::read(library)(why),
    }
}

fn refuse_library(library: &Path, why: LoadDynamicError) -> ModelError {
    match why {
        LoadDynamicError::BadVersion { version_str, .. } => {
            ModelError::RuntimeTooOld { path: library.to_owned(), found: version_str, needed: needed() }
        }
        LoadDynamicError::MissingApi { .. } | LoadDynamicError::InvalidVersionString => {
            unfit(library, "it is a shared library, but not ONNX Runtime".to_owned())
        }
        LoadDynamicError::Dlopen { error, .. } => unfit(library, one_line(&error)),
    }
}

/// What the runtime logs. Its warnings are about its own optimisations: of use to developers, not to users.
fn log(level: LogLevel, _category: &str, _id: &str, location: &str, message: &str) {
    match level {
        LogLevel::Verbose | LogLevel::Info => tracing::trace!(location, "{message}"),
        LogLevel::Warning => tracing::debug!(location, "{message}"),
        LogLevel::Error | LogLevel::Fatal => tracing::warn!(location, "{message}"),
    }
}
