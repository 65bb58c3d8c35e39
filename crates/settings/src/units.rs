//! Durations, sizes and counts as people write them: `#[serde(with = "Time")]` on a plain field.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::time::Duration;

use bytesize::ByteSize;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

/// A [`Duration`] longer than nothing, written `"30s"` or `"1h 30m"`.
pub struct Time;

/// A [`Duration`] that may be nothing, written `"30s"` or `"0s"`.
pub struct Pause;

/// A size above zero in bytes, a [`u64`], written `"512KiB"`.
pub struct Size;

/// A whole number above zero: a [`usize`], [`u32`] or [`u64`].
pub struct AboveZero<T>(PhantomData<T>);

/// A price, an `Option<f64>` of nothing less than 0, written as a number; `""` is none.
pub struct Price;

/// The workers of a pool, a [`usize`]: written as a number above zero, or `"auto"`, which is 0 here.
pub struct Workers;

/// Reads a text by `parse`.
struct Written<T> {
    expected: &'static str,
    parse: fn(&str) -> Option<T>,
}

impl<T> Visitor<'_> for Written<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

impl Time {
    /// Reads it.
    ///
    /// # Errors
    /// When it is no such text, or nothing.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        from.deserialize_str(Written {
            expected: "a duration longer than nothing, such as \"30s\" or \"1h 30m\"",
            parse: |text| humantime::parse_duration(text).ok().filter(|time| !time.is_zero()),
        })
    }
}

impl Pause {
    /// Reads it.
    ///
    /// # Errors
    /// When it is no such text.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        from.deserialize_str(Written {
            expected: "a duration such as \"30s\" or \"1h 30m\", or \"0s\" for none",
            parse: |text| humantime::parse_duration(text).ok(),
        })
    }
}

impl Size {
    /// Reads it.
    ///
    /// # Errors
    /// When it is no such text, or zero.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        from.deserialize_str(Written {
            expected: "a size above zero, such as \"512KiB\" or \"4GiB\"",
            parse: |text| text.parse::<ByteSize>().ok().map(|size| size.as_u64()).filter(|size| *size > 0),
        })
    }

    /// Writes it so that the same number is read again.
    ///
    /// # Errors
    /// As `to` says.
    pub fn serialize<S: Serializer>(bytes: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{bytes}B"))
    }
}

impl Price {
    /// Reads it.
    ///
    /// # Errors
    /// When it is no number, or one below 0.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
        from.deserialize_any(Priced)
    }
}

/// Reads a [`Price`]. A variable or `--set` gives it as a text.
struct Priced;

impl Visitor<'_> for Priced {
    type Value = Option<f64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of at least 0, such as 0.02, or \"\" for none")
    }

    fn visit_f64<E: Error>(self, price: f64) -> Result<Option<f64>, E> {
        let is_price = price.is_finite() && price >= 0.0;
        is_price.then_some(Some(price)).ok_or_else(|| E::invalid_value(Unexpected::Float(price), &self))
    }

    fn visit_i64<E: Error>(self, price: i64) -> Result<Option<f64>, E> {
        let small = u32::try_from(price).map_err(|_| E::invalid_value(Unexpected::Signed(price), &self))?;
        Ok(Some(small.into()))
    }

    fn visit_u64<E: Error>(self, price: u64) -> Result<Option<f64>, E> {
        let small = u32::try_from(price).map_err(|_| E::invalid_value(Unexpected::Unsigned(price), &self))?;
        Ok(Some(small.into()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Option<f64>, E> {
        match text.trim() {
            "" => Ok(None),
            written => match written.parse() {
                Ok(price) => self.visit_f64(price),
                Err(_) => Err(E::invalid_value(Unexpected::Str(text), &self)),
            },
        }
    }
}

impl Workers {
    /// Reads it.
    ///
    /// # Errors
    /// When it is neither such a number nor `"auto"`.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<usize, D::Error> {
        from.deserialize_any(Staffed)
    }
}

/// Reads [`Workers`].
struct Staffed;

impl Visitor<'_> for Staffed {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number above zero, or \"auto\"")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<usize, E> {
        let workers = usize::try_from(number).ok().filter(|workers| *workers > 0);
        workers.ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<usize, E> {
        let workers = usize::try_from(number).ok().filter(|workers| *workers > 0);
        workers.ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<usize, E> {
        if text == "auto" { Ok(0) } else { Err(E::invalid_value(Unexpected::Str(text), &self)) }
    }
}

macro_rules! above_zero {
    ($($number:ty as $nonzero:ty),*) => {$(
        impl AboveZero<$number> {
            /// Reads it.
            ///
            /// # Errors
            /// When it is no such number, or zero.
            pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<$number, D::Error> {
                <$nonzero>::deserialize(from).map(<$nonzero>::get)
            }

            /// Writes it.
            ///
            /// # Errors
            /// As `to` says.
            pub fn serialize<S: Serializer>(number: &$number, to: S) -> Result<S::Ok, S::Error> {
                number.serialize(to)
            }
        }

        impl JsonSchema for AboveZero<$number> {
            fn schema_name() -> Cow<'static, str> {
                <$nonzero>::schema_name()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                <$nonzero>::json_schema(generator)
            }

            fn inline_schema() -> bool {
                <$nonzero>::inline_schema()
            }
        }
    )*};
}

