//! A window: a part of the day, and how many slots the fleet has in it.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use warmer_settings::AboveZero;

use super::field::{Field, WEEKDAY};
use super::zone::Zone;

/// `[[windows]]`: from one time of the day to another, on some days of the week, the fleet has so many slots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table with from, to and slots, and maybe days and time_zone")]
pub struct Window {
    /// When it begins.
    #[schemars(with = "String")]
    from: TimeOfDay,
    /// When it ends; the next day, where that is no later.
    #[schemars(with = "String")]
    to: TimeOfDay,
    /// On which days it begins.
    #[serde(default)]
    #[schemars(with = "String")]
    days: Days,
    /// Whose clocks and days these are.
    #[serde(default = "Zone::utc")]
    #[schemars(with = "String")]
    time_zone: Zone,
    /// Permits to do heavy work at the same time, in all instances together, while it lasts.
    #[serde(with = "AboveZero::<u32>")]
    slots: u32,
}

impl Window {
    /// Slots of the fleet while it lasts; at least one.
    #[must_use]
    pub fn slots(&self) -> u32 {
        self.slots
    }

    /// Whether this moment is in it.
    #[must_use]
    pub fn holds_at(&self, moment: SystemTime) -> bool {
        let micros = moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let moment = i64::try_from(micros).ok().and_then(|micros| Timestamp::from_microsecond(micros).ok());
        let Some(shown) = moment.map(|moment| self.time_zone.clock(moment)) else { return false };
        let (today, now) = (shown.date(), TimeOfDay::of(shown.hour(), shown.minute()));
        let yesterday = || today.yesterday().is_ok_and(|yesterday| self.days.has(yesterday));
        if self.from < self.to {
            return self.days.has(today) && self.from <= now && now < self.to;
        }
        (now >= self.from && self.days.has(today)) || (now < self.to && yesterday())
    }
}

impl fmt::Display for Window {
    /// `4 slots from 07:00 to 19:00, MON-FRI, Europe/Berlin`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, days, time_zone, slots } = self;
        let noun = if *slots == 1 { "slot" } else { "slots" };
        write!(f, "{slots} {noun} from {from} to {to}, ")?;
        if !days.field.any {
            write!(f, "{}, ", days.text)?;
        }
        time_zone.fmt(f)
    }
}

/// Minutes since midnight; at most 24:00.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct TimeOfDay(i16);

impl TimeOfDay {
    fn of(hour: i8, minute: i8) -> Self {
        Self(i16::from(hour) * 60 + i16::from(minute))
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let two = |text: &str| match text.as_bytes() {
            [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => Some((tens - b'0') * 10 + (ones - b'0')),
            _ => None,
        };
        let read = || {
            let (hour, minute) = text.split_once(':')?;
            let minutes = i16::from(two(hour)?) * 60 + Some(i16::from(two(minute)?)).filter(|minute| *minute < 60)?;
            Some(minutes).filter(|minutes| *minutes <= 24 * 60).map(Self)
        };
        read().ok_or_else(|| format!("{text:?} is no time of the day: expected \"00:00\" to \"24:00\""))
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

/// Days of the week, as in a cron expression.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Days {
    text: String,
    field: Field,
}

impl Days {
    fn has(&self, date: Date) -> bool {
        self.field.has(date.weekday().to_sunday_zero_offset())
    }
}

impl Default for Days {
    fn default() -> Self {
        Self { text: "*".to_owned(), field: Field::EVERY_DAY }
    }
}

impl TryFrom<String> for Days {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Field::parse(&WEEKDAY, &text).map(|field| Self { text, field })
    }
}

impl From<Days> for String {
    fn from(days: Days) -> Self {
        days.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(from: &str, to: &str, days: &str) -> Window {
        let text = serde_json::json!({
            "from": from, "to": to, "days": days, "time_zone": "Europe/Berlin", "slots": 4,
        });
        serde_json::from_value(text).unwrap()
    }

    /// 27 November 2026 was a Friday; Berlin's clocks were an hour ahead of UTC.
    fn holds(window: &Window, at: &str) -> bool {
        window.holds_at(at.parse::<Timestamp>().unwrap().into())
    }

    #[test]
    fn a_window_holds_from_its_first_minute_until_its_last_by_the_clock_of_its_zone() {
        let day = window("07:00", "19:00", "MON-FRI");
        for (at, expected) in [
            ("2026-11-27T05:59:59Z", false),
            ("2026-11-27T06:00:00Z", true),
            ("2026-11-27T17:59:59Z", true),
            ("2026-11-27T18:00:00Z", false),
            ("2026-11-28T12:00:00Z", false),
        ] {
            assert_eq!(holds(&day, at), expected, "{at}");
        }
        assert!(holds(&window("00:00", "24:00", "*"), "2026-11-28T22:59:59Z"));
    }

    #[test]
    fn a_window_over_midnight_belongs_to_the_day_on_which_it_begins() {
        let night = window("22:00", "06:00", "FRI");
        for (at, expected) in [
            ("2026-11-27T04:00:00Z", false),
            ("2026-11-27T21:00:00Z", true),
            ("2026-11-28T04:59:59Z", true),
            ("2026-11-28T05:00:00Z", false),
            ("2026-11-28T21:00:00Z", false),
        ] {
            assert_eq!(holds(&night, at), expected, "{at}");
        }
    }

    #[test]
    fn a_window_is_read_as_it_was_written() {
        let day = window("07:00", "24:00", "MON-FRI");
        assert_eq!(serde_json::from_str::<Window>(&serde_json::to_string(&day).unwrap()).unwrap(), day);
        assert_eq!(day.to_string(), "4 slots from 07:00 to 24:00, MON-FRI, Europe/Berlin");
        let least = r#"{ "from": "22:00", "to": "06:00", "slots": 1 }"#;
        assert_eq!(serde_json::from_str::<Window>(least).unwrap().to_string(), "1 slot from 22:00 to 06:00, UTC");
    }

    #[test]
    fn a_mistake_in_a_window_is_told_with_what_was_expected() {
        for (from, days, zone, slots, expected) in [
            ("7:00", "*", "UTC", 1, "\"7:00\" is no time of the day: expected \"00:00\" to \"24:00\""),
            ("24:01", "*", "UTC", 1, "no time of the day"),
            ("12:60", "*", "UTC", 1, "no time of the day"),
            ("07:00", "MO", "UTC", 1, "the day of the week \"MO\" is wrong"),
            ("07:00", "*", "Berlin", 1, "there is no time zone \"Berlin\""),
            ("07:00", "*", "UTC", 0, "expected a nonzero u32"),
        ] {
            let text = serde_json::json!({
                "from": from, "to": "19:00", "days": days, "time_zone": zone, "slots": slots,
            });
            let error = serde_json::from_value::<Window>(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
