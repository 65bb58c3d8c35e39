//! The real binary, in a home of its own: its own data, cache and configuration directories, and nothing of the
//! environment of whoever runs the tests.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::binary::{self, binary};
use crate::running::{Ran, Running};
use crate::summary::Warmed;
use crate::{Database, model};

/// One person's warmer: a home directory, a configuration, an environment.
#[derive(Debug)]
pub struct Warmer {
    home: TempDir,
    /// Another program than the product.
    program: Option<PathBuf>,
    settings: BTreeMap<String, String>,
    environment: BTreeMap<String, String>,
    /// Whether it listens though no test asked for it.
    listens: bool,
}

impl Warmer {
    /// With the toy model: 32 numbers to a vector, no time to load. It needs the ONNX Runtime all the same.
    #[must_use]
    pub fn toy() -> Self {
        let warmer = Self::empty();
        let toy = warmer.model();
        model::write_toy(&toy, 1);
        warmer.with_model(&toy)
    }

    /// With the real model.
    #[must_use]
    pub fn real() -> Self {
        Self::empty().with_model(&model::real_model())
    }

    /// With no configuration at all: neither model nor runtime are where it looks for them.
    #[must_use]
    pub fn empty() -> Self {
        let home = tempfile::Builder::new().prefix("warmer-home-").tempdir().expect("a temporary directory");
        let (settings, environment) = (BTreeMap::new(), BTreeMap::new());
        let warmer = Self { home, program: None, settings, environment, listens: false };
        for directory in [warmer.data(), warmer.config_file()] {
            let parent = directory.parent().expect("below the home directory");
            std::fs::create_dir_all(parent).expect("a directory in the home directory");
        }
        warmer
    }

    fn with_model(mut self, model: &Path) -> Self {
        self.set("model.path", quoted(model));
        self.set("runtime.library", quoted(&model::runtime_library()));
        self
    }

    /// The same with another program.
    #[must_use]
    pub fn with_program(mut self, program: PathBuf) -> Self {
        self.program = Some(program);
        self
    }

    /// The same with a program that has the fault injection of the chaos suite.
    #[must_use]
    pub fn with_chaos_door(self) -> Self {
        self.with_program(binary::with_chaos_door())
    }

    /// Sets a key of the configuration file to a TOML value: `set("content.exclude", r#"["*.md"]"#)`.
    pub fn set(&mut self, key: &str, value: impl Into<String>) -> &mut Self {
        self.settings.insert(key.to_owned(), value.into());
        let lines: String = self.settings.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        std::fs::write(self.config_file(), lines).expect("the configuration directory can be written to");
        self
    }

    /// Sets a variable of the environment.
    pub fn env(&mut self, name: &str, value: impl Into<String>) -> &mut Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    /// The same with the ports that are open by default: several on one machine would be in each other's way.
    #[must_use]
    pub fn with_default_ports(self) -> Self {
        Self { listens: true, ..self }
    }

    /// The home directory.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The data directory: the database and the mirrors.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.home().join("data/warmer")
    }

    /// Where [`Warmer::toy`] has its model.
    #[must_use]
    pub fn model(&self) -> PathBuf {
        self.home().join("model")
    }

    /// The configuration file.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.home().join("config/warmer/warmer.toml")
    }

    /// The database file, which exists after the first warm.
    #[must_use]
    pub fn database_file(&self) -> PathBuf {
        self.data().join("warmer.sqlite")
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> Database {
        Database::open(&self.database_file())
    }

    /// Starts `warmer ARGUMENTS` and waits for its end.
    ///
    /// # Panics
    /// When it does not end within two minutes, with what it said.
    pub fn run<I: IntoIterator<Item: AsRef<OsStr>>>(&self, arguments: I) -> Ran {
        self.spawn(arguments).finish()
    }

    /// The same, with this on its stdin.
    ///
    /// # Panics
    /// As [`Warmer::run`].
    pub fn run_with_stdin<I: IntoIterator<Item: AsRef<OsStr>>>(&self, arguments: I, stdin: &str) -> Ran {
        let file = self.home().join("stdin");
        std::fs::write(&file, stdin).expect("the home directory can be written to");
        let stdin = std::fs::File::open(file).expect("it was just written");
        Running::start(self.command().args(arguments).stdin(stdin)).finish()
    }

    /// Starts `warmer ARGUMENTS`.
    pub fn spawn<I: IntoIterator<Item: AsRef<OsStr>>>(&self, arguments: I) -> Running {
        Running::start(self.command().args(arguments))
    }

    /// `warmer warm --json TARGETS`, whatever its exit code.
    pub fn warm<I: IntoIterator<Item: AsRef<OsStr>>>(&self, targets: I) -> Warmed {
        Warmed::of(Running::start(self.command().args(["warm", "--json"]).args(targets)).finish())
    }

    /// The same as [`Warmer::run`], with the data directory on a disk of this many bytes that is gone afterwards.
    pub fn run_on_small_disk<I: IntoIterator<Item: AsRef<OsStr>>>(&self, bytes: u64, arguments: I) -> Ran {
        std::fs::create_dir_all(self.data()).expect("a directory in the home directory");
        let script = r#"mount -t tmpfs -o "size=$1" none "$2" && shift 2 && exec "$@""#;
        let warmer = self.command();
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", script, "sh", &bytes.to_string()]);
        command.arg(self.data()).arg(warmer.get_program()).args(arguments);
        command.env_clear().current_dir(self.home()).stdin(Stdio::null());
        command.envs(warmer.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Running::start(&mut command).finish()
    }

    /// The program with this home and environment, without arguments.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(self.program.clone().unwrap_or_else(binary));
        command.current_dir(self.home()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.home());
        for (name, directory) in [("XDG_DATA_HOME", "data"), ("XDG_CACHE_HOME", "cache"), ("XDG_CONFIG_HOME", "config")]
        {
            command.env(name, self.home().join(directory));
        }
        if !self.listens && !self.settings.contains_key("admin.listen") {
            command.env("WARMER__ADMIN__LISTEN", "");
        }
        command.envs(&self.environment).stdin(Stdio::null());
        command
    }
}

/// A path as a TOML string.
#[must_use]
pub fn quoted(path: &Path) -> String {
    format!("'{}'", path.display())
}
