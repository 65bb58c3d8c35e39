//! A time zone, by its name.

use std::fmt;

use jiff::tz::{self, AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, civil::DateTime};
use serde::{Deserialize, Serialize};

/// A time zone of the IANA database: this machine's copy, or else the one in this program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    /// The zone of this name, whatever the case of its letters.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn named(name: &str) -> Result<Self, String> {
        let found = tz::db().get(name).or_else(|_| TimeZoneDatabase::bundled().get(name));
        let zone = found.map_err(|_| {
            format!("there is no time zone {name:?}: expected a name such as \"UTC\" or \"Europe/Berlin\"")
        })?;
        Ok(Self { name: name.to_owned(), zone })
    }

    pub(super) fn utc() -> Self {
        Self { name: "UTC".to_owned(), zone: TimeZone::UTC }
    }

    /// What its clocks show at a moment.
    pub(super) fn clock(&self, moment: Timestamp) -> DateTime {
        self.zone.to_datetime(moment)
    }

    /// How far its clocks are ahead of UTC at a moment, and when that changes.
    pub(super) fn offset(&self, moment: Timestamp) -> (Offset, Option<Timestamp>) {
        let change = self.zone.following(moment).next().map(|change| change.timestamp());
        (self.zone.to_offset(moment), change)
    }

    /// When its clocks show this; just after the gap where they never do, the first time where they do twice. `None`
    /// beyond the years that can be counted in.
    pub(super) fn moment(&self, shown: DateTime) -> Option<Timestamp> {
        let ambiguous = self.zone.to_ambiguous_timestamp(shown);
        match ambiguous.offset() {
            AmbiguousOffset::Gap { .. } => {
                let before = ambiguous.earlier().ok()?;
                self.zone.following(before).next().map(|change| change.timestamp())
            }
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier().ok(),
        }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl TryFrom<String> for Zone {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::named(&name)
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_known_without_a_database_on_the_machine() {
        assert!(TimeZoneDatabase::bundled().get("Europe/Berlin").is_ok());
        let error = Zone::named("Europe/Berln").unwrap_err();
        assert!(error.starts_with("there is no time zone \"Europe/Berln\": expected a name such as"), "{error}");
        assert!(Zone::named("../UTC").is_err() && Zone::named("").is_err());
    }
}
