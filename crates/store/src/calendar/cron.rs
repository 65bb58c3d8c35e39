//! A cron expression: five fields, and a time zone.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp};

use super::field::{DAY, Field, HOUR, MINUTE, MONTH, WEEKDAY};
use super::zone::Zone;

/// The days in which every expression that ever comes does: 29 February is eight years away when a century comes
/// between.
const DAYS_MOST: usize = 366 * 8 + 1;

/// Those of a day.
const HOURS: usize = 24;

/// A cron expression: `0 6 * * MON-FRI Europe/Berlin`, at the minute, the hour, the day of the month, the month and the
/// day of the week, of the zone's clock; without a zone UTC. As in every cron, where neither kind of day is `*` either
/// will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron(String);

/// The same, read.
struct Expression {
    minutes: Field,
    hours: Field,
    days: Field,
    months: Field,
    weekdays: Field,
    zone: Zone,
}

impl Cron {
    /// One that was checked when it was written down. It is read when it is needed: a machine that does not know its
    /// time zone is not to be kept from everything else.
    pub(crate) fn stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// As it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The first two of its moments after this one, all in microseconds since 1970.
    ///
    /// # Errors
    /// When this machine cannot read it.
    pub(crate) fn next_two(&self, after: i64) -> Result<(i64, i64), String> {
        let expression = Expression::parse(&self.0)?;
        let next = |after: i64| {
            let after = Timestamp::from_microsecond(after).ok()?;
            expression.next(after).map(Timestamp::as_microsecond)
        };
        let first = next(after).ok_or_else(|| never(&self.0))?;
        Ok((first, next(first).ok_or_else(|| never(&self.0))?))
    }
}

fn never(text: &str) -> String {
    format!("the cron expression {text:?} never comes: no month of it has such a day")
}

impl FromStr for Cron {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let cron = Self(text);
        cron.next_two(0).map(|_| cron)
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Expression {
    fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<_> = text.split(' ').collect();
        let ([minute, hour, day, month, weekday], zone) = match parts[..] {
            [minute, hour, day, month, weekday] => ([minute, hour, day, month, weekday], "UTC"),
            [minute, hour, day, month, weekday, zone] => ([minute, hour, day, month, weekday], zone),
            _ => return Err(five(text)),
        };
        Ok(Self {
            minutes: Field::parse(&MINUTE, minute)?,
            hours: Field::parse(&HOUR, hour)?,
            days: Field::parse(&DAY, day)?,
            months: Field::parse(&MONTH, month)?,
            weekdays: Field::parse(&WEEKDAY, weekday)?,
            zone: Zone::named(zone)?,
        })
    }

    /// The first of its moments after this one.
    fn next(&self, after: Timestamp) -> Option<Timestamp> {
        if self.hours.numbers().count() == HOURS {
            return self.next_of_every_hour(after);
        }
        let from = self.zone.clock(after);
        // What the clock showed already never comes later: of a time that it shows twice, the first counts.
        let shown = self.shown(from.date(), None).filter(|shown| *shown > from);
        shown.filter_map(|shown| self.zone.moment(shown)).find(|moment| *moment > after)
    }

    /// The same of one that comes in every hour. It goes by the hours that pass: none is left out when a clock is put
    /// back, and there is nothing to make up for when it is put forward. Between two such changes the hours that pass
    /// are those that the clock shows.
    fn next_of_every_hour(&self, after: Timestamp) -> Option<Timestamp> {
        let mut from = after.checked_add(SignedDuration::from_nanos(1)).ok()?;
        let last = after.checked_add(SignedDuration::from_hours((DAYS_MOST * HOURS).try_into().ok()?)).ok()?;
        while from < last {
            let (offset, change) = self.zone.offset(from);
            let shown = offset.to_datetime(from);
            let until = change.map(|change| offset.to_datetime(change).date());
            let next = self.shown(shown.date(), until).find(|next| *next >= shown);
            let moment = next.and_then(|next| offset.to_timestamp(next).ok());
            if let Some(moment) = moment.filter(|moment| change.is_none_or(|change| *moment < change)) {
                return Some(moment);
            }
            from = change?;
        }
        None
    }

    /// What the clock shows at its moments, from one day on and up to another.
    fn shown(&self, from: Date, until: Option<Date>) -> impl Iterator<Item = DateTime> {
        let times = move |date: Date| {
            let hours = self.hours.numbers();
            hours.flat_map(move |hour| self.minutes.numbers().map(move |minute| date.at(hour, minute, 0, 0)))
        };
        let days = std::iter::successors(Some(from), |day| day.tomorrow().ok()).take(DAYS_MOST);
        let days = days.take_while(move |day| until.is_none_or(|until| *day <= until));
        days.filter(move |day| self.falls_on(*day)).flat_map(times)
    }

    fn falls_on(&self, date: Date) -> bool {
        let (day, weekday) = (self.days.has(date.day()), self.weekdays.has(date.weekday().to_sunday_zero_offset()));
        let either = !self.days.any && !self.weekdays.any;
        self.months.has(date.month()) && if either { day || weekday } else { day && weekday }
    }
}