above_zero!(usize as NonZeroUsize, u32 as NonZeroU32, u64 as NonZeroU64);

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "examples": ["250ms", "30s", "1h 30m"] })
    }
}

impl JsonSchema for Pause {
    fn schema_name() -> Cow<'static, str> {
        "Pause".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "examples": ["0s", "500ms", "30s"] })
    }
}

impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "examples": ["512KiB", "1MiB", "4GiB"] })
    }
}

impl JsonSchema for Price {
    fn schema_name() -> Cow<'static, str> {
        "Price".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["number", "string"], "minimum": 0, "examples": [0.02, ""] })
    }
}

impl JsonSchema for Workers {
    fn schema_name() -> Cow<'static, str> {
        "Workers".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["integer", "string"], "minimum": 1, "examples": ["auto", 4] })
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Debug, PartialEq, Deserialize, Serialize)]
    struct Sized(#[serde(with = "Size")] u64, #[serde(with = "AboveZero::<u64>")] u64);

    #[test]
    fn a_size_and_a_count_are_read_as_they_were_written() {
        for (text, bytes) in
            [("512KiB", 512 << 10), ("576MiB", 576 << 20), ("1B", 1), ("18446744073709551615B", u64::MAX)]
        {
            let sized: Sized = serde_json::from_str(&format!("[\"{text}\", 7]")).unwrap();
            assert_eq!(sized, Sized(bytes, 7), "{text}");
            let again = serde_json::to_string(&sized).unwrap();
            assert_eq!(serde_json::from_str::<Sized>(&again).unwrap(), sized, "{again}");
        }
    }

    #[test]
    fn a_price_is_a_number_of_at_least_nothing_or_none() {
        let price = |text: &str| Price::deserialize(&mut serde_json::Deserializer::from_str(text));
        for (text, expected) in
            [("0.02", Some(0.02)), ("0", Some(0.0)), ("3", Some(3.0)), (r#"" 1.5 ""#, Some(1.5)), (r#""""#, None)]
        {
            assert_eq!(price(text).unwrap(), expected, "{text}");
        }
        for text in ["-1", "-0.5", r#""-1""#, r#""free""#, r#""inf""#, r#""NaN""#, "true", "99999999999"] {
            let error = price(text).unwrap_err().to_string();
            assert!(error.contains("expected a number of at least 0, such as 0.02, or \"\" for none"), "{error}");
        }
    }

    #[test]
    fn workers_are_a_number_above_zero_or_left_to_the_machine() {
        let workers = |text: &str| Workers::deserialize(&mut serde_json::Deserializer::from_str(text));
        for (text, expected) in [("3", 3), (r#""auto""#, 0)] {
            assert_eq!(workers(text).unwrap(), expected, "{text}");
        }
        for text in ["0", "-1", r#""3""#, r#""many""#, "1.5", "true"] {
            let error = workers(text).unwrap_err().to_string();
            assert!(error.contains("expected a whole number above zero, or \"auto\""), "{error}");
        }
    }

    #[test]
    fn what_is_nothing_is_refused_with_what_was_expected() {
        let error = serde_json::from_str::<Sized>(r#"["0B", 1]"#).unwrap_err().to_string();
        assert!(error.contains("expected a size above zero, such as \"512KiB\""), "{error}");
        let error = serde_json::from_str::<Sized>(r#"["1B", 0]"#).unwrap_err().to_string();
        assert!(error.contains("expected a nonzero u64"), "{error}");
        let time = |text: &str| Time::deserialize(&mut serde_json::Deserializer::from_str(text));
        let pause = |text: &str| Pause::deserialize(&mut serde_json::Deserializer::from_str(text));
        assert_eq!((time("\"90s\"").unwrap(), pause("\"0s\"").unwrap()), (Duration::from_secs(90), Duration::ZERO));
        assert!(time("\"0s\"").unwrap_err().to_string().contains("a duration longer than nothing"));
        assert!(pause("\"soon\"").unwrap_err().to_string().contains("or \"0s\" for none"));
    }
}
