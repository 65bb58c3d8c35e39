//! Lays the layers over each other. Every value is tried alone against the defaults, so that all mistakes are found at
//! once and each one is named with its own origin.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeValue, Deserializer, ValueDeserializer};

use super::file::{self, Text};
use super::layer::Layer;
use super::problem::{Origin, Problem, Problems};
use super::sections::Config;
use super::value::{Entry, Setting, Table, Valued};
use super::words::in_words;
use super::{check, manual, repositories, windows};
use crate::environment::Environment;
use crate::xdg::user_config;

/// The file for all users of a machine.
const SYSTEM_FILE: &str = "/etc/warmer/warmer.toml";

/// The configuration in force, and how it came about.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The configuration.
    pub(crate) config: Config,
    /// Every value in the order of the manual, with its origin.
    pub(crate) values: Vec<Valued>,
    /// Every `[[repositories]]` as it was written, with its origin.
    pub(crate) repositories: Vec<(toml::Value, Origin)>,
    /// Every `[[windows]]` as it was written, with its origin.
    pub(crate) windows: Vec<(toml::Value, Origin)>,
    /// What is allowed but probably not meant.
    pub(crate) warnings: Vec<String>,
}

impl Loaded {
    /// Whether nobody set the key.
    pub(crate) fn is_default(&self, section: &str, key: &str) -> bool {
        let mine = |valued: &&Valued| valued.section == section && valued.key == key;
        self.values.iter().find(mine).is_some_and(|valued| valued.origin == Origin::Defaults)
    }
}

impl Loaded {
    /// All values but `[[repositories]]` and `[[windows]]` as TOML, which [`of_text`] reads again. It may hold a
    /// password.
    pub(crate) fn in_force(&self) -> String {
        in_force(&self.values, &self.config.telemetry.log)
    }

    /// Who runs a daemon wants to know what it does: where nobody says what is logged, it is more than in a command.
    pub(crate) fn log_as_daemon(&mut self) {
        if self.is_default("telemetry", "log") {
            "info".clone_into(&mut self.config.telemetry.log);
        }
    }
}

/// These values as TOML; `log` is what is logged, for which `run` has a default of its own.
pub(super) fn in_force(values: &[Valued], log: &str) -> String {
    let mut sections = toml::Table::new();
    for valued in values {
        let section = sections.entry(valued.section.clone()).or_insert_with(|| toml::Table::new().into());
        if let toml::Value::Table(keys) = section {
            keys.insert(valued.key.clone(), valued.value.clone());
        }
    }
    if let Some(toml::Value::Table(telemetry)) = sections.get_mut("telemetry") {
        telemetry.insert("log".to_owned(), log.into());
    }
    sections.to_string()
}

/// The configuration that [`Loaded::in_force`] wrote down.
///
/// # Errors
/// When it is of another version of this program; the message repeats no value.
pub(crate) fn of_text(text: &str) -> anyhow::Result<Config> {
    let read = toml::from_str(text).map_err(|error| anyhow::anyhow!("{}", error.message()));
    read.context("cannot read the configuration of the parent process")
}

/// Loads the configuration. `file` is the one named on the command line, `flags` are those of `--set`.
///
/// # Errors
/// All mistakes of all layers.
pub(crate) fn load(environment: &Environment, file: Option<&Path>, flags: &[String]) -> Result<Loaded, Problems> {
    let defaults = manual::defaults();
    let mut problems = Vec::new();
    let files = read_files(environment, file, &mut problems);
    let mut layers: Vec<_> = files.iter().map(|(path, text)| Layer::of_file(path, text, &defaults)).collect();
    layers.push(Layer::of_variables(environment, &defaults));
    layers.push(Layer::of_aliases(environment, &defaults));
    layers.push(Layer::of_flags(flags, &defaults));

    let mut merged = Merged::new(&defaults);
    let mut lists = BTreeMap::new();
    for layer in layers {
        problems.extend(layer.problems);
        // The last that has one counts.
        lists.extend(layer.lists);
        for setting in layer.settings {
            match try_alone(&defaults, &setting) {
                Ok(()) => merged.set(setting),
                Err(problem) => problems.push(problem),
            }
        }
    }
    let (mut config, values) = merged.finish();
    let [repositories, windows] = ["repositories", "windows"].map(|list| lists.remove(list).unwrap_or_default());
    let mistakes;
    (config.repositories, mistakes) = repositories::read(&repositories);
    problems.extend(mistakes);
    let mistakes;
    (config.windows, mistakes) = windows::read(&windows);
    problems.extend(mistakes);
    problems.extend(check::check(&config, &values));
    if problems.is_empty() {
        let [repositories, windows] = [repositories, windows].map(|entries| entries.iter().map(written).collect());
        Ok(Loaded { warnings: check::warnings(&config), config, values, repositories, windows })
    } else {
        problems.sort_by(|one, other| one.origin.cmp(&other.origin));
        Err(Problems(problems))
    }
}

