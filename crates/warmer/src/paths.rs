//! Where things lie on this machine: the XDG base directories, or where the configuration says.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::config::Config;
use crate::environment::Environment;
use crate::xdg::base;

/// The default model's directory below `$XDG_CACHE_HOME/warmer/model`.
const DEFAULT_MODEL: &str = "all-MiniLM-L6-v2";

/// Where things lie. Nothing here is created by looking it up.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    /// The database and the mirrors.
    pub(crate) data: PathBuf,
    /// The SQLite file.
    pub(crate) database: PathBuf,
    /// The folder of mirrors.
    pub(crate) mirrors: PathBuf,
    /// The model's directory.
    pub(crate) model: PathBuf,
    /// Where the runtime library is looked for, best first. One entry where the configuration names it.
    pub(crate) libraries: Vec<PathBuf>,
}

impl Paths {
    /// The places of this configuration and environment.
    ///
    /// # Errors
    /// When a place depends on the home directory and `HOME` does not say where it is.
    pub(crate) fn new(config: &Config, environment: &Environment) -> anyhow::Result<Self> {
        let named = |path: &str| (!path.is_empty()).then(|| PathBuf::from(path));
        let data = match named(&config.database.data_dir) {
            Some(directory) => directory,
            None => base(environment, "XDG_DATA_HOME", ".local/share")
                .context("set database.data_dir to say where the data is kept")?,
        };
        let cache = || {
            base(environment, "XDG_CACHE_HOME", ".cache")
                .context("set model.path and runtime.library to say where the model is kept")
        };
        let model = match named(&config.model.path) {
            Some(directory) => directory,
            None => cache()?.join("model").join(DEFAULT_MODEL),
        };
        let libraries = match named(&config.runtime.library) {
            Some(library) => vec![library],
            None => default_libraries(&cache()?),
        };
        let database = config.database.sqlite_file().unwrap_or_else(|| data.join("warmer.sqlite"));
        Ok(Self { mirrors: data.join("mirrors"), data, database, model, libraries })
    }

    /// The runtime library: the first candidate that is a file.
    ///
    /// # Errors
    /// A sentence that names where it was looked for and how to get it.
    pub(crate) fn library(&self) -> Result<&Path, String> {
        self.libraries.iter().find(|path| path.is_file()).map(PathBuf::as_path).ok_or_else(|| {
            let places: Vec<_> = self.libraries.iter().map(|path| path.display().to_string()).collect();
            let places = places.join(", ");
            format!(
                "the ONNX Runtime library was not found (looked for {places}): run `cargo xtask setup`, or name it by \
                 `[runtime] library` or ORT_DYLIB_PATH"
            )
        })
    }
}

/// Makes a directory, with those above it, that is its owner's alone: the cache holds source texts. One that is there
/// stays as it is.
///
/// # Errors
/// As the system says.
pub(crate) fn make_private(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

fn default_libraries(cache: &Path) -> Vec<PathBuf> {
    let name = format!("{}onnxruntime{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let beside = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.to_path_buf()));
    let directories = [Some(cache.join("runtime")), beside, Some("/usr/lib".into()), Some("/usr/local/lib".into())];
    directories.into_iter().flatten().map(|directory| directory.join(&name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::config_of;

    fn paths(toml: &str, variables: &[(&str, &str)]) -> anyhow::Result<Paths> {
        Paths::new(&config_of(toml), &variables.iter().copied().collect())
    }

    #[test]
    fn the_xdg_directories_decide_before_the_home_directory() {
        let paths = paths("", &[("HOME", "/home/a"), ("XDG_DATA_HOME", "/data")]).unwrap();
        assert_eq!(paths.database, Path::new("/data/warmer/warmer.sqlite"));
        assert_eq!(paths.mirrors, Path::new("/data/warmer/mirrors"));
        assert_eq!(paths.model, Path::new("/home/a/.cache/warmer/model/all-MiniLM-L6-v2"));
    }

    #[test]
    fn a_relative_xdg_directory_counts_as_unset() {
        let paths = paths("", &[("HOME", "/home/a"), ("XDG_DATA_HOME", "data")]).unwrap();
        assert_eq!(paths.data, Path::new("/home/a/.local/share/warmer"));
    }

    #[test]
    fn the_configuration_decides_before_the_environment() {
        let toml = "[database]\nurl = \"sqlite:/srv/x.sqlite\"\ndata_dir = \"/srv/data\"\n[model]\npath = \
            \"/srv/model\"\n\
                    [runtime]\nlibrary = \"/srv/ort.so\"\n";
        let paths = paths(toml, &[]).unwrap();
        assert_eq!(paths.database, Path::new("/srv/x.sqlite"));
        assert_eq!(paths.mirrors, Path::new("/srv/data/mirrors"));
        assert_eq!(paths.libraries, [Path::new("/srv/ort.so")]);
    }

    #[test]
    fn without_a_home_the_error_names_the_key_to_set() {
        let error = format!("{:#}", paths("", &[]).unwrap_err());
        assert_eq!(
            error,
            "set database.data_dir to say where the data is kept: neither XDG_DATA_HOME nor HOME names an absolute path"
        );
    }

    #[test]
    fn a_missing_library_is_a_sentence_with_the_way_out() {
        let toml = "[runtime]\nlibrary = \"/nowhere/ort.so\"\n[database]\ndata_dir = \"/d\"\n[model]\npath = \"/m\"\n";
        let sentence = paths(toml, &[]).unwrap().library().unwrap_err();
        assert!(sentence.contains("/nowhere/ort.so") && sentence.contains("ORT_DYLIB_PATH"), "{sentence}");
    }
}
