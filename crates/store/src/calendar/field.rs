//! A field of a cron expression: which numbers it means.

/// What a field is about.
pub(super) struct Kind {
    /// What a sentence calls it.
    name: &'static str,
    least: u8,
    most: u8,
    /// The names of its numbers, from `least` on. Where there are some a range may go round: `SAT-MON`.
    words: &'static [&'static str],
    expected: &'static str,
}

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

pub(super) const MINUTE: Kind =
    Kind { name: "minute", least: 0, most: 59, words: &[], expected: "0 to 59, as in 0 or */15 or 0,30" };
pub(super) const HOUR: Kind =
    Kind { name: "hour", least: 0, most: 23, words: &[], expected: "0 to 23, as in 6 or 8-18 or */2" };
pub(super) const DAY: Kind =
    Kind { name: "day of the month", least: 1, most: 31, words: &[], expected: "1 to 31, as in * or 1,15" };
pub(super) const MONTH: Kind =
    Kind { name: "month", least: 1, most: 12, words: &MONTHS, expected: "1 to 12 or JAN to DEC, as in * or JAN-MAR" };
pub(super) const WEEKDAY: Kind = Kind {
    name: "day of the week",
    least: 0,
    most: 6,
    words: &DAYS,
    expected: "SUN to SAT or 0 to 7, of which both ends are Sunday, as in * or MON-FRI",
};

/// The numbers that a field means, 63 at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    bits: u64,
    /// It is `*`.
    pub(super) any: bool,
}

impl Field {
    /// Every day of the week.
    pub(super) const EVERY_DAY: Self = Self { bits: 0b111_1111, any: true };

    /// Reads a list of numbers and ranges.
    ///
    /// # Errors
    /// Which field is wrong, and what was expected.
    pub(super) fn parse(kind: &Kind, text: &str) -> Result<Self, String> {
        let mut bits = 0;
        for part in text.split(',') {
            let wrong = || format!("the {} {text:?} is wrong: expected {}", kind.name, kind.expected);
            bits |= kind.part(part).ok_or_else(wrong)?;
        }
        Ok(Self { bits, any: text == "*" })
    }

    pub(super) fn has(self, number: i8) -> bool {
        u32::try_from(number).is_ok_and(|number| self.bits >> number & 1 == 1)
    }

    /// In order.
    pub(super) fn numbers(self) -> impl Iterator<Item = i8> {
        (0..64).filter(move |number| self.has(*number))
    }
}

impl Kind {
    /// `*`, a number or a range, the first and the last each with a step behind a slash.
    fn part(&self, part: &str) -> Option<u64> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(digits(step).filter(|step| *step > 0)?)),
            None => (part, None),
        };
        let (first, last) = match range.split_once('-') {
            None if range == "*" => (self.least, self.most),
            Some((first, last)) => (self.number(first)?, self.number(last)?),
            None if step.is_some() => return None,
            None => (self.number(range)?, self.number(range)?),
        };
        let size = self.most - self.least + 1;
        let round = last < first;
        if round && self.words.is_empty() {
            return None;
        }
        let last = if round { last + size } else { last };
        let numbers = (first..=last).step_by(step.unwrap_or(1).into());
        Some(numbers.fold(0, |bits, number| bits | 1 << (self.least + (number - self.least) % size)))
    }

    fn number(&self, text: &str) -> Option<u8> {
        let named = self.words.iter().zip(self.least..).find(|(word, _)| word.eq_ignore_ascii_case(text));
        // Sunday is 0 and 7.
        let most = if self.words.len() == DAYS.len() { self.most + 1 } else { self.most };
        named.map(|(_, number)| number).or_else(|| digits(text).filter(|number| (self.least..=most).contains(number)))
    }
}

/// A number without a sign, 255 at most.
fn digits(text: &str) -> Option<u8> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &Kind, text: &str) -> Vec<i8> {
        Field::parse(kind, text).unwrap().numbers().collect()
    }

    #[test]
    fn a_field_is_a_list_of_numbers_names_ranges_and_steps() {
        assert_eq!(read(&MINUTE, "0,30,45-47"), [0, 30, 45, 46, 47]);
        assert_eq!(read(&MINUTE, "*/20"), [0, 20, 40]);
        assert_eq!(read(&HOUR, "8-18/5"), [8, 13, 18]);
        assert_eq!(read(&DAY, "*").len(), 31);
        assert_eq!(read(&MONTH, "nov-feb"), [1, 2, 11, 12]);
        assert_eq!(read(&WEEKDAY, "MON-FRI"), [1, 2, 3, 4, 5]);
        assert_eq!(read(&WEEKDAY, "FRI-SUN,3"), [0, 3, 5, 6]);
        assert_eq!(
            (read(&WEEKDAY, "7"), read(&WEEKDAY, "5-7"), read(&WEEKDAY, "0-7").len()),
            (vec![0], vec![0, 5, 6], 7)
        );
    }

    #[test]
    fn what_is_no_field_is_refused_with_its_name() {
        for text in ["", "60", "-1", "+5", "5-", "9-7", "*/0", "5/2", "1,,2", "MON", "L", "1-2-3", "1000"] {
            let error = Field::parse(&MINUTE, text).unwrap_err();
            assert!(error.starts_with(&format!("the minute {text:?} is wrong: expected 0 to 59")), "{error}");
        }
        assert!(Field::parse(&DAY, "0").is_err() && Field::parse(&MONTH, "13").is_err());
        assert!(Field::parse(&WEEKDAY, "8").is_err() && Field::parse(&WEEKDAY, "FRIDAY").is_err());
    }
}
