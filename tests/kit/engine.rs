//! The databases that a test runs on: what is promised about one is promised about the other.

use crate::{Postgres, Warmer};

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
