//! How the configuration in force came about, to tell later what has changed since.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::load::{Loaded, load};
use super::problem::{Origin, Problems};
use super::value::Valued;
use crate::environment::Environment;

/// Where the configuration came from, and what it was.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    environment: Environment,
    file: Option<PathBuf>,
    flags: Vec<String>,
    values: Vec<Valued>,
    repositories: Vec<toml::Value>,
    windows: Vec<toml::Value>,
}

impl Given {
    /// Remembers what was loaded from these.
    pub(crate) fn new(environment: &Environment, file: Option<PathBuf>, flags: &[String], loaded: &Loaded) -> Self {
        Self {
            environment: environment.clone(),
            file,
            flags: flags.to_vec(),
            values: loaded.values.clone(),
            repositories: written(&loaded.repositories),
            windows: written(&loaded.windows),
        }
    }

    /// The file that was named by a flag.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Whether nobody set the key.
    pub(crate) fn is_default(&self, section: &str, key: &str) -> bool {
        let mine = |valued: &&Valued| valued.section == section && valued.key == key;
        self.values.iter().find(mine).is_some_and(|valued| valued.origin == Origin::Defaults)
    }

    /// Loads all layers anew; the keys whose value is another one now, `repositories` and `windows` last. No value is
    /// told: it may be a secret.
    ///
    /// # Errors
    /// All mistakes of what the layers are now.
    pub(crate) fn changes(&self) -> Result<Vec<String>, Problems> {
        let now = load(&self.environment, self.file.as_deref(), &self.flags)?;
        let before: BTreeSet<_> = self.values.iter().map(line).collect();
        let changed = now.values.iter().filter(|valued| !before.contains(&line(valued)));
        let mut keys: Vec<_> = changed.map(|valued| format!("{}.{}", valued.section, valued.key)).collect();
        let lists = [("repositories", &now.repositories, &self.repositories), ("windows", &now.windows, &self.windows)];
        let changed = lists.into_iter().filter(|(_, now, before)| written(now) != **before);
        keys.extend(changed.map(|(list, ..)| list.to_owned()));
        Ok(keys)
    }
}

fn line(valued: &Valued) -> (&str, &str, String) {
    (&valued.section, &valued.key, valued.value.to_string())
}

fn written(tables: &[(toml::Value, Origin)]) -> Vec<toml::Value> {
    tables.iter().map(|(table, _)| table.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_told_by_its_keys_and_never_by_its_values() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let write = |text: &str| std::fs::write(file.path(), text).unwrap();
        write("[claimer]\nconcurrency = 3\n");
        let (environment, path) = (Environment::default(), file.path().to_path_buf());
        let loaded = load(&environment, Some(&path), &[]).unwrap();
        let given = Given::new(&environment, Some(path), &[], &loaded);
        assert_eq!(given.changes().unwrap(), Vec::<String>::new());
        write(
            "[[repositories]]\nurl = \"https://git.example.com/a\"\n[database]\nurl = \"postgres://me:hunter2@db/w\"\n",
        );
        assert_eq!(given.changes().unwrap(), ["database.url", "claimer.concurrency", "repositories"]);
        write("[claimer]\nconcurrency = 0\n");
        assert!(given.changes().unwrap_err().to_string().contains("claimer.concurrency"));
        write("# another comment\n[claimer]\nconcurrency = 3\n");
        assert_eq!(given.changes().unwrap(), Vec::<String>::new());
    }
}