/// The table without positions.
fn written(entry: &Entry<'_>) -> (toml::Value, Origin) {
    let value = toml::Value::deserialize(ValueDeserializer::from(entry.value.clone())).expect("it was read before");
    (value, entry.origin.clone())
}

/// Where the files are, lowest layer first, and whether each must be there.
pub(super) fn sources(environment: &Environment, flag: Option<&Path>) -> Vec<(PathBuf, bool)> {
    let from_variable = || environment.get("WARMER_CONFIG").map(PathBuf::from);
    let named = flag.map(Path::to_path_buf).or_else(from_variable);
    let optional = [Some(PathBuf::from(SYSTEM_FILE)), user_config(environment)].into_iter().flatten();
    optional.map(|path| (path, false)).chain(named.map(|path| (path, true))).collect()
}

/// The files that are there, lowest layer first. One that was named and is not there is a mistake.
fn read_files(environment: &Environment, flag: Option<&Path>, problems: &mut Vec<Problem>) -> Vec<(PathBuf, Text)> {
    let mut files = Vec::new();
    for (path, required) in sources(environment, flag) {
        if !required && path.try_exists().is_ok_and(|exists| !exists) {
            continue;
        }
        match file::read(&path, file::CONFIGURATION_BYTES_MAX) {
            Ok(text) => files.push((path, Text::new(text))),
            Err(error) => problems.push(Problem {
                origin: Origin::File { path, line: 1, column: 1 },
                key: String::new(),
                message: format!("the file cannot be read: {error}"),
            }),
        }
    }
    files
}

/// Whether the value suits its key, with the defaults around it.
fn try_alone(defaults: &Table<'_>, setting: &Setting<'_>) -> Result<(), Problem> {
    let mut table = defaults.clone();
    put(&mut table, setting);
    Config::deserialize(Deserializer::from(Spanned::new(0..0, table))).map(drop).map_err(|error| Problem {
        origin: error.span().map_or_else(|| setting.origin.clone(), |span| position(setting, span.start)),
        key: format!("{}.{}", setting.section, setting.key),
        message: without_secret(setting, in_words(error.message())),
    })
}

/// Where in the value something is.
fn position(setting: &Setting<'_>, offset: usize) -> Origin {
    setting.text.map_or_else(|| setting.origin.clone(), |text| setting.origin.at(text, offset))
}

/// What may hold a secret is not repeated, whatever is wrong with it (W-12): what was expected has to do.
fn without_secret(setting: &Setting<'_>, message: String) -> String {
    let secret =
        matches!((&setting.section[..], &setting.key[..]), ("database", "url" | "lock_url") | ("git", "credentials"));
    match message.rsplit_once("expected ") {
        Some((_, expected)) if secret && message.starts_with("invalid ") => format!("expected {expected}"),
        _ => message,
    }
}

fn put<'a>(table: &mut Table<'a>, setting: &Setting<'a>) {
    if let Some(DeValue::Table(keys)) = table.get_mut(setting.section.as_str()).map(Spanned::get_mut)
        && let Some(value) = keys.get_mut(setting.key.as_str())
    {
        *value = setting.value.clone();
    }
}

/// The layers so far.
struct Merged<'a> {
    table: Table<'a>,
    origins: Vec<(String, String, Origin)>,
}

impl<'a> Merged<'a> {
    fn new(defaults: &Table<'a>) -> Self {
        let mut origins: Vec<_> = defaults
            .iter()
            .filter_map(|(section, value)| Some((section, value.get_ref().as_table()?)))
            .flat_map(|(section, keys)| keys.keys().map(move |key| (key.span().start, section, key)))
            .collect();
        origins.sort_by_key(|(position, ..)| *position);
        let named = |(_, section, key): (usize, &Spanned<_>, &Spanned<_>)| {
            (ToString::to_string(section.get_ref()), ToString::to_string(key.get_ref()), Origin::Defaults)
        };
        Self { table: defaults.clone(), origins: origins.into_iter().map(named).collect() }
    }

    fn set(&mut self, setting: Setting<'a>) {
        put(&mut self.table, &setting);
        let mine =
            |(section, key, _): &&mut (String, String, Origin)| *section == setting.section && *key == setting.key;
        if let Some((_, _, origin)) = self.origins.iter_mut().find(mine) {
            *origin = setting.origin;
        }
    }

    fn finish(self) -> (Config, Vec<Valued>) {
        let deserializer = || Deserializer::from(Spanned::new(0..0, self.table.clone()));
        let config = Config::deserialize(deserializer()).expect("every value was tried alone");
        let table = toml::Table::deserialize(deserializer()).expect("a table of values is a table");
        let valued = |(section, key, origin): (String, String, Origin)| {
            let value = table.get(&section)?.get(&key)?.clone();
            Some(Valued { section, key, value, origin })
        };
        (config, self.origins.into_iter().filter_map(valued).collect())
    }
}
