//! What a database holds, and whether this version can work with it.

use sqlx::migrate::{Migration, MigrationType, Migrator};

use crate::error::{StoreError, StoreErrorKind};

/// A migration's version, name and text. Append only: a released migration is never edited.
pub(crate) type Step = (i64, &'static str, &'static str);

/// The migrations that a database was brought up by, as [`Schema::of`] takes them.
pub(crate) const APPLIED: &str = "SELECT version, checksum FROM _sqlx_migrations WHERE success ORDER BY version";

/// What a database holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Schema {
    /// Nothing yet.
    Empty,
    /// Tables of something else.
    Foreign,
    /// Ours, brought to this version.
    Version(i64),
    /// Ours, made by a build whose migrations of the same numbers have other texts.
    OtherBuild,
}

impl Schema {
    /// That of these migrations, which were applied: each by its version and the digest of its text, in order.
    pub(crate) fn of(applied: &[(i64, Vec<u8>)], steps: &[Step]) -> Self {
        let ours = migrator(steps);
        let is_other = |(version, digest): &(i64, Vec<u8>)| {
            ours.iter().any(|own| own.version == *version && *own.checksum != digest[..])
        };
        if applied.iter().any(is_other) {
            return Self::OtherBuild;
        }
        Self::Version(applied.last().map_or(0, |(version, _)| *version))
    }

    /// Whether it is to be brought up to `version`: an older one only where `upgrade`.
    pub(crate) fn is_behind(self, version: i64, upgrade: bool, name: &str) -> Result<bool, StoreError> {
        match self {
            Self::Empty => Ok(true),
            Self::Version(this) => Ok(upgrade && this < version),
            Self::Foreign => Err(foreign(name)),
            Self::OtherBuild => Err(of_other_build(name)),
        }
    }

    /// Refuses every schema but this version's.
    pub(crate) fn check(self, version: i64, name: &str) -> Result<(), StoreError> {
        match self {
            Self::Version(this) if this == version => Ok(()),
            Self::Version(newer) if newer > version => Err(StoreError::new(
                StoreErrorKind::Newer,
                format!(
                    "{name} was written by a newer version (schema {newer}, this one knows {version}): use that one"
                ),
            )),
            Self::Empty => Err(StoreError::new(
                StoreErrorKind::Empty,
                format!("{name} holds nothing yet: the first `warmer warm` or `warmer run` changes that"),
            )),
            Self::Version(_) => Err(StoreError::new(
                StoreErrorKind::Older,
                format!("{name} is not yet of this version: a warm with this version brings it up to date"),
            )),
            Self::Foreign => Err(foreign(name)),
            Self::OtherBuild => Err(of_other_build(name)),
        }
    }
}

/// Between two releases a schema changes without a number of its own.
fn of_other_build(name: &str) -> StoreError {
    let message = format!(
        "{name} has the schema of another build of this version: use that build, or begin with an empty database"
    );
    StoreError::new(StoreErrorKind::Newer, message)
}

fn foreign(name: &str) -> StoreError {
    let message = format!("{name} is a database of something else: name another");
    StoreError::new(StoreErrorKind::Broken, message)
}

/// The migrations that bring a database up to this version.
pub(crate) fn migrator(steps: &[Step]) -> Migrator {
    let step = |&(version, name, sql): &Step| {
        Migration::new(version, name.into(), MigrationType::Simple, sqlx::SqlStr::from_static(sql), false)
    };
    Migrator::with_migrations(steps.iter().map(step).collect())
}
