//! One layer: the settings that a file, the environment or the command line gives, each with its origin.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::file::Text;
use super::problem::{Origin, Problem, TOLD_MOST};
use super::value::{Entry, Setting, Table, Value};
use crate::environment::Environment;

/// The variables of ours: two underscores between the parts, so that what Kubernetes sets for a service called
/// `warmer` (`WARMER_PORT`, …) is none of them.
const PREFIX: &str = "WARMER__";

/// Variables with a meaning of their own, and the key each sets.
const ALIASES: [(&str, &str); 4] = [
    ("DATABASE_URL", "database.url"),
    ("KEEPTRUSTS_CACHE_WARMER_CONCURRENCY", "claimer.concurrency"),
    ("ORT_DYLIB_PATH", "runtime.library"),
    ("RUST_LOG", "telemetry.log"),
];

/// The keys that are lists of tables and no sections.
const LISTS: [&str; 2] = ["repositories", "windows"];

/// What one layer gives, and what is wrong with it.
#[derive(Default)]
pub(super) struct Layer<'a> {
    pub(super) settings: Vec<Setting<'a>>,
    /// The tables of the lists that the layer has, by the list's name.
    pub(super) lists: BTreeMap<&'static str, Vec<Entry<'a>>>,
    pub(super) problems: Vec<Problem>,
}

impl<'a> Layer<'a> {
    /// The layer of a file's text.
    pub(super) fn of_file(path: &Path, text: &'a Text, defaults: &Table<'_>) -> Self {
        let mut layer = Self::default();
        let file = Origin::File { path: path.to_path_buf(), line: 1, column: 1 };
        let (table, errors) = DeTable::parse_recoverable(text.as_str());
        if !errors.is_empty() {
            layer.problems.extend(errors.iter().take(TOLD_MOST + 1).map(|error| Problem {
                origin: file.at(text, error.span().map_or(0, |span| span.start)),
                key: String::new(),
                message: format!("this is no TOML: {}", error.message()),
            }));
            return layer;
        }
        for (section, value) in table.into_inner() {
            if layer.has_enough() {
                break;
            }
            let origin = file.at(text, section.span().start);
            let name = section.into_inner().into_owned();
            if let Some(list) = LISTS.into_iter().find(|list| *list == name) {
                layer.take_tables(list, value, &origin, text);
                continue;
            }
            let DeValue::Table(keys) = value.into_inner() else {
                let message = format!("{} is a section: write [{name}] and its keys below it", quoted(&name));
                layer.problems.push(Problem { origin, key: name, message });
                continue;
            };
            if !defaults.contains_key(name.as_str()) {
                layer.refuse(origin, name, "section", defaults);
                continue;
            }
            for (key, value) in keys {
                if layer.has_enough() {
                    break;
                }
                let origin = file.at(text, key.span().start);
                layer.take(defaults, &name, &key.into_inner(), Given::Toml(value), origin, Some(text));
            }
        }
        layer
    }

    fn take_tables(&mut self, list: &'static str, value: Value<'a>, origin: &Origin, text: &'a Text) {
        let DeValue::Array(tables) = value.into_inner() else {
            let message = format!("write [[{list}]] and its keys below it, for each of them");
            self.problems.push(Problem { origin: origin.clone(), key: list.to_owned(), message });
            return;
        };
        let entry = |value: Value<'a>| Entry { origin: origin.at(text, value.span().start), value, text };
        self.lists.entry(list).or_default().extend(tables.into_iter().map(entry));
    }

    /// The layer of the variables `WARMER__SECTION__KEY`.
    pub(super) fn of_variables(environment: &'a Environment, defaults: &Table<'_>) -> Self {
        let mut layer = Self::default();
        for (name, value) in environment.with_prefix(PREFIX) {
            let origin = Origin::Variable(name.to_owned());
            match name[PREFIX.len()..].to_lowercase().split_once("__") {
                Some((section, key)) => layer.take_text(defaults, section, key, value, origin),
                None => layer.problems.push(Problem {
                    origin,
                    key: String::new(),
                    message: "the name has no key: write WARMER__SECTION__KEY".to_owned(),
                }),
            }
        }
        layer
    }

