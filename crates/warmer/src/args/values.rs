//! Values that several commands take.

use std::time::Duration;

use clap::builder::RangedI64ValueParser;

use crate::config::PRIORITIES;

/// The parser's own words name a position in the text, which helps nobody.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "expected a duration such as \"15m\" or \"2h 30m\"".to_owned())
}

pub(super) fn priority() -> RangedI64ValueParser<i32> {
    clap::value_parser!(i32).range(PRIORITIES)
}
