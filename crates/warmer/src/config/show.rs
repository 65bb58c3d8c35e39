//! The configuration in force, as TOML or JSON, with where each value comes from that is not a default.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use warmer_settings::redacted;

use super::load::Loaded;
use super::problem::Origin;
use super::value::Valued;

/// The values in force as TOML in the order of the manual; behind each that is not a default, where it comes from.
pub(crate) fn show(loaded: &Loaded) -> String {
    let mut text = String::new();
    let mut section = "";
    for valued in &loaded.values {
        if section != valued.section {
            let _ = writeln!(text, "{}[{}]", if section.is_empty() { "" } else { "\n" }, valued.section);
            section = &valued.section;
        }
        let _ = write!(text, "{} = {}", valued.key, shown(valued));
        match &valued.origin {
            Origin::Defaults => text.push('\n'),
            origin => drop(writeln!(text, "  # {origin}")),
        }
    }
    for (list, tables) in [("repositories", &loaded.repositories), ("windows", &loaded.windows)] {
        for (table, origin) in tables {
            let _ = writeln!(text, "\n[[{list}]]  # {origin}");
            for (key, value) in table.as_table().into_iter().flatten() {
                let _ = writeln!(text, "{key} = {value}");
            }
        }
    }
    text
}

/// The values in force and the origins of those that are no defaults, for `--json`.
#[derive(Serialize)]
pub(crate) struct Origins {
    /// `section` to `key` to value.
    values: BTreeMap<String, BTreeMap<String, toml::Value>>,
    /// `section.key` to its origin.
    origins: BTreeMap<String, String>,
    /// What is kept warm, as it was written.
    repositories: Vec<toml::Value>,
    /// When the fleet has another number of slots, as it was written.
    windows: Vec<toml::Value>,
}

impl From<&Loaded> for Origins {
    fn from(loaded: &Loaded) -> Self {
        let mut values = BTreeMap::<String, BTreeMap<_, _>>::new();
        let mut origins = BTreeMap::new();
        for valued in &loaded.values {
            values.entry(valued.section.clone()).or_default().insert(valued.key.clone(), shown(valued));
            if valued.origin != Origin::Defaults {
                origins.insert(format!("{}.{}", valued.section, valued.key), valued.origin.to_string());
            }
        }
        let [repositories, windows] = [&loaded.repositories, &loaded.windows]
            .map(|tables| tables.iter().map(|(table, _)| table.clone()).collect());
        Self { values, origins, repositories, windows }
    }
}

/// The value without what may be a secret.
fn shown(valued: &Valued) -> toml::Value {
    match (&valued.section[..], &valued.key[..], &valued.value) {
        ("database", "url" | "lock_url", toml::Value::String(url)) => toml::Value::String(redacted(url)),
        (_, _, value) => value.clone(),
    }
}