    /// The layer of the variables that have a meaning of their own.
    pub(super) fn of_aliases(environment: &'a Environment, defaults: &Table<'_>) -> Self {
        let mut layer = Self::default();
        for (name, path) in ALIASES {
            if let (Some(value), Some((section, key))) = (environment.get(name), path.split_once('.')) {
                layer.take_text(defaults, section, key, value, Origin::Variable(name.to_owned()));
            }
        }
        layer
    }

    /// The layer of `--set SECTION.KEY=VALUE`.
    pub(super) fn of_flags(flags: &'a [String], defaults: &Table<'_>) -> Self {
        let mut layer = Self::default();
        for flag in flags {
            match flag.split_once('=').and_then(|(path, value)| Some((path.trim().split_once('.')?, value))) {
                Some(((section, key), value)) => {
                    layer.take_text(defaults, section, key, OsStr::new(value), Origin::Flag);
                }
                None => layer.problems.push(Problem {
                    origin: Origin::Flag,
                    key: String::new(),
                    message: "expected SECTION.KEY=VALUE, for example claimer.concurrency=8".to_owned(),
                }),
            }
        }
        layer
    }

    fn take_text(&mut self, defaults: &Table<'_>, section: &str, key: &str, value: &'a OsStr, origin: Origin) {
        match value.to_str() {
            Some(text) => self.take(defaults, section, key, Given::Text(text), origin, None),
            None => self.problems.push(Problem {
                origin,
                key: format!("{section}.{key}"),
                message: "the value is not UTF-8".to_owned(),
            }),
        }
    }

    /// Takes the value of a key that exists.
    fn take(
        &mut self,
        defaults: &Table<'_>,
        section: &str,
        key: &str,
        given: Given<'a>,
        origin: Origin,
        text: Option<&'a Text>,
    ) {
        let Some(DeValue::Table(keys)) = defaults.get(section).map(Spanned::get_ref) else {
            return self.refuse(origin, section.to_owned(), "section", defaults);
        };
        let Some(default) = keys.get(key) else {
            return self.refuse(origin, format!("{section}.{key}"), "key", keys);
        };
        let value = match given {
            Given::Toml(value) => value,
            Given::Text(value) => typed(value, default.get_ref()),
        };
        self.settings.push(Setting { section: section.to_owned(), key: key.to_owned(), value, origin, text });
    }

    /// Whether more mistakes would only be in the way.
    fn has_enough(&self) -> bool {
        self.problems.len() > TOLD_MOST
    }

    fn refuse(&mut self, origin: Origin, key: String, what: &str, known: &Table<'_>) {
        let mut known: Vec<_> = known.keys().map(|name| (name.span().start, quoted(name.get_ref()))).collect();
        known.sort();
        let known = known.into_iter().map(|(_, name)| name).collect::<Vec<_>>().join(", ");
        self.problems.push(Problem {
            origin,
            key,
            message: format!("there is no such {what}; expected one of {known}"),
        });
    }
}

enum Given<'a> {
    Toml(Value<'a>),
    Text(&'a str),
}

/// A variable's text as a value of the same type as the key's default: texts as they are, lists as TOML or separated by
/// commas, everything else as TOML. What is no TOML stays a text, which the key then refuses by its type.
fn typed<'a>(text: &'a str, default: &DeValue<'_>) -> Value<'a> {
    let as_text = |text: &'a str| Spanned::new(0..0, DeValue::String(Cow::Borrowed(text)));
    match default {
        // What the machine decides may be a number, too.
        DeValue::String(default) if default != "auto" => as_text(text),
        DeValue::Array(_) if !text.trim_start().starts_with('[') => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Spanned::new(0..0, DeValue::Array(items.map(as_text).collect()))
        }
        _ => DeValue::parse(text.trim()).unwrap_or_else(|_| as_text(text)),
    }
}

fn quoted(name: &str) -> String {
    format!("`{name}`")
}
