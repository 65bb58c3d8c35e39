//! How the configuration in force came about, so that it can be read again.

use std::path::{Path, PathBuf};

use warmer_settings::absolute;

use super::load::{Loaded, load, sources};
use super::problem::{Origin, Problems};
use super::value::Valued;
use crate::environment::Environment;

/// Where the configuration came from, and what is in force of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    environment: Environment,
    file: Option<PathBuf>,
    flags: Vec<String>,
    pub(super) values: Vec<Valued>,
    /// `repositories` and `windows`, as they were written.
    pub(super) lists: [Vec<toml::Value>; 2],
}

impl Given {
    /// Remembers what was loaded from these.
    pub(crate) fn new(environment: &Environment, file: Option<PathBuf>, flags: &[String], loaded: &Loaded) -> Self {
        Self {
            environment: environment.clone(),
            file: file.map(absolute),
            flags: flags.to_vec(),
            values: loaded.values.clone(),
            lists: written(loaded),
        }
    }

    /// The file that was named by a flag.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The files that the configuration is read from, there or not.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        sources(&self.environment, self.file.as_deref()).into_iter().map(|(path, _)| path).collect()
    }

    /// Whether nobody set the key.
    pub(crate) fn is_default(&self, section: &str, key: &str) -> bool {
        self.value(section, key).is_some_and(|valued| valued.origin == Origin::Defaults)
    }

    /// Loads all layers anew.
    ///
    /// # Errors
    /// All mistakes of what the layers are now.
    pub(super) fn load(&self) -> Result<Loaded, Problems> {
        load(&self.environment, self.file.as_deref(), &self.flags)
    }

    /// The same with these values in force.
    pub(super) fn with(&self, values: Vec<Valued>, lists: [Vec<toml::Value>; 2]) -> Self {
        Self { values, lists, ..self.clone() }
    }

    pub(super) fn value(&self, section: &str, key: &str) -> Option<&Valued> {
        self.values.iter().find(|valued| valued.section == section && valued.key == key)
    }
}

/// The lists as they were written, without where.
pub(super) fn written(loaded: &Loaded) -> [Vec<toml::Value>; 2] {
    [&loaded.repositories, &loaded.windows].map(|tables| tables.iter().map(|(table, _)| table.clone()).collect())
}
