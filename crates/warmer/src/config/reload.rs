//! A configuration that was read again: what is in force from now on, and what has changed.

use super::check;
use super::effect::Effect;
use super::given::{Given, written};
use super::load::{in_force, of_text};
use super::problem::{Origin, Problem, Problems};
use super::sections::Config;
use super::value::Valued;

/// The lists of tables, as [`Given::lists`] has them.
const LISTS: [&str; 2] = ["repositories", "windows"];

/// What becomes of the configuration in force.
#[derive(Debug)]
pub(crate) struct Reload {
    /// It, with what needs another start as it was.
    pub(crate) config: Config,
    /// The same as TOML, which a child process reads again. It may hold a password.
    pub(crate) in_force: String,
    /// Every key whose value is another one.
    pub(crate) changes: Vec<Change>,
    /// What is allowed but probably not meant.
    pub(crate) warnings: Vec<String>,
    /// To be remembered once all that is in force.
    pub(crate) given: Given,
}

/// A key that has another value than in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// `section.key`, or a list of tables.
    pub(crate) key: String,
    /// Both values, fit to be shown; `None` where they are too long for a line or may hold a secret.
    pub(crate) values: Option<(String, String)>,
    /// When it counts.
    pub(crate) effect: Effect,
}

impl Reload {
    /// Loads all layers anew for a daemon, and lays them over what is in force. What needs another start stays as it
    /// is.
    ///
    /// # Errors
    /// All mistakes of what the layers are now, also those that only show beside what stays.
    pub(crate) fn of(given: &Given) -> Result<Self, Problems> {
        let mut now = given.load()?;
        now.log_as_daemon();
        let (mut values, mut changes) = (Vec::with_capacity(now.values.len()), Vec::new());
        for valued in &now.values {
            let before = given.value(&valued.section, &valued.key).unwrap_or(valued);
            let changed = before.value.to_string() != valued.value.to_string();
            let effect = Effect::of(&valued.section, &valued.key);
            if changed {
                changes.push(Change::of(before, valued, effect));
            }
            values.push(if changed && effect == Effect::Restart { before.clone() } else { valued.clone() });
        }
        let lists = written(&now);
        for (list, (now, before)) in LISTS.into_iter().zip(lists.iter().zip(&given.lists)) {
            if now != before {
                changes.push(Change { key: list.to_owned(), values: None, effect: Effect::of_list(list) });
            }
        }
        let in_force = in_force(&values, &now.config.telemetry.log);
        let mut config = of_text(&in_force).map_err(|error| Problems(vec![unread(&error)]))?;
        (config.repositories, config.windows) = (now.config.repositories, now.config.windows);
        let problems = check::check(&config, &values);
        if !problems.is_empty() {
            return Err(Problems(problems));
        }
        let warnings = check::warnings(&config);
        Ok(Self { config, in_force, changes, warnings, given: given.with(values, lists) })
    }

    /// The keys that count at this time, in the order of the manual.
    pub(crate) fn keys(&self, effect: Effect) -> Vec<&str> {
        self.changes.iter().filter(|change| change.effect == effect).map(|change| change.key.as_str()).collect()
    }
}

/// What was read alone is no configuration together: this program is at fault.
fn unread(error: &anyhow::Error) -> Problem {
    Problem { origin: Origin::Defaults, key: String::new(), message: format!("{error:#}") }
}

impl Change {
    /// Longer values are told as changed.
    const VALUE_MOST: usize = 80;

