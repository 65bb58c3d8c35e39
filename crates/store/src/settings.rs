//! The sections `[database]` and `[gc]`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use warmer_settings::{AboveZero, Mistake, Pause, Secret, Time, redacted};

use crate::postgres::{ServerPlace, place};

/// A day: what is marked for deletion may come into use again within it.
const DAY: Duration = Duration::from_hours(24);

/// `[database]`: where the queue and the cache are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    /// `sqlite:PATH`, `postgres://…`, or empty for the SQLite file in the data directory. It may hold a password.
    pub url: Secret,
    /// A direct way to the PostgreSQL server for the lock connection; empty is `url`. It may hold a password.
    pub lock_url: Secret,
    /// Connections of the pool, the lock connection apart; PostgreSQL only.
    #[serde(with = "AboveZero::<u32>")]
    pub pool: u32,
    /// Where the SQLite file and the mirrors are; empty is the user's data directory.
    pub data_dir: String,
    /// Open a SQLite file though it lies on a network file system; for those who know that only one machine does.
    pub allow_network_fs: bool,
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self {
            url: Secret::default(),
            lock_url: Secret::default(),
            pool: 8,
            data_dir: String::new(),
            allow_network_fs: false,
        }
    }
}

impl DatabaseSettings {
    /// The file that the URL names; `None` for the one in the data directory.
    #[must_use]
    pub fn sqlite_file(&self) -> Option<PathBuf> {
        let path = self.url.expose().strip_prefix("sqlite:")?;
        Some(PathBuf::from(path.strip_prefix("//").unwrap_or(path)))
    }

    /// Whether other machines may use the database too.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.postgres_url().is_some()
    }

    /// Where the database is, fit to be shown; `file` is the SQLite file.
    #[must_use]
    pub fn location(&self, file: &Path) -> String {
        self.postgres_url().map_or_else(|| file.display().to_string(), redacted)
    }

    /// Where the PostgreSQL server is, if the URL names one.
    #[must_use]
    pub fn server(&self) -> Option<ServerPlace> {
        place(self.postgres_url()?)
    }

    /// The URL, where it names a PostgreSQL server. It may hold a password.
    pub(crate) fn postgres_url(&self) -> Option<&str> {
        Some(self.url.expose()).filter(|url| is_postgres(url))
    }

    /// What the values cannot say alone.
    #[must_use]
    pub fn mistakes(&self) -> Vec<Mistake> {
        let (url, lock_url) = (self.url.expose(), self.lock_url.expose());
        let sqlite = self.sqlite_file().is_some_and(|path| !path.as_os_str().is_empty());
        let mut mistakes = Vec::new();
        if !url.is_empty() && !sqlite && !is_postgres(url) {
            let expected = "expected \"sqlite:PATH\", \"postgres://USER@HOST:PORT/DATABASE\", or \"\" for the file in \
                the data directory";
            mistakes.push(Mistake::new("url", expected));
        }
        let both = is_postgres(url) && is_postgres(lock_url);
        if !lock_url.is_empty() && !both {
            let expected = "expected \"postgres://...\" beside a database.url of the same kind, or \"\"";
            mistakes.push(Mistake::new("lock_url", expected));
        }
        mistakes
    }
}

/// Whether a URL names a PostgreSQL server.
fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// `[gc]`: when what is collected, and what a collection deletes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GcSettings {
    /// How often a process that stays collects, one for all; zero leaves it to `warmer gc`.
    #[serde(with = "Pause")]
    pub every: Duration,
    /// How long something stays marked before a collection deletes it.
    #[serde(with = "Time")]
    pub mark_age: Duration,
    /// How long the history of attempts is kept.
    #[serde(with = "Time")]
    pub history: Duration,
}

impl Default for GcSettings {
    fn default() -> Self {
        Self { every: DAY, mark_age: DAY, history: 30 * DAY }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str, lock_url: &str) -> DatabaseSettings {
        DatabaseSettings { url: Secret::new(url), lock_url: Secret::new(lock_url), ..DatabaseSettings::default() }
    }

    #[test]
    fn a_url_names_a_file_a_server_or_is_a_mistake() {
        assert_eq!(of("sqlite:///srv/w.sqlite", "").sqlite_file(), Some("/srv/w.sqlite".into()));
        let (file, server) = (of("", ""), of("postgresql://u:hunter2@h/d", ""));
        assert!(server.is_shared() && !file.is_shared());
        let there = Path::new("/data/w.sqlite");
        assert_eq!(
            (server.location(there), file.location(there)),
            ("postgresql://[redacted]@h/d".into(), "/data/w.sqlite".into())
        );
        for (url, lock_url, key) in
            [("mysql://h/d", "", "url"), ("sqlite:", "", "url"), ("", "postgres://h/d", "lock_url")]
        {
            let keys: Vec<_> = of(url, lock_url).mistakes().into_iter().map(|mistake| mistake.key).collect();
            assert_eq!(keys, [key], "{url} {lock_url}");
        }
        assert_eq!(of("postgres://h/d", "postgres://h:6000/d").mistakes(), []);
    }
}
