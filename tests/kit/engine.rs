//! The databases that a test runs on: what is promised about one is promised about the other.

use std::time::{Duration, Instant};

use crate::{Postgres, Warmer};

/// Longer than anything that is waited for takes.
const HANG: Duration = Duration::from_secs(60);

/// A database of a test's own.
pub enum Engine {
    /// The file in the data directory.
    Sqlite,
    /// A server's.
    Postgres(Postgres),
}

impl Engine {
    /// SQLite, and PostgreSQL where there is a server or one can be made.
    pub fn all() -> impl Iterator<Item = Self> {
        let postgres = std::iter::once_with(|| Postgres::new().map(Self::Postgres)).flatten();
        std::iter::once(Self::Sqlite).chain(postgres)
    }

    /// The first column, a text, of every row that a query finds; `warmer` is who uses the database.
    ///
    /// # Panics
    /// When the query is wrong.
    #[must_use]
    pub fn query(&self, warmer: &Warmer, sql: &str) -> Vec<String> {
        match self {
            Self::Sqlite => warmer.database().query(sql),
            Self::Postgres(postgres) => postgres.query(sql),
        }
    }

    /// Asks until an answer has a row.
    ///
    /// # Panics
    /// When the query is wrong, or none ever has.
    pub fn wait_for(&self, warmer: &Warmer, sql: &str) {
        let until = Instant::now() + HANG;
        while self.query(warmer, sql).is_empty() {
            assert!(Instant::now() < until, "there is never a row: {sql}");
        }
    }

    /// A warmer with the toy model that uses it, may fetch over http, and starts at once.
    #[must_use]
    pub fn warmer(&self) -> Warmer {
        let mut warmer = Warmer::toy();
        warmer.set("git.protocols", r#"["file", "http", "https", "ssh"]"#);
        warmer.set("claimer.start_delay", r#""0s""#).set("claimer.start_jitter", r#""0s""#);
        if let Self::Postgres(postgres) = self {
            warmer.env("DATABASE_URL", postgres.url());
        }
        warmer
    }
}