    fn of(before: &Valued, now: &Valued, effect: Effect) -> Self {
        let key = format!("{}.{}", now.section, now.key);
        let secret = matches!(&key[..], "database.url" | "database.lock_url" | "git.credentials" | "git.ssh_command");
        let (before, now) = (before.value.to_string(), now.value.to_string());
        let short = [&before, &now].iter().all(|value| value.len() <= Self::VALUE_MOST);
        Self { key, values: (short && !secret).then_some((before, now)), effect }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::load::load;
    use super::*;
    use crate::environment::Environment;

    struct File(tempfile::NamedTempFile);

    impl File {
        fn of(text: &str) -> (Self, Given) {
            let file = Self(tempfile::NamedTempFile::new().unwrap());
            file.write(text);
            let (environment, path) = (Environment::default(), file.0.path().to_path_buf());
            let mut loaded = load(&environment, Some(&path), &[]).unwrap();
            loaded.log_as_daemon();
            (file, Given::new(&environment, Some(path), &[], &loaded))
        }

        fn write(&self, text: &str) {
            std::fs::write(self.0.path(), text).unwrap();
        }
    }

    /// A key, its values, and when it counts.
    type Told<'a> = (&'a str, Option<(&'a str, &'a str)>, Effect);

    fn told(reload: &Reload) -> Vec<Told<'_>> {
        reload.changes.iter().map(told_of).collect()
    }

    fn told_of(change: &Change) -> Told<'_> {
        let values = change.values.as_ref().map(|(before, now)| (before.as_str(), now.as_str()));
        (change.key.as_str(), values, change.effect)
    }

    #[test]
    fn what_counts_now_is_taken_and_what_needs_a_start_stays_and_is_named_each_time() {
        let (file, given) = File::of("[claimer]\nconcurrency = 3\n");
        assert_eq!(Reload::of(&given).unwrap().changes, []);
        file.write(
            "[claimer]\nconcurrency = 7\nslots = 9\n[git]\nfetch_size_max = \"3GiB\"\n[telemetry]\nlog = \"debug\"\n",
        );
        let reload = Reload::of(&given).unwrap();
        let expected = [
            ("claimer.concurrency", Some(("3", "7")), Effect::Now),
            ("claimer.slots", Some(("24", "9")), Effect::Fleet),
            ("git.fetch_size_max", Some(("\"4GiB\"", "\"3GiB\"")), Effect::Restart),
            ("telemetry.log", Some(("\"warn\"", "\"debug\"")), Effect::Now),
        ];
        assert_eq!(told(&reload), expected);
        let config = &reload.config;
        assert_eq!((config.claimer.concurrency, config.claimer.slots, config.git.fetch_size_max), (7, 9, 4 << 30));
        assert_eq!(config.telemetry.log, "debug");
        let child = of_text(&reload.in_force).unwrap();
        assert_eq!((child.claimer.concurrency, child.git.fetch_size_max), (7, 4 << 30));
        let again = Reload::of(&reload.given).unwrap();
        assert_eq!(told(&again), expected[2..3]);
        file.write("");
        let back = Reload::of(&reload.given).unwrap();
        assert_eq!(back.keys(Effect::Restart), Vec::<&str>::new(), "it is what is in force");
        assert_eq!((back.config.claimer.concurrency, back.config.telemetry.log.as_str()), (4, "info"));
    }

    #[test]
    fn what_may_hold_a_secret_is_told_as_changed() {
        let (file, given) = File::of("");
        file.write(
            "[[repositories]]\nurl = \"https://git.example.com/a\"\n[database]\nurl = \"postgres://me:hunter2@db/w\"\n",
        );
        let reload = Reload::of(&given).unwrap();
        assert_eq!(told(&reload), [("database.url", None, Effect::Restart), ("repositories", None, Effect::Now)]);
        assert_eq!(reload.config.repositories.len(), 1);
        assert!(!reload.in_force.contains("hunter2"), "the parent's is in force");
    }

    #[test]
    fn a_wrong_file_gives_nothing() {
        let (file, given) = File::of("");
        for (text, key) in [("[claimer]\nconcurrency = 0\n", "claimer.concurrency"), ("[claimer", "no TOML")] {
            file.write(text);
            assert!(Reload::of(&given).unwrap_err().to_string().contains(key));
        }
        let missing = Given::new(&Environment::default(), Some(PathBuf::from("/nowhere")), &[], &{
            load(&Environment::default(), None, &[]).unwrap()
        });
        assert!(Reload::of(&missing).unwrap_err().to_string().contains("/nowhere"));
    }
}
