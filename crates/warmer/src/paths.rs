//! Where things lie on this machine: where the configuration says, in the bundle that this program is part of, in the
//! XDG base directories.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use warmer_settings::absolute;
use warmer_setup::{Bundle, Cache, LIBRARY_NAME};

use crate::config::Config;
use crate::environment::Environment;
use crate::xdg::base;

/// Where things lie. Nothing here is created by looking it up.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    /// The database, the mirrors and the indexes.
    pub(crate) data: PathBuf,
    /// The SQLite file.
    pub(crate) database: PathBuf,
    /// The folder of mirrors.
    pub(crate) mirrors: PathBuf,
    /// The folder of optimised graphs.
    pub(crate) graphs: PathBuf,
    /// The folder of the indexes that searches look in.
    pub(crate) segments: PathBuf,
    /// The model's directory.
    pub(crate) model: PathBuf,
    /// Where the runtime library is looked for, best first. One entry where the configuration names it.
    pub(crate) libraries: Vec<PathBuf>,
    /// The bundle that this program is part of.
    pub(crate) bundle: Option<Bundle>,
}

impl Paths {
    /// The places of this configuration and environment.
    ///
    /// # Errors
    /// When a place depends on the home directory and `HOME` does not say where it is.
    pub(crate) fn new(config: &Config, environment: &Environment) -> anyhow::Result<Self> {
        Self::beside(program().as_deref(), config, environment)
    }

    /// The same for a program that lies there.
    fn beside(program: Option<&Path>, config: &Config, environment: &Environment) -> anyhow::Result<Self> {
        let bundle = program.and_then(Bundle::of_program);
        let named = |path: &str| (!path.is_empty()).then(|| absolute(path));
        let data = match named(&config.database.data_dir) {
            Some(directory) => directory,
            None => base(environment, "XDG_DATA_HOME", ".local/share")
                .context("set database.data_dir to say where the data is kept")?,
        };
        let graphs = cache(environment).map_or_else(|_| data.clone(), |cache| cache.root().to_owned()).join("graphs");
        let cache = || cache(environment).context("set model.path and runtime.library to say where the model is kept");
        let model = match (named(&config.model.path), &bundle) {
            (Some(directory), _) => directory,
            (None, Some(bundle)) => bundle.model_dir(),
            (None, None) => cache()?.model_dir(),
        };
        let libraries = match (named(&config.runtime.library), &bundle) {
            (Some(library), _) => vec![library],
            (None, Some(bundle)) => vec![bundle.library().to_owned()],
            (None, None) => default_libraries(&cache()?, program),
        };
        let database = config.database.sqlite_file().map_or_else(|| data.join("warmer.sqlite"), absolute);
        Ok(Self {
            mirrors: data.join("mirrors"),
            segments: data.join("segments"),
            data,
            database,
            graphs,
            model,
            libraries,
            bundle,
        })
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
                "the ONNX Runtime library was not found (looked for {places}): run `warmer setup`, or name it by \
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

/// What `warmer setup` gets lies here.
///
/// # Errors
/// When neither XDG_CACHE_HOME nor HOME says where that is.
pub(crate) fn cache(environment: &Environment) -> anyhow::Result<Cache> {
    Ok(Cache::at(base(environment, "XDG_CACHE_HOME", ".cache")?))
}

/// Where this program lies, without symbolic links.
pub(crate) fn program() -> Option<PathBuf> {
    std::env::current_exe().and_then(std::fs::canonicalize).ok()
}

fn default_libraries(cache: &Cache, program: Option<&Path>) -> Vec<PathBuf> {
    let beside = program.and_then(Path::parent);
    let directories = [beside, Some(Path::new("/usr/lib")), Some(Path::new("/usr/local/lib"))];
    let others = directories.into_iter().flatten().map(|directory| directory.join(LIBRARY_NAME));
    [cache.runtime_library()].into_iter().chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::config_of;

    fn paths(toml: &str, variables: &[(&str, &str)]) -> anyhow::Result<Paths> {
        Paths::new(&config_of(toml), &variables.iter().copied().collect())
    }

    /// An unpacked bundle, and the places of the program in it.
    fn bundled(toml: &str, variables: &[(&str, &str)]) -> (tempfile::TempDir, anyhow::Result<Paths>) {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("model")).unwrap();
        std::fs::write(directory.path().join("manifest.json"), "{}").unwrap();
        let program = directory.path().join("bin/warmer");
        let paths = Paths::beside(Some(&program), &config_of(toml), &variables.iter().copied().collect());
        (directory, paths)
    }

    #[test]
    fn a_bundle_has_model_and_runtime_and_needs_no_home_for_them() {
        let (directory, paths) = bundled("[database]\ndata_dir = \"/d\"\n", &[]);
        let paths = paths.unwrap();
        assert_eq!(paths.model, directory.path().join("model/all-MiniLM-L6-v2"));
        assert_eq!(paths.libraries, [directory.path().join("lib").join(LIBRARY_NAME)]);
        let (directory, paths) = bundled("", &[("HOME", "/home/a")]);
        assert_eq!(paths.unwrap().model, directory.path().join("model/all-MiniLM-L6-v2"), "before the user's own");
    }

    #[test]
    fn the_configuration_decides_before_the_bundle() {
        let toml = "[database]\ndata_dir = \"/d\"\n[model]\npath = \"/m\"\n[runtime]\nlibrary = \"/l.so\"\n";
        let paths = bundled(toml, &[]).1.unwrap();
        assert_eq!((paths.model, paths.libraries), (PathBuf::from("/m"), vec![PathBuf::from("/l.so")]));
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
