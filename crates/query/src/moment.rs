//! A moment as every view shows it.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};

/// A moment by the database's clock. Shown and serialised in RFC 3339, in UTC, to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub SystemTime);

/// The last second of the year 9999: RFC 3339 has four digits for the year, and a commit may claim any.
const LAST: Duration = Duration::from_secs(253_402_300_799);

impl Moment {
    /// How long ago it was by this machine's clock; zero where that is behind. To be shown, never to decide by.
    #[must_use]
    pub fn age(self) -> Duration {
        SystemTime::now().duration_since(self.0).unwrap_or_default()
    }
}

impl From<SystemTime> for Moment {
    fn from(time: SystemTime) -> Self {
        Self(time)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.0.clamp(SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH + LAST);
        humantime::format_rfc3339_seconds(named).fmt(f)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_outside_the_calendar_is_shown_as_the_nearest_inside() {
        let shown = |seconds| Moment(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).to_string();
        assert_eq!(shown(1_700_000_000), "2023-11-14T22:13:20Z");
        assert_eq!(shown(253_402_300_800), "9999-12-31T23:59:59Z");
        assert_eq!(Moment(SystemTime::UNIX_EPOCH - Duration::from_secs(1)).to_string(), "1970-01-01T00:00:00Z");
    }
}