fn five(text: &str) -> String {
    format!(
        "the cron expression {text:?} has not five fields: expected minute, hour, day of the month, month and day of \
         the week, and a time zone if it is not UTC, as in \"0 6 * * MON-FRI Europe/Berlin\""
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The next moments, by the clock of UTC.
    fn next(cron: &str, after: &str, times: usize) -> Vec<String> {
        cron.parse::<Cron>().unwrap();
        let expression = Expression::parse(cron).unwrap();
        let mut moments = vec![after.parse::<Timestamp>().unwrap()];
        for _ in 0..times {
            moments.push(expression.next(*moments.last().unwrap()).unwrap());
        }
        moments.iter().skip(1).map(|moment| moment.strftime("%a %F %H:%M").to_string()).collect()
    }

    #[test]
    fn the_next_moment_is_by_the_clock_of_its_zone() {
        let friday = "2026-11-27T05:00:00Z";
        assert_eq!(next("0 6 * * MON-FRI Europe/Berlin", friday, 2), ["Mon 2026-11-30 05:00", "Tue 2026-12-01 05:00"]);
        assert_eq!(next("0 6 * * MON-FRI", friday, 2), ["Fri 2026-11-27 06:00", "Mon 2026-11-30 06:00"]);
        assert_eq!(
            next("*/30 22-23 * * *", "2026-11-27T23:29:59.9Z", 2),
            ["Fri 2026-11-27 23:30", "Sat 2026-11-28 22:00"]
        );
        assert_eq!(next("0 0 29 2 *", "2097-01-01T00:00:00Z", 1), ["Fri 2104-02-29 00:00"]);
        assert_eq!(next("0 0 1 * MON", friday, 2), ["Mon 2026-11-30 00:00", "Tue 2026-12-01 00:00"], "either day");
    }

    /// On 29 March 2026 Berlin's clocks went from 02:00 to 03:00, which is 01:00 UTC.
    #[test]
    fn a_time_that_does_not_exist_comes_once_just_after() {
        let before = "2026-03-28T12:00:00Z";
        assert_eq!(next("30 2 * * * Europe/Berlin", before, 2), ["Sun 2026-03-29 01:00", "Mon 2026-03-30 00:30"]);
        let quarters = next("*/15 2 * * * Europe/Berlin", "2026-03-28T23:00:00Z", 2);
        assert_eq!(quarters, ["Sun 2026-03-29 01:00", "Mon 2026-03-30 00:00"], "all four of them are one");
        assert_eq!(
            next("0 1-3 * * * Europe/Berlin", "2026-03-28T23:59:00Z", 3)[..2],
            ["Sun 2026-03-29 00:00", "Sun 2026-03-29 01:00"]
        );
    }

    /// On 25 October 2026 Berlin's clocks went from 03:00 back to 02:00, which is 01:00 UTC.
    #[test]
    fn a_time_that_exists_twice_comes_once() {
        let before = "2026-10-24T12:00:00Z";
        assert_eq!(next("30 2 * * * Europe/Berlin", before, 2), ["Sun 2026-10-25 00:30", "Mon 2026-10-26 01:30"]);
        let between = "2026-10-25T01:10:00Z";
        assert_eq!(
            next("30 2 * * * Europe/Berlin", between, 1),
            ["Mon 2026-10-26 01:30"],
            "it was half past two already"
        );
        let fixed = next("0 1-3 * * * Europe/Berlin", "2026-10-25T00:00:00Z", 1);
        assert_eq!(fixed, ["Sun 2026-10-25 02:00"], "three o'clock, after the second two o'clock");
    }

    #[test]
    fn what_comes_every_hour_goes_by_the_hours_that_pass() {
        let hourly = next("0 * * * * Europe/Berlin", "2026-10-24T23:30:00Z", 3);
        assert_eq!(hourly, ["Sun 2026-10-25 00:00", "Sun 2026-10-25 01:00", "Sun 2026-10-25 02:00"], "clocks go back");
        let halves = next("*/30 0-23 * * * Europe/Berlin", "2026-10-25T00:10:00Z", 4);
        let expected = ["Sun 2026-10-25 00:30", "Sun 2026-10-25 01:00", "Sun 2026-10-25 01:30", "Sun 2026-10-25 02:00"];
        assert_eq!(halves, expected);
        let forward = next("30 * * * * Europe/Berlin", "2026-03-29T00:00:00Z", 2);
        assert_eq!(forward, ["Sun 2026-03-29 00:30", "Sun 2026-03-29 01:30"], "nothing to make up for");
        assert_eq!(next("59 * 29 2 * Europe/Berlin", "2097-01-01T00:00:00Z", 1), ["Thu 2104-02-28 23:59"]);
        assert_eq!(next("5 * * * MON", "2026-11-28T23:00:00Z", 1), ["Mon 2026-11-30 00:05"]);
    }

    #[test]
    fn a_mistake_is_one_sentence_that_names_the_field() {
        for (text, expected) in [
            ("0 6 * *", "has not five fields: expected minute, hour,"),
            ("0 6 * * MON Europe/Berlin x", "has not five fields"),
            ("", "has not five fields"),
            ("60 6 * * *", "the minute \"60\" is wrong: expected 0 to 59"),
            ("0 25 * * *", "the hour \"25\" is wrong: expected 0 to 23"),
            ("0 6 0 * *", "the day of the month \"0\" is wrong: expected 1 to 31"),
            ("0 6 * 13 *", "the month \"13\" is wrong: expected 1 to 12 or JAN to DEC"),
            ("0 6 * * MON-FRIDAY", "the day of the week \"MON-FRIDAY\" is wrong: expected SUN to SAT"),
            ("0 6 * * * Berlin", "there is no time zone \"Berlin\""),
            ("0 0 30 2 *", "never comes: no month of it has such a day"),
            ("0 * 30 2 * Europe/Berlin", "never comes"),
        ] {
            let error = text.parse::<Cron>().unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        assert_eq!(" 0  6 * * *\tUTC ".parse::<Cron>().unwrap().as_str(), "0 6 * * * UTC");
    }
}
